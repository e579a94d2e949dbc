"""Read a video once before it is colored: find its shots, and remember the frames with known colors.

    scout = GuidePass(guide, colorizer, layout, reader)
    for frame in scout.watch(frames): ...               # until `scout.knows_all`, or to the end
    plan = scout.finish()

A key's lightness is compared with that of its frame, and of the frames around it, so that a wrong number is
found before hours of work.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, groupby

import av
import numpy as np

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.color.planes import glance
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError, MediaError
from cgan_runtime.guide.dissolves import STEP, DissolveFinder
from cgan_runtime.guide.hints import rasterized
from cgan_runtime.guide.keys import KeyFile, find_keys, listed
from cgan_runtime.guide.likeness import REACH, Likeness, scaled
from cgan_runtime.guide.memory import HINT_STRIDE, HalfArray, rows_of
from cgan_runtime.guide.pictures import Picture, pixels_of
from cgan_runtime.guide.plan import Anchor, GuidePlan
from cgan_runtime.guide.settings import Guide
from cgan_runtime.guide.shots import ShotFinder, shot_of
from cgan_runtime.guide.still import rows_of_references
from cgan_runtime.pipeline.color_stage import network_view, shown_luma
from cgan_runtime.system.cpu import usable_cores
from cgan_runtime.temporal.scene_cuts import CUT_SHRINK
from cgan_runtime.video.frame_layout import FrameLayout
from cgan_runtime.video.read.reader import VideoReader

SAME_ASPECT = 0.03  # difference of two aspects, as a share, that rounding of sizes explains
SETTLED = 4 * STEP  # frames after a cut: none of a dissolve before it is found later
MAX_KEYS = 1000  # each keeps a seventh of a megabyte


@dataclass
class _Known:
    """A frame with known colors: a key, or hints that count equally long."""

    name: str  # for people
    frame: int | None  # None: not seen yet, `time` says when
    time: float | None = None  # seconds from the first frame
    colors: HalfArray | None = None  # of a key
    likeness: Likeness | None = None  # of a key
    hints: tuple[int, ...] = ()
    until: float | None = None
    rows: HalfArray | None = None  # once it was seen


@dataclass(frozen=True)
class _Key:
    """A key that was read."""

    known: _Known
    aspect: float  # width by height
    is_gray: bool


def _frame(known: _Known) -> int:
    assert known.frame is not None
    return known.frame


def _time(known: _Known) -> float:
    assert known.time is not None
    return known.time


class GuidePass:
    """One reading of a video. The colorizer is used in the thread that watches."""

    def __init__(self, guide: Guide, colorizer: Colorizer, layout: FrameLayout, reader: VideoReader) -> None:
        """Read references and keys.

        Raises:
            MediaError: A picture cannot be read, is none of this video, or none has colors.
            ConfigError: A reference has no color, or there are too many keys.
        """
        self._guide, self._colorizer, self._layout = guide, colorizer, layout
        self._shape = network_view(reader.first, layout, colorizer).shape
        self._glanced = max(1, self._shape[0] // CUT_SHRINK), max(1, self._shape[1] // CUT_SHRINK)
        self._grid = self._shape[0] // HINT_STRIDE, self._shape[1] // HINT_STRIDE
        self._picture = shown_luma(reader.first, layout)[0].shape
        self._notes: list[str] = []
        self._references = rows_of_references(guide.references, colorizer)
        self._finder, self._dissolves = ShotFinder(), DissolveFinder(colorizer.keys)
        self._times = array("d")  # of the frames so far, seconds from the first
        self._newest: av.VideoFrame | None = None  # whose nearest times are not known yet
        self._small: FloatArray | None = None  # of that frame
        self._recent: deque[tuple[int, FloatArray]] = deque(maxlen=REACH)
        self._compared: list[_Known] = []  # keys that were seen, while the frames after them are compared
        known = [*self._keys(reader), *self._hints()]
        numbered = sorted((each for each in known if each.frame is not None), key=_frame)
        self._by_frame = {number: list(group) for number, group in groupby(numbered, key=_frame)}
        self._by_time = deque(sorted((k for k in known if k.frame is None), key=_time))
        self._seen: list[_Known] = []
        self._better: dict[int, list[str]] = {}  # names of keys by how many frames they seem to be off

    def watch(self, frames: Iterable[av.VideoFrame]) -> Iterator[av.VideoFrame]:
        """Look at each frame, and yield it."""
        began = None
        for frame in frames:
            began = float(frame.time or 0) if began is None else began
            self._look(float(frame.time or 0) - began, frame)
            yield frame

    def _look(self, time: float, frame: av.VideoFrame) -> None:
        """Look at the next frame, shown `time` seconds after the first."""
        luma, _ = shown_luma(frame, self._layout)
        small = scaled(glance(luma, self._layout.encoding, self._glanced))
        for finder in (self._finder, self._dissolves):
            finder.look(small, lambda: network_view(frame, self._layout, self._colorizer))
        if self._newest is not None:
            self._remember((self._times[-1] + time) / 2)
        self._times.append(time)
        self._newest, self._small = frame, small

    @property
    def knows_all(self) -> bool:
        """Whether no frame that is still to come can change what is known of any: the shot of the last key is over."""
        if self._by_frame or self._by_time or self._compared:
            return False
        last, now = max(map(_frame, self._seen), default=-1), self._times[-1]
        lasting = any(k.until is not None and k.time is not None and k.until >= now for k in self._seen)
        return not lasting and any(last < start < self._finder.frames - SETTLED for start in self._finder.starts)

    def finish(self) -> GuidePlan:
        """The plan of the video, given the frames so far; a MediaError if a key shows another frame, or none counts."""
        frames, starts = self._finder.frames, self._dissolves.merged(self._finder.finish())
        if self._newest is not None:
            last = self._times[-1]
            self._remember(last + (last - self._times[-2] if frames > 1 else 1.0))
        for known in self._compared:
            self._judge(known)
        late = [known.name for known in (*chain(*self._by_frame.values()), *self._by_time)]
        if late and not self._seen and not self._guide.references:
            mends = {"keys": "rename the keys", "hints": "correct the times of the hints"}
            given = [what for what in mends if getattr(self._guide, what)]
            raise MediaError(
                f"all {' and '.join(given)} are beyond the end of the video ({frames} frames, from 0 on): "
                f"{listed(late)}; {' or '.join(mends[what] for what in given)}"
            )
        if late:
            self._notes.append(f"left out, beyond the end of the video ({frames} frames): {listed(late)}")
        for off, names in self._better.items():
            where = f"{abs(off)} frame{'s' if abs(off) > 1 else ''} {'before' if off < 0 else 'after'} its own"
            self._notes.append(f"looks more like the frame {where}: {listed(names)}; frames are numbered from 0")
        anchors = sorted((self._anchor(each, starts, frames) for each in self._seen), key=lambda each: each.frame)
        return GuidePlan(
            tuple(self._guide.hints), self._picture, self._grid, self._references, tuple(anchors),
            tuple(starts), frames, tuple(self._notes),
        )  # fmt: skip

    def _remember(self, until: float) -> None:
        """Take what is known of the newest frame, the nearest one to times before `until`."""
        number, frame, small = len(self._times) - 1, self._newest, self._small
        assert frame is not None
        assert small is not None
        due = self._by_frame.pop(number, [])
        while self._by_time and _time(self._by_time[0]) < until:
            due.append(self._by_time.popleft())
        keys = self._colorizer.keys(network_view(frame, self._layout, self._colorizer)) if due else None
        for known in self._compared:
            if known.likeness is not None and known.frame is not None:
                known.likeness.compare(number, small)
                if number - known.frame >= REACH:
                    self._judge(known)
        self._compared = [k for k in self._compared if k.frame is not None and number - k.frame < REACH]
        for known in due:
            known.frame = number
            assert keys is not None
            known.rows = rows_of(keys, self._colors_of(known), nearness=1).astype(np.float16)
            self._seen.append(known)
            if known.likeness is not None:
                for before, look in (*self._recent, (number, small)):
                    known.likeness.compare(before, look)
                self._compared.append(known)
        self._recent.append((number, small))

    def _colors_of(self, known: _Known) -> FloatArray:
        if known.colors is not None:
            return known.colors.astype(np.float32)
        return rasterized((self._guide.hints[index] for index in known.hints), self._picture, self._grid)

    def _judge(self, known: _Known) -> None:
        assert known.likeness is not None
        assert known.frame is not None
        verdict = known.likeness.judge(known.frame)
        if verdict.is_other_scene:
            rather = "" if verdict.better is None else f", rather frame {verdict.better}"
            raise MediaError(
                f"the key {known.name} does not show frame {known.frame} of the video{rather}; rename it, or take "
                "it away (frames are numbered from 0)"
            )
        if verdict.better is not None:
            self._better.setdefault(verdict.better - known.frame, []).append(known.name)

    def _anchor(self, known: _Known, starts: Sequence[int], frames: int) -> Anchor:
        assert known.frame is not None
        assert known.rows is not None
        shot = shot_of(starts, frames, known.frame)
        first, end = shot.start, shot.stop
        if known.until is not None:
            last = bisect_right(self._times, known.until) - 1 if known.time is not None else int(known.until)
            first, end = known.frame, max(known.frame, last) + 1
        return Anchor(known.frame, first, end, known.rows, known.colors, known.hints)

    def _keys(self, reader: VideoReader) -> Iterator[_Known]:
        if self._guide.keys is None:
            return
        files, notes = find_keys(self._guide.keys)
        self._notes += notes
        if len(files) > MAX_KEYS:
            raise ConfigError(f"{self._guide.keys} holds {len(files)} keys; at most {MAX_KEYS} are taken")
        gray = []
        with ThreadPoolExecutor(usable_cores()) as pool:
            for key in pool.map(self._key, files):
                self._check_aspect(key.known.name, key.aspect, reader)
                if key.is_gray:
                    gray.append(key.known.name)
                else:
                    yield key.known
        if gray and len(gray) == len(files) and not self._guide.hints and not self._guide.references:
            raise MediaError(f"no key in {self._guide.keys} has colors, {listed(gray)}; paint them first")
        if gray:
            self._notes.append(f"left out, as gray as the video: {listed(gray)}")

    def _key(self, file: KeyFile) -> _Key:
        """Read a key, and keep no more of it than is needed."""
        picture = Picture.of(pixels_of(file.path), self._shape)
        colors, likeness = picture.colors.astype(np.float16), Likeness(picture.lightness)
        return _Key(_Known(file.path.name, file.frame, file.time, colors, likeness), picture.aspect, picture.is_gray)

    def _check_aspect(self, name: str, found: float, reader: VideoReader) -> None:
        """Refuse a key of another shape than the frames: pixels may be square in one and not in the other."""
        height, width = self._picture
        pixels = float(reader.stream.sample_aspect_ratio or 1)
        aspect = width / height
        if not any(abs(found / (aspect * by) - 1) <= SAME_ASPECT for by in (1.0, pixels, 1 / pixels)):
            raise MediaError(
                f"the key {name} has another shape than the video, {found:.2f} times as wide as high, "
                f"the video {aspect:.2f}; give it in the video's"
            )

    def _hints(self) -> Iterator[_Known]:
        """Hints by the frame that they are in, those that count equally long together; without a time frame 0."""

        def moment(index: int) -> list[float]:
            hint = self._guide.hints[index]
            return [-1.0 if each is None else float(each) for each in (hint.frame, hint.time, hint.until)]

        for _, group in groupby(sorted(range(len(self._guide.hints)), key=moment), key=moment):
            indexes = tuple(group)
            hint = self._guide.hints[indexes[0]]
            frame = int(hint.frame) if hint.frame is not None else None if hint.time is not None else 0
            name = f"hint {indexes[0] + 1}" if len(indexes) == 1 else f"hints {indexes[0] + 1} to {indexes[-1] + 1}"
            yield _Known(name, frame, hint.time, hints=indexes, until=hint.until)
