"""The checkpoints that come with the package, by name: `edge`, and what else is in the folder."""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.errors import did_you_mean

SHIPPED = Path(__file__).parent / "checkpoints" / "edge"
"""The checkpoint of the model that ships."""


def shipped_checkpoints() -> list[str]:
    """Names of the checkpoints that ship with this copy."""
    return sorted(path.parent.name for path in SHIPPED.parent.glob("*/config.json"))


def shipped_checkpoint(path: Path) -> Path:
    """A path, or the checkpoint that ships under this name if nothing is there."""
    own = SHIPPED.parent / path.name  # path may have no name: "."
    return own if path == Path(path.name) and not path.exists() and own.is_dir() else path


def mend_of(path: Path, otherwise: str) -> str:
    """What to do about a path with nothing there: the checkpoint that ships under almost this name, or else this."""
    return did_you_mean(path.name, shipped_checkpoints() if path == Path(path.name) else (), otherwise)
