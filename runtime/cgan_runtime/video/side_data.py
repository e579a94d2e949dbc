"""Side data of videos: what describes a whole stream, what belongs to single frames, and what it is called.

    give_side_data(stream, first_frame, "mp4")       # before the encoder is set up
    out = blank_frame(frame, 64, 48, "yuv420p")      # with the captions of `frame`
    names = lost_side_data(first_frame, written_frame)      # of what the output does not hold

PyAV gives encoders and muxers no side data but the display matrix. A stream's parameters can be copied
from another stream, though: one that is read from the header of a Matroska file or an mp4 in memory.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Sequence
from typing import Any, cast

import av
from av.bitstream import BitStreamFilterContext
from av.sidedata.sidedata import SideDataContainer

from cgan_runtime.video.mp4_header import CODECS, mp4_header

CAPTIONS = "A53_CC"
STRICT = frozenset({"STEREO3D", "SPHERICAL"})
"""What FFmpeg writes into mp4 only if it may go beyond the standard."""

_NAMES = {
    CAPTIONS: "closed captions",
    "MASTERING_DISPLAY_METADATA": "the mastering display",
    "CONTENT_LIGHT_LEVEL": "the content light level",
    "STEREO3D": "the stereo 3D layout",
    "SPHERICAL": "the spherical projection",
    "ICC_PROFILE": "the ICC profile",
    "AMBIENT_VIEWING_ENVIRONMENT": "the ambient viewing environment",
    "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
    "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
    "DOVI_METADATA": "Dolby Vision metadata",
    "DOVI_RPU_BUFFER": "Dolby Vision metadata",
    "AFD": "the active format description",
    "PANSCAN": "the pan-scan window",
    "GOP_TIMECODE": "the time code of frames",
    "S12M_TIMECODE": "the time code of frames",
    "DETECTION_BBOXES": "detected objects",
}
"""Kinds that matter to people. Others are notes of the encoder for itself."""

# AVStereo3DType: Matroska's StereoMode, and that with the views exchanged.
_STEREO = {1: (1, 11), 2: (3, 2), 3: (13, 14), 4: (5, 4), 6: (7, 6), 7: (9, 8)}
_COLOR_SPACE, _RGB = slice(16, 20), b"RGB "  # in the header of an ICC profile (ICC.1:2022, section 7.2)
_INVERTED = 1  # AV_STEREO3D_FLAG_INVERT
_EQUIRECTANGULAR, _CUBEMAP, _TILE = 0, 1, 2  # AVSphericalProjection
_CODECS = {
    "h264": b"V_MPEG4/ISO/AVC", "hevc": b"V_MPEGH/ISO/HEVC", "vp9": b"V_VP9", "av1": b"V_AV1",
    "ffv1": b"V_FFV1", "prores": b"V_PRORES",
}  # fmt: skip


def side_data_of(frame: av.VideoFrame) -> Any:
    """The side data of a frame, by kind; for each frame of a video.

    `frame.side_data` puts the frame into a circle of references: its memory comes back only when Python looks for
    such circles, which at 2160p is half a gigabyte later.
    """
    return SideDataContainer(frame)  # type: ignore[call-arg]  # PyAV's types do not have it


def kinds_of(frame: av.VideoFrame) -> frozenset[str]:
    """The kinds of side data of a frame that matter to people."""
    parts = cast("Iterable[Any]", side_data_of(frame))  # PyAV says that it is a mapping, but yields the values
    return frozenset(part.type.name for part in parts) & frozenset(_NAMES)


def lost_side_data(before: av.VideoFrame, after: av.VideoFrame | None, container: str = "") -> list[str]:
    """What a frame of the input has and one of the output has not, for people, sorted; captions do not count.

    FFmpeg's mov says only that there is a layout, its mp4 says which one, but is read like mov.
    """
    lost = kinds_of(before) - {CAPTIONS} - (kinds_of(after) if after is not None else frozenset())
    for kind, layout in (("STEREO3D", "iI"), ("SPHERICAL", "4i")) if container == "mov" else ():
        found = [_unpacked(frame, kind, layout) for frame in (before, after) if frame is not None]
        lost |= {kind} if found[0] != found[-1] else set()
    return sorted({_NAMES[kind] for kind in lost})


def writes_captions(encoder: str) -> bool:
    """Whether an encoder of FFmpeg writes closed captions."""
    context = av.CodecContext.create(encoder, "w")
    options = getattr(context, "supported_options", None)
    if options is None:  # PyAV before 18
        return encoder in ("libx264", "libx265")
    return any(option.name == "a53cc" for option in options.private)


def blank_frame(source: av.VideoFrame, width: int, height: int, pixel_format: str) -> av.VideoFrame:
    """A frame to be filled, with the captions of another; its content is undefined."""
    if CAPTIONS not in kinds_of(source):
        return av.VideoFrame(width, height, pixel_format)
    # Only a conversion copies side data in PyAV.
    blank = source.reformat(width=width, height=height, format=pixel_format, interpolation="POINT")
    blank.make_writable()
    blank.pict_type = 0  # else the encoder would repeat the key frames of the input
    return blank


def give_side_data(stream: av.VideoStream, first: av.VideoFrame, container: str = "") -> None:
    """Give a new stream the side data of a frame that describes its whole video; resets its parameters.

    mp4 and mov get a color profile and the ambient viewing environment, then without a layout of views.
    """
    codec, video = stream.codec_context.codec.canonical_name, _video_elements(first)
    profile, ambient = profile_of(first), _unpacked(first, "AMBIENT_VIEWING_ENVIRONMENT", "6i")
    if container in ("mp4", "mov") and codec in CODECS and (profile or ambient):
        kind, display = "mp4", _mastering_display(first)
        header = mp4_header(codec, profile, _ambient(ambient), display, _unpacked(first, "CONTENT_LIGHT_LEVEL", "2I"))
    elif codec in _CODECS and video:
        kind, header = "matroska", _matroska(_CODECS[codec], video)
    else:
        return
    rate = stream.codec_context.framerate
    with av.open(io.BytesIO(header), format=kind) as template:
        BitStreamFilterContext("null", template.streams.video[0], stream)
    stream.codec_context.framerate = rate


def profile_of(frame: av.VideoFrame) -> bytes:
    """The ICC profile of a frame if it is one of RGB, else nothing: one of gray is not true of colors."""
    data: Any = frame.side_data.get("ICC_PROFILE")
    profile = b"" if data is None else bytes(data)
    return profile if profile[_COLOR_SPACE] == _RGB else b""


def with_side_data(options: dict[str, str], encoder: str, first: av.VideoFrame) -> dict[str, str]:
    """Options with which x264 and x265 write captions, mastering display and light level into the video itself."""
    if encoder not in ("libx264", "libx265"):
        return options
    names = ("mastering-display", "cll") if encoder == "libx264" else ("master-display", "max-cll")
    parts = []
    if (display := _mastering_display(first)) is not None:
        (rx, ry, gx, gy, bx, by, wx, wy), (least, most) = display
        points = {"G": (gx, gy), "B": (bx, by), "R": (rx, ry), "WP": (wx, wy)}
        text = "".join(f"{name}({x * 50_000:.0f},{y * 50_000:.0f})" for name, (x, y) in points.items())
        parts.append(f"{names[0]}={text}L({most * 10_000:.0f},{least * 10_000:.0f})")
    if (light := _unpacked(first, "CONTENT_LIGHT_LEVEL", "2I")) is not None:
        parts.append(f"{names[1]}={light[0]},{light[1]}")
    key = "x264-params" if encoder == "libx264" else "x265-params"
    text = ":".join([*([options[key]] if key in options else []), *parts])
    captions = {"a53cc": "1"} if encoder == "libx265" else {}  # the other encoders write them by default
    return options | captions | ({key: text} if text else {})


def _video_elements(first: av.VideoFrame) -> bytes:
    """Elements for Matroska's Video (RFC 9559, section 5.1.4.1.28) with the side data of a frame."""
    color = b""
    if (light := _unpacked(first, "CONTENT_LIGHT_LEVEL", "2I")) is not None:
        color += _element(0x55BC, light[0]) + _element(0x55BD, light[1])
    if (display := _mastering_display(first)) is not None:
        points, luminance = display
        values = (*points, luminance[1], luminance[0])  # R, G, B, white, greatest and least luminance
        color += _element(0x55D0, b"".join(_element(0x55D1 + place, value) for place, value in enumerate(values)))
    video = _element(0x55B0, color) if color else b""
    if (stereo := _unpacked(first, "STEREO3D", "iI")) is not None and stereo[0] in _STEREO:
        video += _element(0x53B8, _STEREO[stereo[0]][bool(stereo[1] & _INVERTED)])
    return video + _projection(first)


def _projection(first: av.VideoFrame) -> bytes:
    sphere = _unpacked(first, "SPHERICAL", "4i5I")
    if sphere is None or sphere[0] not in (_EQUIRECTANGULAR, _CUBEMAP, _TILE):
        return b""
    projection, *angles, left, top, right, bottom, padding = sphere
    if projection == _CUBEMAP:
        kind, private = 2, struct.pack(">3I", 0, 0, padding)
    else:
        kind, private = 1, struct.pack(">5I", 0, top, bottom, left, right)
    elements = _element(0x7671, kind) + _element(0x7672, private)
    elements += b"".join(_element(0x7673 + place, angle / 65_536) for place, angle in enumerate(angles))
    return _element(0x7670, elements)


def _mastering_display(first: av.VideoFrame) -> tuple[list[float], tuple[float, float]] | None:
    """x and y of R, G, B and white, and the least and greatest luminance in cd/m2."""
    values = _unpacked(first, "MASTERING_DISPLAY_METADATA", "22i")
    if values is None or not (values[20] and values[21]):
        return None
    numbers = [top / bottom if bottom else 0.0 for top, bottom in zip(values[0:20:2], values[1:20:2], strict=True)]
    return numbers[:8], (numbers[8], numbers[9])


def _ambient(values: Sequence[int] | None) -> tuple[float, float, float] | None:
    """Illuminance in lux, x and y of the ambient viewing environment."""
    if values is None or not all(values[1::2]):
        return None
    lux, x, y = (top / bottom for top, bottom in zip(values[::2], values[1::2], strict=True))
    return lux, x, y


def _unpacked(frame: av.VideoFrame, kind: str, layout: str) -> Sequence[int] | None:
    """The first fields of a structure of libavutil; None if the frame has none or it is too short."""
    data: Any = frame.side_data.get(kind)
    if data is None or len(bytes(data)) < struct.calcsize(f"={layout}"):
        return None
    return cast("Sequence[int]", struct.unpack_from(f"={layout}", bytes(data)))


def _matroska(codec: bytes, video: bytes) -> bytes:
    """The header of a Matroska file with one video track, and an empty cluster."""
    head = _element(0x1A45DFA3, _element(0x4282, b"matroska") + _element(0x4287, 4) + _element(0x4285, 2))
    info = _element(0x1549A966, _element(0x2AD7B1, 1_000_000) + _element(0x4D80, b"-") + _element(0x5741, b"-"))
    size = _element(0xB0, 64) + _element(0xBA, 64)
    entry = _element(0xD7, 1) + _element(0x73C5, 1) + _element(0x83, 1) + _element(0x86, codec)
    tracks = _element(0x1654AE6B, _element(0xAE, entry + _element(0xE0, size + video)))
    return head + _element(0x18538067, info + tracks + _element(0x1F43B675, _element(0xE7, 0)))


def _element(number: int, value: bytes | int | float) -> bytes:
    """An element of EBML (RFC 8794)."""
    data = value if isinstance(value, bytes) else struct.pack(">d" if isinstance(value, float) else ">Q", value)
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return name + (1 << 56 | len(data)).to_bytes(8, "big") + data
