"""Edit lists of mp4 and mov: stretches that are played, without what lies between them.

    if has_inner_cut(audio): ...                        # its packets alone cannot say what is heard

FFmpeg follows the list when it reads: packets that are only decoded are marked as discarded. Where one
stretch ends and the next one begins within packets, times of packets do not follow each other.
"""

from __future__ import annotations

from av.stream import Stream

_ROUNDING = 1  # ticks


def has_inner_cut(stream: Stream) -> bool:
    """Whether an edit list joins stretches of a stream within packets. A cut at its start is none."""
    if len(stream.index_entries) == stream.frames:  # each packet once, as in almost every file; quicker than to look
        return False
    step: int | None = None
    last: int | None = None  # time of the latest packet that is played
    joined = False  # whether packets were left out since
    for entry in stream.index_entries:
        if entry.is_discard:
            joined = True
            continue
        if last is not None:
            if (joined or entry.timestamp < last) and abs(entry.timestamp - last - (step or 0)) > _ROUNDING:
                return True
            step = entry.timestamp - last
        last, joined = entry.timestamp, False
    return False


def hidden_start(stream: Stream) -> tuple[float, float]:
    """Seconds before the start of a stream that are only decoded, and when it starts, in seconds.

    The former are a moment for the decoder, or a cut.
    """
    first: int | None = None
    for entry in stream.index_entries:
        first = entry.timestamp if first is None else first
        if not entry.is_discard:
            base = stream.time_base or 0
            return float((entry.timestamp - first) * base), float(entry.timestamp * base)
    return 0.0, 0.0
