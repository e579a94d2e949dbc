"""What FFmpeg raises, as errors of ours.

with translate_ffmpeg_errors(output):
    container.mux(packets)
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import av

from cgan_runtime.errors import MediaError

_WORDS: dict[type[BaseException], str] = {
    av.error.ExitError: "no answer in time",  # "Immediate exit requested"
    av.error.InvalidDataError: "invalid data",  # "Invalid data found when processing input"
    av.error.EOFError: "it ended early",  # "End of file"
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


def reason_of(error: BaseException) -> str:
    """What went wrong, without FFmpeg's number and file name, and not in its words where they puzzle."""
    for kind, words in _WORDS.items():
        if isinstance(error, kind):
            return words
    return getattr(error, "strerror", None) or str(error)


def is_full(error: BaseException) -> bool:
    """Whether an error says that there is no room on a disk."""
    return getattr(error, "errno", None) in _FULL


@contextmanager
def translate_ffmpeg_errors(output: object) -> Iterator[None]:
    """Turn what FFmpeg raises while it writes to an output into a `MediaError`."""
    try:
        yield
    except BrokenPipeError as error:
        raise MediaError(f"the program that reads {output} has ended") from error
    except (av.FFmpegError, OverflowError, OSError) as error:
        if is_full(error):
            raise MediaError(f"the disk of {output} is full ({reason_of(error)}); free some space there") from error
        raise MediaError(
            f"the video cannot be written ({reason_of(error)}); try another container or --codec"
        ) from error
