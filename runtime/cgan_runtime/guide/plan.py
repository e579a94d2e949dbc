"""What is known of the colors of each frame of a video: the decision before any frame is colored.

    guidance = plan.at(1234)                            # of one frame, or None
    content = plan.to_bytes()                           # kept in the work folder of the video

A key counts in its shot, in both directions, the less the farther away; between two keys the color goes from
one to the other. So does a frame with hints, unless these say until when they count. References count in all
frames. Nothing depends on how the frames before were colored: a run in parts decides as one in one go.
"""

from __future__ import annotations

import io
import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from zipfile import BadZipFile

import numpy as np

from cgan_runtime.guide.hints import rasterized
from cgan_runtime.guide.memory import COLUMNS, Guidance, HalfArray, pooled
from cgan_runtime.guide.settings import Hint

FADE_FRAMES = 250  # frames from a key after which it counts half, where no other key is on that side
BESIDE_KEYS = 0.25  # weight of references where a key counts too
MAX_MEMORY = 4096  # rows for one frame; what is farthest away is left out


@dataclass(frozen=True)
class Anchor:
    """A frame with known colors, in half precision: a key, or hints that count equally long."""

    frame: int
    first: int  # of the frames that it counts in
    end: int  # the frame after these
    rows: HalfArray  # (rows, 38)
    colors: HalfArray | None  # of a key, (3, h/2, w/2); None for hints
    hints: tuple[int, ...] = ()  # which of the guide's

    @property
    def is_key(self) -> bool:
        """Whether it is a key, not hints."""
        return self.colors is not None


@dataclass(frozen=True)
class GuidePlan:
    """The guide of one video.

    Attributes:
        hints: All hints, to be drawn where they are given.
        picture: Height and width of a frame as it is shown.
        grid: Height and width of the network's hints.
        references: Rows that count in all frames, (rows, 38).
        anchors: Rising by frame.
        starts: First frames of all shots; empty where nobody looked.
        frames: Of the video; 0 where nobody counted.
        notes: What was left out, one sentence each.
    """

    hints: tuple[Hint, ...]
    picture: tuple[int, int]
    grid: tuple[int, int]
    references: HalfArray = field(default_factory=lambda: np.zeros((0, COLUMNS), np.float16))
    anchors: tuple[Anchor, ...] = ()
    starts: tuple[int, ...] = ()
    frames: int = 0
    notes: tuple[str, ...] = ()

    def at(self, number: int) -> Guidance | None:
        """What is known of a frame, by its number from 0; None if nothing is."""
        keys, hinted = self._in_force(number)
        parts = _weighted_keys(keys, number)
        parts += [(anchor.rows, _weight(number - anchor.frame)) for anchor in hinted]
        parts.sort(key=lambda part: -part[1])
        kept, room = [], MAX_MEMORY - len(self.references)
        for rows, weight in parts:
            if len(rows) <= room:
                kept.append((rows, weight))
                room -= len(rows)
        kept.append((self.references, BESIDE_KEYS if keys else 1.0))
        painted, planes = self._planes(number, keys, hinted)
        if planes is None and not any(len(rows) for rows, _ in kept):
            return None
        return Guidance(planes, kept, painted=painted, lasts=_carried_for(keys, number) if keys else 0)

    def changes_at(self, number: int) -> bool:
        """Whether a key or hint counts from this frame on, or no more."""
        return number in self._borders

    def _planes(self, number: int, keys: Sequence[Anchor], hinted: Sequence[Anchor]) -> tuple[Any, Any]:
        """The colors that are given in this very frame, as of `Guidance`: of a key, and for the network."""
        key = next((anchor.colors for anchor in keys if anchor.frame == number and anchor.colors is not None), None)
        given = [self.hints[i] for i in sorted(i for anchor in hinted if anchor.frame == number for i in anchor.hints)]
        if key is None:
            return None, rasterized(given, self.picture, self.grid) if given else None
        painted = rasterized(given, self.picture, key.shape[1:], key.astype(np.float32))
        return painted, pooled(painted, self.grid)

    @cached_property
    def _borders(self) -> list[int]:
        """Where what counts changes."""
        return sorted({border for anchor in self.anchors for border in (anchor.first, anchor.end)})

    @cached_property
    def _counting(self) -> dict[int, tuple[list[Anchor], list[Anchor]]]:
        return {}

    def _in_force(self, number: int) -> tuple[list[Anchor], list[Anchor]]:
        """The keys and the hints that count in a frame, rising by frame."""
        stretch = bisect_right(self._borders, number)
        if stretch not in self._counting:
            found = [anchor for anchor in self.anchors if anchor.first <= number < anchor.end]
            self._counting.clear()  # frames come in order
            self._counting[stretch] = [a for a in found if a.is_key], [a for a in found if not a.is_key]
        return self._counting[stretch]

    def keys_in(self, shot: range) -> list[int]:
        """Frames of a shot that have a key or hints."""
        return sorted({anchor.frame for anchor in self.anchors if anchor.frame in shot})

    def to_bytes(self) -> bytes:
        """The plan without the hints, as the content of an npz file, exactly."""
        rows = [anchor.rows for anchor in self.anchors]
        colors = [anchor.colors for anchor in self.anchors if anchor.colors is not None]
        about = {
            "picture": self.picture,
            "grid": self.grid,
            "starts": self.starts,
            "frames": self.frames,
            "notes": self.notes,
            "anchors": [
                [anchor.frame, anchor.first, anchor.end, len(anchor.rows), anchor.is_key, list(anchor.hints)]
                for anchor in self.anchors
            ],
        }
        file = io.BytesIO()
        np.savez(
            file,
            about=np.frombuffer(json.dumps(about).encode(), np.uint8),
            references=self.references,
            rows=np.concatenate(rows) if rows else np.zeros((0, COLUMNS), np.float16),
            colors=np.stack(colors) if colors else np.zeros(0, np.float16),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes, hints: tuple[Hint, ...]) -> GuidePlan | None:
        """Read what `to_bytes` wrote; None if the content is damaged, so that it is made again."""
        try:
            with np.load(io.BytesIO(content)) as file:
                about = json.loads(bytes(file["about"]))
                rows, colors, references = file["rows"], list(file["colors"]), file["references"]
            anchors, start = [], 0
            for frame, first, end, count, is_key, numbers in about["anchors"]:
                plane = colors.pop(0) if is_key else None
                anchors.append(Anchor(frame, first, end, rows[start : start + count], plane, tuple(numbers)))
                start += count
            return cls(
                hints, tuple(about["picture"]), tuple(about["grid"]), references, tuple(anchors),
                tuple(about["starts"]), about["frames"], tuple(about["notes"]),
            )  # fmt: skip
        except (ValueError, KeyError, OSError, EOFError, TypeError, IndexError, BadZipFile):
            return None


def _carried_for(keys: Sequence[Anchor], number: int) -> float:
    """For how many frames the colors of a key are carried on; the nearer the next key, the fewer.

    What is carried then counts as the square root of the way that is left: half of it with a quarter to go.
    """
    after = bisect_right([key.frame for key in keys], number)
    return 2 * (keys[after].frame - number) if after < len(keys) else FADE_FRAMES


def _weight(distance: int) -> float:
    return 1 / (1 + abs(distance) / FADE_FRAMES)


def _weighted_keys(keys: Sequence[Anchor], number: int) -> list[tuple[HalfArray, float]]:
    """The rows of the nearest key on each side, and how much each counts."""
    after = bisect_right([key.frame for key in keys], number)
    before, later = keys[:after][-1:], keys[after:][:1]
    if before and later:
        part = (number - before[0].frame) / (later[0].frame - before[0].frame)
        found = [(before[0].rows, 1 - part), (later[0].rows, part)]
        return [(rows, weight) for rows, weight in found if weight > 0]
    return [(key.rows, _weight(number - key.frame)) for key in (*before, *later)]
