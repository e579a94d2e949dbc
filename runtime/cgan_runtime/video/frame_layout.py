"""Pixel formats: how the luma of a decoded frame is read, and how the colored frame is stored.

layout = FrameLayout.plan(first_frame, codec="h264", accepted=encoder_formats, encoder="libx264")
frame = layout.prepare(frame)                      # unchanged, or converted once if needed
cb, cr = colorizer.planes(luma_plane(frame), layout.encoding, layout.chroma_shape)
colored = layout.colored(frame, cb, cr)            # the luma is that of `frame`, bit for bit

A layout keeps the input's depth, subsampling and range as far as the encoder can. A `playable` one is what
common players take: even sizes, limited range, and the depth and subsampling of the formats given.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import av
import numpy as np

from cgan_runtime.color.encoding import Encoding, Matrix, Plane
from cgan_runtime.color.requantize import requantize
from cgan_runtime.color.transfer import PRIMARIES, TRANSFERS, Primaries, Transfer
from cgan_runtime.errors import MediaError
from cgan_runtime.video.orientation import Orientation, Side
from cgan_runtime.video.side_data import blank_frame

HD_HEIGHT = 720  # a frame that does not state its matrix has BT.709 if it is at least so high, else BT.601

# Numbers of ITU-T H.273 (FFmpeg's AVColorSpace), each with the nearest luma coefficients.
_MATRICES: dict[int, Matrix] = {
    1: "bt709", 4: "bt601", 5: "bt601", 6: "bt601", 7: "bt709", 9: "bt2020", 10: "bt2020", 14: "bt2020",
}  # fmt: skip
_MATRIX_TAGS: dict[Matrix, int] = {"bt709": 1, "bt601": 6, "bt2020": 9}
_EXACT_TAGS = (1, 5, 6, 9)  # numbers in _MATRICES whose coefficients are exactly these
_LIMITED, _FULL = 1, 2  # FFmpeg's AVColorRange; 0 is unspecified

# FFmpeg takes a gray stream without a range for full range; the standards of these codecs say limited.
_LIMITED_BY_STANDARD = frozenset({"h264", "hevc", "av1", "vp8", "vp9", "mpeg1video", "mpeg2video", "mpeg4"})

# Little-endian formats whose first plane holds only luma, in the low bits of each sample.
_PLAIN_LUMA = re.compile(r"(yuvj?\d{3}p|yuva\d{3}p|gray)((9|10|12|14|16)le)?|nv(12|21|16|24|42)")
_DEPTHS = (8, 9, 10, 12, 14, 16)  # bits of planar formats
_SUBSAMPLINGS = {(2, 2): "420", (2, 1): "422", (1, 1): "444"}  # luma per chroma samples, across and down
_SIDE = 64  # pixels; all subsampling factors divide it


def luma_plane(frame: av.VideoFrame) -> Plane:
    """The luma plane, uint8, or uint16 above 8 bits, (H, W): a view that lives as long as the frame.

    There may be padding between rows.
    """
    return _plane(frame, 0, bits_of(frame.format))


def has_plain_luma(frame: av.VideoFrame) -> bool:
    """Whether `luma_plane` holds the luma of a frame of any format, and nothing else."""
    return _PLAIN_LUMA.fullmatch(frame.format.name) is not None and frame.planes[0].line_size > 0


def planes_of(frame: av.VideoFrame, bits: int) -> tuple[Plane, Plane, Plane]:
    """Luma, Cb and Cr of a planar frame of this depth, as views that live as long as the frame."""
    luma, cb, cr = (_plane(frame, index, bits) for index in range(3))
    return luma, cb, cr


def light_of(frame: av.VideoFrame) -> tuple[Transfer, Primaries]:
    """The transfer function and the primaries that the tags of a frame name."""
    return TRANSFERS.get(int(frame.color_trc), "srgb"), PRIMARIES.get(int(frame.color_primaries), "bt709")


@dataclass(frozen=True)
class FrameLayout:
    """How the frames of one video are read and stored."""

    width: int  # of the luma, pixels; so is the height
    height: int
    pixel_format: str  # FFmpeg's name of the planar Y'CbCr format of the colored frames
    encoding: Encoding  # how luma codes are read and chroma codes are written
    colorspace: int  # matrix tag of the output (ITU-T H.273)
    notes: tuple[str, ...] = ()  # what had to be changed, one sentence each, for people
    gray_side: Side | None = None  # where in the stored frame the gray image lies; None: nowhere
    source: Encoding | None = None  # of the input, where `prepare` has to change it; None: as `encoding`
    even: bool = False  # repeat the last column and row of an odd size

    @classmethod
    def plan(
        cls,
        frame: av.VideoFrame,
        *,
        codec: str,
        accepted: Collection[str],
        encoder: str | None,
        compare: bool = False,
        playable: bool = False,
    ) -> FrameLayout:
        """Plan the layout from the first frame of a video, decoded from a `codec` of FFmpeg.

        Args:
            accepted: Pixel formats that the encoder takes.
            encoder: Its name, for the notes; None writes no notes about formats.
            compare: Put the gray image beside the colored one, on its left as the video is shown.
            playable: Store even sizes and limited range, and say so in place of the encoder.

        Raises:
            MediaError: The encoder takes no planar Y'CbCr format.
        """
        source = frame.format
        bits, subsampling = bits_of(source), _subsampling(source)
        pixel_format, stored_bits = _nearest(subsampling, bits, accepted, encoder)
        full_range = is_full_range(frame, codec)
        notes = []
        if playable:
            changed = _changes(subsampling, bits, full_range, pixel_format, stored_bits)
            notes += [f"{changed}, which players take; --keep-format keeps it as it was"] if changed else []
            if frame.width % 2 or frame.height % 2:
                notes.append("players take even sizes only: the last column or row is there twice")
        elif encoder and stored_bits != bits:
            notes.append(f"{encoder} takes no {bits}-bit video here: it is stored with {stored_bits} bits")
        if not playable and encoder and subsampling not in pixel_format:
            size = f"{frame.width}x{frame.height}"
            notes.append(f"{encoder} takes no {size} video of {source.name}: it is stored as {pixel_format}")
        if any(component.is_alpha for component in source.components) and not source.has_palette:
            notes.append("the transparency of the video is left out")
        if frame.interlaced_frame:
            notes.append("the video is interlaced: whole frames are colored, and stored as progressive ones")
        matrix = matrix_of(frame)
        own = frame.colorspace in _EXACT_TAGS and not source.is_rgb
        light = light_of(frame)
        encoding = Encoding(matrix, full_range and not playable, stored_bits, *light)
        read = Encoding(matrix, full_range, bits, *light) if playable else encoding
        colorspace = int(frame.colorspace) if own else _MATRIX_TAGS[matrix]
        gray_side = Orientation.of(frame).stored_side("left") if compare else None
        return cls(
            frame.width, frame.height, pixel_format, encoding, colorspace, tuple(notes), gray_side,
            None if read == encoding else read, playable,
        )  # fmt: skip

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height of the colored frames."""
        width, height = self._filled_size
        return (width + width % 2, height + height % 2) if self.even else (width, height)

    @property
    def _filled_size(self) -> tuple[int, int]:
        """The same without a repeated column or row. The second of two images begins at a chroma sample."""
        if self.gray_side is None:
            return self.width, self.height
        stored = av.VideoFormat(self.pixel_format, _SIDE, _SIDE)
        height, width = self.chroma_shape
        if self.gray_side in ("left", "right"):
            return width * (_SIDE // stored.chroma_width()) + self.width, self.height
        return self.width, height * (_SIDE // stored.chroma_height()) + self.height

    @property
    def chroma_shape(self) -> tuple[int, int]:
        """(h, w) of the chroma planes; odd sizes are rounded up."""
        stored = av.VideoFormat(self.pixel_format, self.width, self.height)
        return stored.chroma_height(), stored.chroma_width()

    @property
    def color_range(self) -> int:
        """Range tag of the output, FFmpeg's AVColorRange."""
        return _FULL if self.encoding.full_range else _LIMITED

    def prepare(self, frame: av.VideoFrame) -> av.VideoFrame:
        """The frame itself if its luma plane can be used, else a converted one with such a luma plane."""
        read = self.source or self.encoding
        plain = self._with_plain_luma(frame, read)
        if self.source is None:
            return plain
        stored = blank_frame(plain, self.width, self.height, "gray" if self.encoding.bits == 8 else "gray16le")
        requantize(luma_plane(plain), self.source, self.encoding, out=_plane(stored, 0, self.encoding.bits))
        _copy_time(frame, stored)
        stored.color_primaries, stored.color_trc = frame.color_primaries, frame.color_trc
        return stored

    def _with_plain_luma(self, frame: av.VideoFrame, read: Encoding) -> av.VideoFrame:
        """The frame itself if its luma plane can be read with this encoding, else converted by swscale."""
        same_size = (frame.width, frame.height) == (self.width, self.height)
        if has_plain_luma(frame) and bits_of(frame.format) == read.bits and same_size:
            return frame
        own_range = _FULL if read.full_range else _LIMITED
        converted = frame.reformat(
            width=self.width,
            height=self.height,
            format=self.pixel_format if read.bits == self.encoding.bits else _planar("420", read.bits),
            dst_colorspace=self.colorspace,
            src_colorspace=None if frame.format.is_rgb else self.colorspace,
            src_color_range=_FULL if frame.format.is_rgb or frame.format.has_palette else own_range,
            dst_color_range=own_range,
        )
        _copy_time(frame, converted)
        return converted

    def colored(self, frame: av.VideoFrame, cb: Plane, cr: Plane) -> av.VideoFrame:
        """A new frame with the luma and time of one that `prepare` returned, and this chroma.

        `cb` and `cr` are uint8 or uint16, of `chroma_shape`. With `gray_side` the gray image is beside it.
        """
        out = blank_frame(frame, *self.stored_size, self.pixel_format)
        width, height = self._filled_size
        for index, plane in enumerate((luma_plane(frame), cb, cr)):
            whole = _plane(out, index, self.encoding.bits)
            view = whole[:height, :width] if index == 0 else whole
            if self.gray_side is None:
                view[:] = plane
            else:
                gray = plane if index == 0 else np.full_like(plane, self.encoding.chroma_center)
                pair = (gray, plane) if self.gray_side in ("left", "top") else (plane, gray)
                _put_side_by_side(view, *pair, vertical=self.gray_side in ("top", "bottom"))
            if view.shape != whole.shape:
                whole[:height, width:] = view[:, -1:]
                whole[height:] = whole[height - 1]
        _copy_time(frame, out)
        out.colorspace, out.color_range = self.colorspace, self.color_range
        out.color_primaries, out.color_trc = frame.color_primaries, frame.color_trc
        return out


def _plane(frame: av.VideoFrame, index: int, bits: int) -> Plane:
    plane = frame.planes[index]
    dtype = np.dtype(np.uint8 if bits == 8 else np.uint16)
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    view: Plane = rows[: plane.height, : plane.width * dtype.itemsize].view(dtype)
    return view


def _put_side_by_side(out: Plane, first: Plane, second: Plane, *, vertical: bool) -> None:
    """Fill a plane with two others. A gap between them, for alignment, repeats the edge of the first."""
    if vertical:
        out, first, second = (plane.swapaxes(0, 1) for plane in (out, first, second))
    start = out.shape[1] - second.shape[1]
    out[:, : first.shape[1]] = first
    out[:, first.shape[1] : start] = first[:, -1:]
    out[:, start:] = second


def _copy_time(source: av.VideoFrame, target: av.VideoFrame) -> None:
    target.pts, target.duration = source.pts, source.duration
    if source.time_base is not None:
        target.time_base = source.time_base


def bits_of(pixel_format: av.VideoFormat) -> int:
    """The depth of a pixel format, 8 to 16 bits."""
    if pixel_format.has_palette or pixel_format.is_bit_stream:
        return 8
    return max(8, pixel_format.components[0].bits)


def _is_chromatic(pixel_format: av.VideoFormat) -> bool:
    # The is_chroma of components is no use: in PyAV it is false for 4:4:4.
    return len(pixel_format.components) >= 3 and not pixel_format.is_rgb and not pixel_format.has_palette


def _subsampling(pixel_format: av.VideoFormat) -> str:
    """The chroma subsampling of the output: that of the source if it is a common one, else 4:2:0."""
    if not _is_chromatic(pixel_format):
        return "420"
    across, down = _SIDE // pixel_format.chroma_width(_SIDE), _SIDE // pixel_format.chroma_height(_SIDE)
    return _SUBSAMPLINGS.get((across, down), "420")


def _nearest(subsampling: str, bits: int, accepted: Collection[str], encoder: str | None) -> tuple[str, int]:
    """The planar format, and its depth, that keeps the depth first and the subsampling second."""
    # The deeper ones from the least, then the shallower ones from the most.
    for depth in sorted(_DEPTHS, key=lambda depth: (depth < bits, abs(depth - bits))):
        for chroma in (subsampling, "420", "422", "444"):
            name = _planar(chroma, depth)
            if name in accepted:
                return name, depth
    raise MediaError(f"encoder {encoder} takes no planar Y'CbCr video; choose another with --codec")


def _planar(subsampling: str, bits: int) -> str:
    return f"yuv{subsampling}p" if bits == 8 else f"yuv{subsampling}p{bits}le"


def _changes(subsampling: str, bits: int, full_range: bool, pixel_format: str, stored_bits: int) -> str:
    """How a playable format differs from the input's, for people; empty if it does not."""
    changed = [f"{stored_bits} in place of {bits} bits, dithered"] if bits != stored_bits else []
    if subsampling not in pixel_format:
        changed.append(f"4:2:0 in place of {':'.join(subsampling)}")
    if full_range:
        changed.append("limited in place of full range")
    return f"the video is stored with {', '.join(changed)}" if changed else ""


def matrix_of(frame: av.VideoFrame) -> Matrix:
    """The luma coefficients that a frame states, or that are usual for its size."""
    by_size: Matrix = "bt709" if frame.height >= HD_HEIGHT else "bt601"
    return by_size if frame.format.is_rgb else _MATRICES.get(int(frame.colorspace), by_size)


def is_full_range(frame: av.VideoFrame, codec: str) -> bool:
    """Whether black is 0, in a frame decoded from a `codec` of FFmpeg."""
    name = frame.format.name
    if frame.format.is_rgb or frame.format.has_palette or name.startswith("yuvj"):
        return True
    if frame.color_range in (_LIMITED, _FULL):
        return bool(frame.color_range == _FULL)
    return not _is_chromatic(frame.format) and codec not in _LIMITED_BY_STANDARD
