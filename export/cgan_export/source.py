"""What is exported: a checkpoint, or a torch module of one's own with its weights.

checkpoint = ModelSource("runs/edge").load()
checkpoint = ModelSource("my_net.py:Net", weights=Path("w.pt")).load()
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:  # it loads PyTorch
    from cgan_train.checkpoint import Checkpoint


@dataclass(frozen=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        model: A checkpoint's folder, a run, or `FILE.py:NAME`, whose file is run; None for the checkpoint that
            ships.
        generator: `FILE.py:NAME` of the checkpoint's own generator, whose file is run.
        weights: State dict for `FILE.py:NAME`; None for the weights that its code gives it.
    """

    model: str | Path | None = None
    generator: str = ""
    weights: str | Path | None = None

    def check(self) -> None:
        """Raise ConfigError where files are missing or options have no effect; loads nothing."""
        foreign = self._is_foreign
        if self.weights is not None and not foreign:
            raise ConfigError(f"--weights {self.weights} is for a module; name it as FILE.py:NAME, with its class")
        if self.generator and foreign:
            raise ConfigError(f"{self.model} names the module already; leave --generator out")
        if self.weights is not None and not Path(self.weights).is_file():
            raise ConfigError(f"no weights at {self.weights}; give a state dict as .pt, .pth or .safetensors")

    def load(self, size: tuple[int, int] | None = None) -> Checkpoint:
        """Load it; `size` is the height and width that a module is exported for.

        Raises:
            ConfigError: As of `check`; or the module, or the checkpoint's generator, cannot be used.
            ModelFileError: The checkpoint or the weights are missing or damaged.
        """
        self.check()
        from cgan_train.checkpoint import load_checkpoint
        from cgan_train.foreign import foreign_checkpoint
        from cgan_train.shipped import SHIPPED

        if self._is_foreign:
            weights = None if self.weights is None else Path(self.weights)
            return foreign_checkpoint(str(self.model), weights, max(size) if size else None)
        return load_checkpoint(Path(self.model or SHIPPED), self.generator)

    @property
    def _is_foreign(self) -> bool:
        file, _, name = str(self.model).rpartition(":")
        return file.endswith(".py") and name.isidentifier()
