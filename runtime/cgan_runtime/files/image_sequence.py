"""Image sequences: files whose names hold a number, named by a pattern such as `frames/%05d.png`.

images = ImageSequence.of(Path("frames/%05d.png"))    # None for a name without %d
images.path(7)                                        # frames/00007.png
images.numbers()                                      # numbers of the files that exist
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"%(?:0(\d))?d")  # %d, %05d


@dataclass(frozen=True)
class ImageSequence:
    """Numbered images in one folder.

    Attributes:
        folder: The folder that holds them.
        prefix: The part of a name before the number.
        digits: The least number of digits.
        suffix: The part of a name after the number.
    """

    folder: Path
    prefix: str
    digits: int
    suffix: str

    @classmethod
    def of(cls, pattern: Path) -> ImageSequence | None:
        """The sequence that a pattern names; None for any other name."""
        if _NUMBER.search(pattern.name) is None:
            return None
        prefix, digits, suffix = _NUMBER.split(pattern.name, maxsplit=1)
        return cls(pattern.parent, prefix, int(digits or 1), suffix)

    @property
    def address(self) -> str:
        """The pattern for FFmpeg: absolute, with every other % doubled."""
        parts = (f"{self.folder.absolute()}{os.sep}{self.prefix}", self.suffix)
        return f"%0{self.digits}d".join(part.replace("%", "%%") for part in parts)

    def path(self, number: int) -> Path:
        """The path of one image."""
        return self.folder / f"{self.prefix}{number:0{self.digits}d}{self.suffix}"

    def numbers(self) -> list[int]:
        """The numbers of the images that exist, rising."""
        number = rf"(\d{{{self.digits},}})"
        name = re.compile(re.escape(self.prefix) + number + re.escape(self.suffix))
        names = (path.name for path in (self.folder.iterdir() if self.folder.is_dir() else ()))
        return sorted(int(match[1]) for match in map(name.fullmatch, names) if match)
