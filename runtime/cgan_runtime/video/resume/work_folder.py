"""The work folder of a video: its encoded segments, kept until the video is complete.

    with WorkFolder.begin(output, settings, resume=True, overwrite=False) as work:
        ...                                             # write to work.output.destination, keep segments
        work.publish()                                  # the video takes its name, the folder is removed

The folder `.NAME.cgan-work` lies beside the output. Each segment has an encoder of its own, so the video is
the same whether it is made in one run, in several, or by several processes at once (`WorkFolder.share`).
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from cgan_runtime.errors import MediaError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.files.json_file import read_json
from cgan_runtime.files.locks import FileLock
from cgan_runtime.files.names import fitting_name
from cgan_runtime.files.output import Output
from cgan_runtime.files.storage import storage_errors
from cgan_runtime.video.resume import segment_file
from cgan_runtime.video.segments import SEGMENT_FRAMES

_SETTINGS = "settings.json"
# Stands among the settings, so that work of another format is refused. To change with any file's layout.
_FORMAT = {"format of unfinished work": "3"}


class WorkFolder(AbstractContextManager["WorkFolder"]):
    """The work folder of one video, locked for this process or shared with others."""

    resumable = True  # a later run can go on with it

    def __init__(
        self, folder: Path, output: Output, lock: FileLock, *, overwrite: bool = True, shared: bool = False
    ) -> None:
        """Use `begin` or `share`."""
        self.output = output  # its draft lies in the folder and belongs to this process alone
        self.kept_frames = _frames_from_start(folder)  # in complete segments of an earlier run
        self._folder, self._lock = folder, lock
        self._overwrite, self._shared = overwrite, shared
        self._token = secrets.token_hex(4)
        output.begin(folder)

    @classmethod
    def begin(cls, output: Output, settings: Mapping[str, str], *, resume: bool, overwrite: bool) -> WorkFolder:
        """Make the folder of a file or an image sequence, or take over the one of an earlier run.

        Args:
            settings: Everything that decides how the video looks, by names for people.
            resume: Go on with the work of an earlier run, which must have had the same settings.
            overwrite: Without `resume`: allow the work of an earlier run to be discarded. Also allow a file
                that appears under the output's name meanwhile to be replaced.

        Raises:
            MediaError: The work there has other settings or must not be discarded, another process is at
                work, or the folder cannot be made.
        """
        folder = _folder_of(output)
        with _write_errors(folder):
            folder.mkdir(exist_ok=True)
        lock, frames = _lock(folder, output), 0
        try:
            frames = _complete_frames(folder)
            if frames and resume:
                _check_settings(folder, output, settings)
            elif frames and not overwrite:
                raise MediaError(
                    f"an earlier run has finished {frames} frames of {output}; go on with --resume, "
                    "or start again with --overwrite"
                )
            else:
                _make_empty(folder, settings)
                frames = 0
            return cls(folder, output, lock, overwrite=overwrite)
        except BaseException:  # Ctrl-C, too: a folder with nothing in it must not stay
            if not frames:
                shutil.rmtree(folder, ignore_errors=True)
            lock.release()
            raise

    @classmethod
    def share(cls, output: Output, settings: Mapping[str, str]) -> WorkFolder:
        """Join what `begin` has begun; a MediaError if with other settings, or locked. The folder stays."""
        folder = _folder_of(output)
        _check_settings(folder, output, settings)
        return cls(folder, output, _lock(folder, output, shared=True), shared=True)

    def __exit__(self, *_: object) -> None:
        self.output.discard()
        if not self._shared and not _complete_frames(self._folder):
            self.discard()
        self.release()

    def release(self) -> None:
        """Leave the folder to others."""
        self._lock.release()

    def segment(self, index: int) -> segment_file.SegmentWriter:
        """Begin a segment."""
        return segment_file.SegmentWriter(self._folder, index, self._token)

    def packets(self, index: int, clock: Fraction) -> Iterator[av.Packet[Any]]:
        """The packets of a complete segment; `clock` is the time base of the video."""
        return segment_file.read_packets(self._folder, index, clock)

    def has(self, index: int) -> bool:
        """Whether a segment is complete."""
        return bool(segment_file.count_packets(segment_file.segment_path(self._folder, index)))

    @property
    def filter_state(self) -> bytes:
        """State of the temporal filter after `kept_frames`."""
        return self.filter_state_after((self.kept_frames - 1) // SEGMENT_FRAMES) or b""

    def filter_state_after(self, index: int) -> bytes | None:
        """State of the temporal filter after a segment; None if it is not kept."""
        try:
            return segment_file.state_path(self._folder, index).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, name: str, content: bytes) -> None:
        """Put a file into the folder, complete or not at all; a MediaError if that fails."""
        with _write_errors(self._folder):
            write_file(self._folder / name, content)

    def kept(self, name: str) -> bytes | None:
        """The content of a file that was put there; None if there is none."""
        try:
            return (self._folder / name).read_bytes()
        except FileNotFoundError:
            return None

    def publish(self) -> None:
        """Give the complete video its name and remove the folder; errors as of `Output.publish`."""
        self.output.publish(overwrite=self._overwrite)
        self.discard()

    def discard(self) -> None:
        """Remove the folder with everything in it, first what marks it as work to go on with."""
        (self._folder / _SETTINGS).unlink(missing_ok=True)
        shutil.rmtree(self._folder, ignore_errors=True)


class NonResumableOutput(AbstractContextManager["NonResumableOutput"]):
    """A `WorkFolder` that keeps nothing: the output is a pipe, or the input can be read only once."""

    resumable = False
    kept_frames = 0
    filter_state = b""

    def __init__(self, output: Output) -> None:
        self.output = output
        output.begin()

    def __exit__(self, *_: object) -> None:
        self.output.discard()

    def keep(self, name: str, content: bytes) -> None:
        """Keep nothing."""

    def kept(self, name: str) -> bytes | None:
        """Nothing was kept."""
        return None

    def publish(self) -> None:
        """Give the complete video its name; errors as of `Output.publish`."""
        self.output.publish()


def work_folder(target: Path) -> Path:
    """The work folder of an output, also of one by URL."""
    return target.with_name(fitting_name(f".{target.name}", ".cgan-work"))


def kept_frames(target: Path) -> int:
    """Frames from the start of a video that an unfinished run has finished."""
    return _frames_from_start(work_folder(target.resolve()))


def _folder_of(output: Output) -> Path:
    assert output.path is not None  # a pipe has no work folder
    return work_folder(output.path.resolve())  # a link stays a link


def _frames_from_start(folder: Path) -> int:
    frames = kept = 0
    while frames % SEGMENT_FRAMES == 0:  # a shorter segment is the last
        index = frames // SEGMENT_FRAMES
        more = segment_file.count_packets(segment_file.segment_path(folder, index))
        if not more:
            break
        frames += more
        if segment_file.state_path(folder, index).is_file():
            kept = frames
    return kept


def _complete_frames(folder: Path) -> int:
    """Frames in complete segments, wherever they are in the video."""
    if not (folder / _SETTINGS).is_file():  # the run was killed while it removed the folder
        return 0
    return sum(segment_file.count_packets(path) for path in folder.glob("*.segment"))


def _lock(folder: Path, output: Output, *, shared: bool = False) -> FileLock:
    with _write_errors(folder):
        try:
            return FileLock(folder, shared=shared)
        except BlockingIOError:
            raise MediaError(f"another run is making {output}; wait for it, or name another file with -o") from None


def _make_empty(folder: Path, settings: Mapping[str, str]) -> None:
    with _write_errors(folder):
        (folder / _SETTINGS).unlink(missing_ok=True)
        for path in folder.iterdir():
            path.unlink()
        (folder / _SETTINGS).write_text(json.dumps({**_FORMAT, **settings}, indent=1), encoding="utf-8")


def _write_errors(folder: Path) -> AbstractContextManager[None]:
    return storage_errors("write into", folder.parent, "name another folder with -o")


def _check_settings(folder: Path, output: Output, settings: Mapping[str, str]) -> None:
    """Refuse to go on with work of other settings or of another format."""
    try:
        before = read_json(folder / _SETTINGS)
    except (OSError, ValueError):
        before = None
    before, now = before if isinstance(before, dict) else {}, {**_FORMAT, **settings}
    for name in sorted({*before, *now}):
        if before.get(name) != now.get(name):
            raise MediaError(
                f"cannot go on with {output}: its {name} was {before.get(name)}, now {now.get(name)}; "
                "use the settings that it began with, or start again with --overwrite and without --resume"
            )
