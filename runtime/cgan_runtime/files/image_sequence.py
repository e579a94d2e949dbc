"""Images whose names hold a number: `frames/%05d.png`, in the words of FFmpeg and of compositors.

images = Numbered.of(Path("frames/%05d.png"))         # None for a name without %d
images.path(7)                                        # frames/00007.png
images.numbers()                                      # of those that are there
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_NUMBER = re.compile(r"%(?:0(\d))?d")  # %d, %05d


@dataclass(frozen=True)
class Numbered:
    """A row of images in one folder.

    Attributes:
        folder: Where they lie.
        before: Of a name, what stands before the number.
        digits: Of the number, at least.
        after: What stands behind it.
    """

    folder: Path
    before: str
    digits: int
    after: str

    @classmethod
    def of(cls, pattern: Path) -> Numbered | None:
        """The images that a pattern stands for; None for any other name."""
        if _NUMBER.search(pattern.name) is None:
            return None
        before, digits, after = _NUMBER.split(pattern.name, maxsplit=1)
        return cls(pattern.parent, before, int(digits or 1), after)

    @property
    def address(self) -> str:
        """The pattern as FFmpeg reads it, whatever else the names hold."""
        parts = (f"{self.folder.absolute()}{os.sep}{self.before}", self.after)
        return f"%0{self.digits}d".join(part.replace("%", "%%") for part in parts)

    def path(self, number: int) -> Path:
        """Of one image."""
        return self.folder / f"{self.before}{number:0{self.digits}d}{self.after}"

    def numbers(self) -> list[int]:
        """Of the images that are there, rising."""
        number = rf"(\d{{{self.digits},}})"
        name = re.compile(re.escape(self.before) + number + re.escape(self.after))
        names = (path.name for path in (self.folder.iterdir() if self.folder.is_dir() else ()))
        return sorted(int(match[1]) for match in map(name.fullmatch, names) if match)
