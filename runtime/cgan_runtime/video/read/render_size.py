"""The size that VP9 and AV1 state beside that of their frames: what an encoder has filled up is not to be shown.

    surplus = surplus_of("av1", packet)             # columns on the right, rows at the bottom

Hardware encoders work on whole blocks: 1920x1080 becomes 1920x1082 or 1920x1088. Where the sizes differ by a
block or more, the stated one is no crop but asks for scaling.
"""

from __future__ import annotations

_BLOCK = 64  # pixels; so many are filled up at most
_NONE = (0, 0)


class _Bits:
    """Bits of a header, from the first; zeros beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "big"), 8 * len(data)

    def read(self, count: int) -> int:
        self._left -= count
        value = self._value >> self._left if self._left >= 0 else self._value << -self._left
        return value & ((1 << count) - 1)

    def skip(self, *counts: int) -> None:
        self._left -= sum(counts)


def surplus_of(codec: str, packet: bytes) -> tuple[int, int]:
    """Columns and rows of the frames beyond the size that the key frame in a packet states; 0 and 0 without one."""
    try:
        stored, shown = _of_vp9(packet) if codec == "vp9" else _of_av1(packet)
    except (_NoKeyFrame, IndexError):
        return _NONE
    right, bottom = stored[0] - shown[0], stored[1] - shown[1]
    return (right, bottom) if 0 <= right < _BLOCK and 0 <= bottom < _BLOCK else _NONE


class _NoKeyFrame(Exception):
    """The packet has no key frame, or one of a kind that is not read."""


Size = tuple[int, int]


def _of_vp9(packet: bytes) -> tuple[Size, Size]:
    """Sizes in the uncompressed header of VP9 (VP9 bitstream specification, section 6.2)."""
    bits = _Bits(packet[:24])
    marker, low, high = bits.read(2), bits.read(1), bits.read(1)
    profile = 2 * high + low
    bits.skip(profile == 3)
    shown_again, is_inter, _, sync = bits.read(1), bits.read(1), bits.read(2), bits.read(24)
    if (marker, shown_again, is_inter, sync) != (2, 0, 0, 0x498342):
        raise _NoKeyFrame
    bits.skip(profile >= 2)  # depth
    is_rgb = bits.read(3) == 7
    bits.skip((1 if profile % 2 else 0) if is_rgb else (4 if profile % 2 else 1))  # range and subsampling
    size = bits.read(16), bits.read(16)
    return size, (bits.read(16), bits.read(16)) if bits.read(1) else size


def _of_av1(packet: bytes) -> tuple[Size, Size]:
    """Sizes in the first frame header of AV1 (AV1 bitstream specification, sections 5.5 and 5.9), less one."""
    sequence: _Sequence | None = None
    at = 0
    while at < len(packet):
        kind, extended, sized = packet[at] >> 3 & 15, packet[at] >> 2 & 1, packet[at] >> 1 & 1
        at += 1 + extended
        size = len(packet) - at
        if sized:
            size, at = _number(packet, at)
        data = packet[at : at + size]
        if kind == 1:
            sequence = _Sequence(_Bits(data[:64]))
        elif kind in (3, 6) and sequence is not None:  # a frame header, alone or before its frame
            return _of_frame(_Bits(data[:64]), sequence)
        at += size
    raise _NoKeyFrame


def _number(packet: bytes, at: int) -> tuple[int, int]:
    """A number of up to 8 bytes, seven bits each (leb128), and where it ends."""
    value = 0
    for place in range(8):
        value |= (packet[at + place] & 0x7F) << 7 * place
        if packet[at + place] < 0x80:
            return value, at + place + 1
    raise _NoKeyFrame


class _Sequence:
    """What a sequence header says about the headers of frames."""

    def __init__(self, bits: _Bits) -> None:
        bits.skip(3, 1)  # profile, still picture
        self.reduced = bits.read(1)  # the header of a single picture
        if self.reduced:
            bits.skip(5)
        else:
            self._skip_operating_points(bits)
        self.width_bits, self.height_bits = bits.read(4) + 1, bits.read(4) + 1
        self.size = bits.read(self.width_bits), bits.read(self.height_bits)
        self.id_bits = 0
        if not self.reduced and bits.read(1):
            self.id_bits = bits.read(4) + bits.read(3) + 3
        bits.skip(3)  # blocks and filters
        self.order_bits, self.screen_tools, self.integer_motion = 0, 2, 2  # 2: each frame says
        if not self.reduced:
            self._read_tools(bits)
        self.superres = bits.read(1)

    def _skip_operating_points(self, bits: _Bits) -> None:
        if bits.read(1):  # timing
            bits.skip(32, 32)
            if bits.read(1):  # ticks of a frame, after as many zeros as the number has bits
                bits.skip(next((zeros for zeros in range(32) if bits.read(1)), 0))
            if bits.read(1):  # a model of the decoder
                raise _NoKeyFrame
        delayed = bits.read(1)
        for _ in range(bits.read(5) + 1):
            bits.skip(12)
            bits.skip(bits.read(5) > 7)  # tier
            if delayed and bits.read(1):
                bits.skip(4)

    def _read_tools(self, bits: _Bits) -> None:
        bits.skip(4)
        ordered = bits.read(1)
        bits.skip(2 * ordered)
        self.screen_tools = 2 if bits.read(1) else bits.read(1)
        if self.screen_tools:
            self.integer_motion = 2 if bits.read(1) else bits.read(1)
        if ordered:
            self.order_bits = bits.read(3) + 1


def _of_frame(bits: _Bits, sequence: _Sequence) -> tuple[Size, Size]:
    if not sequence.reduced:
        shown_again, kind, is_shown = bits.read(1), bits.read(2), bits.read(1)
        if shown_again or kind or not is_shown:
            raise _NoKeyFrame
    bits.skip(1)  # how probabilities adapt
    screen_tools = bits.read(1) if sequence.screen_tools == 2 else sequence.screen_tools
    bits.skip(screen_tools and sequence.integer_motion == 2)
    bits.skip(sequence.id_bits)
    differs = 0 if sequence.reduced else bits.read(1)
    bits.skip(sequence.order_bits)
    size = (bits.read(sequence.width_bits), bits.read(sequence.height_bits)) if differs else sequence.size
    if sequence.superres and bits.read(1):
        bits.skip(3)
    return size, (bits.read(16), bits.read(16)) if bits.read(1) else size
