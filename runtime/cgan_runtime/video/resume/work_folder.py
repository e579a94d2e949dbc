"""What is done of a video outlives the run: its encoded image, kept in segments that are complete or absent.

    with Work.begin(target, settings, resume=True, overwrite=False) as work:
        ...                                             # write to work.video, keep segments
        work.publish()                                  # work.video takes the target's name

The work folder `.NAME.cgan-work` lies beside the target. Each segment is coded by an encoder of its own,
so that the video is the same whether it was made in one go, in several, or by several at once (`Work.share`).
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import publish
from cgan_runtime.files.locks import hold, let_go
from cgan_runtime.video.resume.segment_file import (
    _RECORD,
    SEGMENT_FRAMES,
    Segment,
    _frames,
    _memory,
    _segment,
)

_SETTINGS = "settings.json"


class Work:
    """The work folder of one video.

    Attributes:
        video: Where the output is written until it is complete; its own, whoever else works in the folder.
        kept_frames: Frames in complete segments of an earlier run, from the video's start.
    """

    def __init__(
        self, folder: Path, target: Path, hold: int | None, *, overwrite: bool = True, shared: bool = False
    ) -> None:
        """Use `begin` or `share`."""
        self._hold, self._overwrite = hold, overwrite
        self._token = secrets.token_hex(4)
        self.video = folder / f"video-{self._token}{target.suffix}"
        self.kept_frames = kept_frames(target)
        self._folder, self._target, self._shared = folder, target, shared

    @classmethod
    def begin(cls, target: Path, settings: Mapping[str, str], *, resume: bool, overwrite: bool) -> Work:
        """Make the folder, or take over what an earlier run left in it.

        Args:
            target: The video to be made.
            settings: All that decides what the video looks like, by names for people.
            resume: Go on with what is there; it must have been made with the same settings.
            overwrite: Without `resume`: allow what is there to be thrown away.

        Raises:
            MediaError: What is there is of other settings or not to be thrown away, or no folder can be made.
        """
        target = target.resolve()  # a link stays a link
        folder = work_folder(target)
        handle = _held(folder, target)
        try:
            frames = _done_frames(target)
            if frames and resume:
                _check_settings(target, _read_settings(folder), settings)
                return cls(folder, target, handle, overwrite=overwrite)
            if frames and not overwrite:
                raise MediaError(
                    f"an earlier run has {frames} frames of {target.name} done; go on with --resume, "
                    "or start again with --overwrite"
                )
            _make_anew(folder, settings)
            let_go(handle)
            handle = _held(folder, target)
            return cls(folder, target, handle, overwrite=overwrite)
        except BaseException:
            let_go(handle)
            raise

    @classmethod
    def share(cls, target: Path, settings: Mapping[str, str]) -> Work:
        """Take part in work that `begin` has begun; the folder stays when this is done with it.

        Raises:
            MediaError: It was begun with other settings.
        """
        target = target.resolve()
        _check_settings(target, _read_settings(work_folder(target)), settings)
        return cls(work_folder(target), target, _held(work_folder(target), target, shared=True), shared=True)

    def __enter__(self) -> Work:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.video.unlink(missing_ok=True)
        if not self._shared and not _done_frames(self._target):
            self.discard()
        self.let_go()

    def let_go(self) -> None:
        """Leave the folder to others."""
        let_go(self._hold)
        self._hold = None

    def segment(self, index: int) -> Segment:
        """Begin a segment."""
        return Segment(self._folder, index, self._token)

    def packets(self, index: int, clock: Fraction) -> Iterator[av.Packet[Any]]:
        """The packets of a complete segment; `clock` is the video's time base."""
        with _segment(self._folder, index).open("rb") as file:
            for _ in range(_frames(_segment(self._folder, index))):
                pts, dts, duration, is_key, size = _RECORD.unpack(file.read(_RECORD.size))
                packet: av.Packet[Any] = av.Packet(file.read(size))
                packet.time_base, packet.pts, packet.dts, packet.duration = clock, pts, dts, duration
                packet.is_keyframe = bool(is_key)
                yield packet

    @property
    def memory(self) -> bytes:
        """What the painter remembered at the end of the last complete segment."""
        return self.memory_after((self.kept_frames - 1) // SEGMENT_FRAMES) or b""

    def memory_after(self, index: int) -> bytes | None:
        """What the painter remembered at the end of a segment; None where that is not kept."""
        try:
            return _memory(self._folder, index).read_bytes()
        except FileNotFoundError:
            return None

    def has(self, index: int) -> bool:
        """Whether a segment is complete."""
        return bool(_frames(_segment(self._folder, index)))

    def publish(self) -> None:
        """Give the finished video its name, and remove the folder.

        Raises:
            MediaError: It cannot take that name.
        """
        publish(self.video, self._target, overwrite=self._overwrite)
        self.discard()

    def discard(self) -> None:
        """Remove the folder and all that is done, first what says that it is to be gone on with."""
        (self._folder / _SETTINGS).unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


def work_folder(target: Path) -> Path:
    """Where the work on a video lies until it is complete."""
    return target.with_name(f".{target.name}.cgan-work")


def kept_frames(target: Path) -> int:
    """Frames from the start of a video that an unfinished run has done for good."""
    folder, frames, kept = work_folder(target.resolve()), 0, 0
    while frames % SEGMENT_FRAMES == 0:  # a shorter one is the video's last
        index = frames // SEGMENT_FRAMES
        more = _frames(_segment(folder, index))
        if not more:
            break
        frames += more
        if _memory(folder, index).is_file():
            kept = frames
    return kept


def _held(folder: Path, target: Path, *, shared: bool = False) -> int | None:
    """Hold a work folder; None where there is none."""
    try:
        return hold(folder, shared=shared)
    except BlockingIOError:
        raise MediaError(
            f"another run is making {target}; wait for it, or name another file with -o"
        ) from None
    except OSError:
        return None


def _make_anew(folder: Path, settings: Mapping[str, str]) -> None:
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        (folder / _SETTINGS).write_text(json.dumps(dict(settings), indent=1), encoding="utf-8")
    except OSError as error:
        raise MediaError(
            f"cannot write into {folder.parent} ({error.strerror}); name another folder with -o"
        ) from error
    except KeyboardInterrupt:  # nothing is done yet, so nothing may stay
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _done_frames(target: Path) -> int:
    """Frames of a video that are done for good, wherever in it they are."""
    folder = work_folder(target)
    if not (folder / _SETTINGS).is_file():  # killed while the folder was being removed
        return 0
    return sum(_frames(path) for path in folder.glob("*.segment"))


def _read_settings(folder: Path) -> dict[str, str]:
    try:
        settings = json.loads((folder / _SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = None
    return settings if isinstance(settings, dict) else {}


def _check_settings(target: Path, before: Mapping[str, str], now: Mapping[str, str]) -> None:
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise MediaError(
                f"cannot go on with {target.name}: its {name} was {before.get(name)}, now {now.get(name)}; "
                "give what it was begun with, or start again with --overwrite and without --resume"
            )
