"""TODO."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PYTORCH = "pytorch"


EAGER, COMPILED, HALF = "eager", "compiled", "half"


@dataclass(frozen=True)
class Subject:
    """A model and what runs it.

    Attributes:
        model: What the model is called in the table.
        backend: A name of the registry, or `pytorch`.
        file: The model's file, or the checkpoint's folder.
        precision: What the network computes in.
        variant: Of PyTorch: eager, compiled, or half; of others: half where they round, else nothing.
        device: Of PyTorch: cpu or cuda.
    """

    model: str
    backend: str
    file: Path
    precision: str = "fp32"
    variant: str = ""
    device: str = "cpu"

    @property
    def run_by(self) -> str:
        """What runs it, for the table."""
        extra = {COMPILED: " compiled", HALF: f" {self.precision}"}.get(self.variant, "")
        return f"{self.backend}{extra}{' (GPU)' if self.device == 'cuda' else ''}"

    @property
    def key(self) -> str:
        """Tells subjects of one run apart."""
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
        """Read what `to_json` wrote."""
        return cls(**{**values, "file": Path(values["file"])})
