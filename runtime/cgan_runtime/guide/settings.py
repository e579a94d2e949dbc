"""What a person says about the colors of an image or a video. Light to import.

guide = Guide(hints=[Hint(0.31, 0.62, "#2f4f9f")], references=["uncle.jpg"])
colored = colorizer.image(array, guide=guide)
colorize_video("in.mp4", "out.mp4", settings=VideoSettings(guide=Guide(keys="keys/")))
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cgan_runtime.checks import check_type, shown
from cgan_runtime.errors import ConfigError

if TYPE_CHECKING:  # loads NumPy
    from cgan_runtime.color.encoding import Plane

DEFAULT_RADIUS = 0.01
MAX_RADIUS = 0.5
MAX_HINTS = 10_000  # of an image or video: more are no hints, but a picture, which is a reference or key
MAX_REFERENCES = 8  # each makes every frame take longer


@dataclass(frozen=True)
class Hint:
    """The color of a place.

    Attributes:
        x: Of the place, as a fraction of the width of the picture as it is shown: 0 is left, 1 right.
        y: Likewise of the height: 0 is the top, 1 the bottom.
        color: "#2f4f9f", "rgb(47, 79, 159)" or a name of CSS. Only its chroma is used; the lightness stays.
        radius: Of the disc that has this color, as a fraction of the longer side.
        time: In a video, seconds from its first frame: the hint is in the frame that is shown then.
        frame: In a video, the number of that frame, from 0, in place of its time.
        until: The hint counts from its frame on and ends here, in seconds with `time`, else a frame; by
            default it counts in the whole shot that its frame is in.

    Raises:
        ConfigError: A value is no number or out of range, the color is unknown, or times exclude each other.
    """

    x: float
    y: float
    color: str
    radius: float = DEFAULT_RADIUS
    time: float | None = None
    frame: int | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        for name in ("x", "y", "radius", "time", "frame", "until"):
            value = getattr(self, name)
            if value is None and name in ("time", "frame", "until"):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ConfigError(f"{name} is {value!r}, which is no number; give one such as 0.5")
        for name, sides in (("x", "left) to 1 (right"), ("y", "top) to 1 (bottom")):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise ConfigError(f"{name} is {value:g}, outside of the picture; give a fraction from 0 ({sides})")
        if not 0 < self.radius <= MAX_RADIUS:
            raise ConfigError(
                f"radius is {self.radius:g}; give a fraction of the longer side, above 0 and up to {MAX_RADIUS}"
            )
        self._check_time()
        rgb_of(self.color)

    def _check_time(self) -> None:
        if self.time is not None and self.frame is not None:
            raise ConfigError("both time and frame are given; give one of them")
        if self.frame is not None and (self.frame != int(self.frame) or self.frame < 0):
            raise ConfigError(f"frame is {self.frame!r}; give a whole number from 0")
        if self.time is not None and self.time < 0:
            raise ConfigError(f"time is {self.time:g}; give seconds from 0")
        begins = self.time if self.time is not None else self.frame
        if self.until is not None and begins is None:
            raise ConfigError("until is given without a time or frame; give one of these too")
        if self.until is not None and begins is not None and self.until < begins:
            raise ConfigError(f"until is {self.until:g}, before the hint begins at {begins:g}")

    @property
    def in_time(self) -> bool:
        """Whether it belongs to a moment of a video."""
        return self.time is not None or self.frame is not None


@dataclass(frozen=True)
class Guide:
    """The colors that are known of an image or a video; what is not known the model decides.

    Attributes:
        hints: Colors of places. A single one needs no list.
        references: Colored pictures of similar things: files, or arrays (H, W, 3), uint8 or uint16, RGB. A single
            one needs no list.
        keys: Of a video: the folder of its colored frames, named by number ("000123.png", "ref_000123.png")
            or time ("00h01m02.500.png").

    Raises:
        ConfigError: Too many hints or references, or a value is none of those above.
    """

    hints: Sequence[Hint] = ()
    references: Sequence[str | Path | Plane] = ()
    keys: str | Path | None = None

    def __post_init__(self) -> None:
        for what, most in (("hints", MAX_HINTS), ("references", MAX_REFERENCES)):
            given = getattr(self, what)
            is_several = isinstance(given, (Sequence, Iterator)) and not isinstance(given, str)
            object.__setattr__(self, what, tuple(given) if is_several else (given,))
            if len(getattr(self, what)) > most:
                raise ConfigError(f"there are {len(getattr(self, what))} {what}; at most {most} are taken")
        for number, hint in enumerate(self.hints, 1):
            check_type(f"hint {number}", hint, Hint)
        for number, reference in enumerate(self.references, 1):
            if not _is_picture(reference):
                raise ConfigError(f"reference {number} is {shown(reference)}; give a file name or a NumPy array")
        if self.keys is not None and not _is_name(self.keys):
            raise ConfigError(f"keys is {shown(self.keys)}; give the name of a folder")

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not self.references and not self.needs_frames

    @property
    def needs_frames(self) -> bool:
        """Whether it says something about certain frames of a video, which have to be found first."""
        return self.keys is not None or bool(self.hints)


def _is_name(value: object) -> bool:
    return isinstance(value, str) or hasattr(value, "open")  # a Path, or a UPath, which is none


def _is_picture(reference: object) -> bool:
    if _is_name(reference):
        return True
    import numpy as np  # not at the top: it would make --help slow

    return isinstance(reference, np.ndarray)


def rgb_of(color: str) -> tuple[int, int, int]:
    """R, G and B of a color, 0 to 255; a ConfigError if it is none."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(color)[:3]
    except (ValueError, TypeError, AttributeError):
        raise ConfigError(f"{color!r} is no color; give one such as #2f4f9f, rgb(47, 79, 159) or navy") from None
    return red, green, blue
