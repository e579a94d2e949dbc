"""The options of `cgan-run` for videos: they fill `VideoSettings` and `SourceSettings`."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from cgan_runtime.color.levels import OFF, WHOM, Levels
from cgan_runtime.options.groups import COMMON, option_group, section
from cgan_runtime.options.guide import guide_options
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.temporal.settings import AUTO, MAX_EVERY, STRENGTHS, Every, TemporalSettings
from cgan_runtime.video.read.sources import SourceSettings
from cgan_runtime.video.read.stretch import Stretch
from cgan_runtime.video.write.codecs import COMMON_NAMES, ENCODERS, QUALITIES, EncoderSettings

if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    SecondsBase = click.ParamType[Fraction]
    EveryBase = click.ParamType[Every]
else:
    SecondsBase = EveryBase = click.ParamType

DEINTERLACING = ("auto", "off", "on")


class EveryType(EveryBase):
    """How often the network runs: `auto`, or a number of frames."""

    name = "N"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Every:
        """Read what a person typed."""
        if value == AUTO:
            return AUTO
        if not re.fullmatch(r"[0-9]{1,3}", text := str(value)) or not 1 <= int(text) <= MAX_EVERY:
            self.fail(f"{value!r} is neither {AUTO} nor a number from 1 to {MAX_EVERY}", param, ctx)
        return int(text)


temporal_options = option_group(
    "temporal",
    TemporalSettings,
    "Video",
    click.option(
        "--temporal", "strength", type=click.Choice(STRENGTHS), default="high", show_default=True,
        help="How steady the color of a video is kept against flicker."),
    click.option(
        "--every", type=EveryType(), default=AUTO, show_default=True, metavar="N",
        help="Run the model on every N-th frame of a video; in between, color follows the motion. auto: where the "
        f"frames ask for it, with --temporal off on all. 1: on all. {MAX_EVERY} at most."),
)  # fmt: skip

encoder_options = option_group(
    "encoder",
    EncoderSettings,
    "Encoder",
    click.option(
        "--codec", type=click.Choice((*COMMON_NAMES, *ENCODERS)), metavar="NAME",
        help=f"{', '.join(COMMON_NAMES)}, or an encoder by name: {', '.join(ENCODERS)}. Default: h264, for more "
        "than 8 bits hevc, in webm vp9. ffv1 is lossless and needs mkv. Where a hardware encoder does not work "
        "libx264 takes its place."),
    click.option(
        "--quality", type=click.Choice(QUALITIES),
        help="Quality and size of the video. Default: high."),
    click.option(
        "--crf", type=click.IntRange(min=0),
        help="The same as a number: lower is better and bigger, 0 is lossless. Default: 18, hevc 20, vp9 24, "
        "av1 28."),
    click.option(
        "--keep-format", is_flag=True,
        help="Keep depth, chroma subsampling and range of the video as they are, even if few players take that. "
        "Default: what all players take, 8 bits (with hevc, vp9 and av1 also 10), 4:2:0, limited range."),
    click.option(
        "--codec-threads", type=click.IntRange(min=1),
        help="CPU threads of the encoder, and of the decoder. Default: one for each core."),
)  # fmt: skip


class SecondsType(SecondsBase):
    """A time in seconds: `90`, `1:30` or `0:01:30.5`; becomes an exact fraction."""

    name = "TIME"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """Read what a person typed."""
        if isinstance(value, Fraction):
            return value
        found = re.fullmatch(r"(?:(?:(\d{1,4}):)?(\d{1,2}):)?(\d{1,6}(?:[.,]\d{1,9})?)", str(value).strip())
        if not found:
            self.fail(f"{value!r} is no time; give seconds such as 90.5, or h:m:s such as 0:01:30.5", param, ctx)
        hours, minutes = (int(part or 0) for part in found.groups()[:2])
        return hours * 3600 + minutes * 60 + Fraction(found[3].replace(",", "."))


stretch_options = option_group(
    "stretch",
    Stretch,
    "Video",
    section(
        COMMON,
        click.option(
            "--start", type=SecondsType(), default="0", show_default=True,
            help="Color a part of the video, from this time on: seconds, or h:m:s. Sound and subtitles are cut "
            "with it."),
        click.option("--end", type=SecondsType(), help="The part ends before this time. Default: the video's end."),
        click.option("--duration", type=SecondsType(), help="In place of --end: how long the part is."),
    ),
    click.option(
        "--keep-start", is_flag=True,
        help="Leave times as they are. Default: a video whose clock begins later, such as a recording that "
        "begins at an hour, begins at zero."),
)  # fmt: skip

level_options = option_group(
    "levels",
    Levels,
    "Video",
    click.option(
        "--levels", default=OFF, show_default=True, metavar="LEVELS",
        help="Stretch what a dim or flat picture uses to all from black to white: auto follows the picture slowly, "
        "LOW,HIGH are percentages of the range, as 2,8. For infrared, thermal and dark cameras, and their videos."),
    click.option(
        "--levels-for", type=click.Choice(WHOM), default=WHOM[0], show_default=True,
        help="Stretch the picture, or only what the network sees of it: then the luma stays as it is."),
)  # fmt: skip

video_options = option_group(
    "video",
    VideoSettings,
    "Video",
    section(
        COMMON,
        click.option(
            "--compare", is_flag=True,
            help="Put the gray image beside the colored one: gray on the left, color on the right."),
    ),
    temporal_options,
    stretch_options,
    level_options,
    click.option(
        "--stream", type=click.IntRange(min=0), metavar="N",
        help="Which of the file's streams is the video. Default: the one that is marked so, or the first."),
    click.option(
        "--deinterlace", type=click.Choice(DEINTERLACING), default="auto", show_default=True,
        help="Deinterlace frames: those that are marked as interlaced, none, or all."),
    click.option(
        "--hwaccel", default="none", show_default=True, metavar="NAME",
        help="Decode by hardware: auto tries what is there, or FFmpeg's name of a device (cuda, qsv, vaapi, "
        "videotoolbox). Frames come back over the bus, so this pays for large videos on a slow processor."),
    click.option(
        "--strict", is_flag=True,
        help="Stop at the first flaw of a damaged video. Default: color what can be read, and warn."),
    guide_options,
    encoder_options,
)  # fmt: skip

source_options = option_group(
    "source",
    SourceSettings,
    "Raw video and image sequences",
    click.option(
        "--pixel-format", metavar="NAME",
        help="The video is raw video of this format, as FFmpeg calls it: yuv420p."),
    click.option("--frame-size", metavar="WxH", help="Width and height of raw video: 1280x720."),
    click.option(
        "--frame-rate", metavar="N",
        help="Frames per second of raw video or an image sequence. Default: 25."),
)  # fmt: skip
