"""A subject of the comparison: one form of the model in one engine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PYTORCH = "pytorch"
EAGER, COMPILED, HALF = "eager", "compiled", "half"


@dataclass(frozen=True)
class Subject:
    """A model and what runs it."""

    model: str  # its name in the table
    backend: str  # a name of the registry, or `pytorch`
    file: Path  # the model's file, or the checkpoint's folder
    precision: str = "fp32"  # in which the network computes
    variant: str = ""  # of PyTorch: eager, compiled or half; of others: half where they round the weights
    device: str = "cpu"  # cpu or cuda
    generator: str = ""  # FILE.py:NAME of the checkpoint's own generator

    @property
    def run_by(self) -> str:
        """What runs it, for the table."""
        extra = {COMPILED: " compiled", HALF: f" {self.precision}"}.get(self.variant, "")
        return f"{self.backend}{extra}{' (GPU)' if self.device == 'cuda' else ''}"

    @property
    def key(self) -> str:
        """Its unique name in one comparison."""
        return f"{self.model} / {self.run_by}"

    @property
    def is_reference(self) -> bool:
        """Whether others are compared with it."""
        return self.variant == EAGER

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "file": str(self.file)}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Subject:
        """Read what `to_json` returned."""
        return cls(**{**values, "file": Path(values["file"])})
