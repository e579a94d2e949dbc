"""The options of `cgan-run`, in groups: each is a decorator beside the frozen settings that it fills.

    @video_options
    def main(..., video: VideoOptions) -> int: ...

A group of one's own goes beside what it sets (see `options.option_group`) and onto `cli.main`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime.files.output import INFIX
from cgan_runtime.files.pipe import PIPE
from cgan_runtime.options.groups import PlaceType, option_group
from cgan_runtime.video.read.sources import SourceSettings
from cgan_runtime.video.write.codecs import ENCODERS, EncoderSettings

if TYPE_CHECKING:  # numpy, PyAV and OpenCV would make --help slow
    from cgan_runtime.temporal.filter import Strength
    from cgan_runtime.video.read.deinterlace import Deinterlace

DEINTERLACING = ("auto", "off", "on")
PIPE_FORMATS = ("y4m", "yuv", "mkv", "webm", "mp4")
PRECISIONS = ("auto", "fp32", "bf16")
BACKEND_NAMES = ("auto", "tensorrt", "cuda", "openvino", "onnxruntime")
STRENGTHS = ("off", "low", "high")
MAX_EVERY = 100  # frames; with STRENGTHS as in temporal.py, which would load OpenCV
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class FileOptions:
    """What is colored, and where the result goes."""

    video: Path | str | None = None
    image: Path | None = None
    input_dir: Path | None = None
    output: Path | None = None
    format: str | None = None
    overwrite: bool = False

    @property
    def into_pipe(self) -> bool:
        """Whether the result goes to standard output."""
        return str(self.output) == PIPE


file_options = option_group(
    "files",
    FileOptions,
    "Input and output",
    click.option(
        "--video",
        metavar="FILE",
        help="A video to color; - for one from a pipe, the address of a stream (https://..., rtsp://...), or "
        "numbered images as frames/%05d.png.",
    ),
    click.option("--image", type=_PATH, metavar="FILE", help="An image to color."),
    click.option(
        "--input-dir",
        type=PlaceType(),
        metavar="DIR",
        help="A folder, or the URL of one (s3://...): every image and video in it is colored.",
    ),
    click.option(
        "-o",
        "--output",
        type=PlaceType(),
        metavar="PATH",
        help=f"The result; its suffix chooses the format. Default: NAME{INFIX}.SUFFIX beside the input. "
        "frames/%05d.png makes numbered images of a video, upright, in 8 or 16 bits. "
        f"With --input-dir a folder, which is made if need be; default: DIR{INFIX}. "
        "- for a pipe.",
    ),
    click.option(
        "--format",
        type=click.Choice(PIPE_FORMATS),
        help="What goes into a pipe; y4m and yuv are bare images. Default: y4m.",
    ),
    click.option(
        "--overwrite",
        is_flag=True,
        help="Replace a result that exists. Default: refuse; in a folder, skip it.",
    ),
)


@dataclass(frozen=True)
class ModelOptions:
    """What predicts the color."""

    model: Path | None = None
    backend: str = "auto"
    threads: int | None = None
    precision: str = "auto"
    size: int | None = None


model_options = option_group(
    "model",
    ModelOptions,
    "Model",
    click.option(
        "--model",
        type=_PATH,
        metavar="FILE",
        help="A model made by cgan-export. Default: the one that ships.",
    ),
    click.option(
        "--backend",
        type=click.Choice(BACKEND_NAMES),
        default="auto",
        show_default=True,
        help="What runs the model; auto takes the best that works here.",
    ),
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="CPU threads of the back end. Default: its own choice.",
    ),
    click.option(
        "--precision",
        type=click.Choice(PRECISIONS),
        default="auto",
        show_default=True,
        help="What a CPU computes in: auto takes bfloat16 where the processor has instructions for it, which "
        "is nearly twice as fast with colors as good, but with --cluster float32, which all machines have.",
    ),
    click.option(
        "--size",
        type=click.IntRange(min=1),
        help="Side of the square, in pixels, that the model sees the image in; smaller is faster and "
        "coarser. Default: what the model was made for.",
    ),
)


@dataclass(frozen=True)
class LookOptions:
    """What is done with the color that the model predicts."""

    strength: float = 1.0
    compare: bool = False


look_options = option_group(
    "look",
    LookOptions,
    "Look",
    click.option(
        "--strength",
        "--saturation",
        "strength",
        type=float,
        default=1.0,
        show_default=True,
        help="How colorful: 0 is gray, 1 is what the model says, up to 3. Two names of one thing.",
    ),
    click.option(
        "--compare",
        is_flag=True,
        help="Put the gray image beside the colored one: gray on the left, color on the right.",
    ),
)


@dataclass(frozen=True)
class VideoOptions:
    """How videos are read, kept steady and kept from being lost."""

    temporal: Strength = "high"
    every: int = 1
    stream: int | None = None
    deinterlace: Deinterlace = "auto"
    hwaccel: str = "none"
    strict: bool = False
    resume: bool = False


video_options = option_group(
    "video",
    VideoOptions,
    "Video",
    click.option(
        "--temporal",
        type=click.Choice(STRENGTHS),
        default="high",
        show_default=True,
        help="How steady the color of a video is kept against flicker.",
    ),
    click.option(
        "--every",
        type=click.IntRange(1, MAX_EVERY),
        default=1,
        show_default=True,
        metavar="N",
        help="Run the model on every N-th frame of a video; in between, color follows the motion. Faster.",
    ),
    click.option(
        "--stream",
        type=click.IntRange(min=0),
        metavar="N",
        help="Which of the file's streams is the video. Default: the one that is marked so, or the first.",
    ),
    click.option(
        "--deinterlace",
        type=click.Choice(DEINTERLACING),
        default="auto",
        show_default=True,
        help="Make whole images of interlaced frames: of those that say they are, of none, or of all.",
    ),
    click.option(
        "--hwaccel",
        default="none",
        show_default=True,
        metavar="NAME",
        help="Decode by hardware: auto tries what is there, or FFmpeg's name of a device (cuda, qsv, vaapi, "
        "videotoolbox). Frames come back over the bus, so this pays for large videos beside a slow processor.",
    ),
    click.option(
        "--strict",
        is_flag=True,
        help="Stop at the first flaw of a damaged video. Default: color what can be read, and say it.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on with a video whose run was cut off, from where it was. "
        "Default: refuse to lose what it has done, unless --overwrite allows it.",
    ),
)


encoder_options = option_group(
    "encoder",
    EncoderSettings,
    "Encoder",
    click.option(
        "--codec",
        type=click.Choice(tuple(ENCODERS)),
        metavar="NAME",
        help=f"Video encoder: {', '.join(ENCODERS)}. Default: libx264, in webm libvpx-vp9. ffv1 is lossless "
        "and needs mkv. Where a hardware encoder does not work libx264 takes its place.",
    ),
    click.option(
        "--crf",
        type=click.IntRange(min=0),
        help="Quality of the video: lower is better and bigger, 0 is lossless. Default: 18, in webm 24.",
    ),
    click.option(
        "--preset", metavar="NAME", help="Speed of libx264, ultrafast to veryslow. Default: veryfast."
    ),
    click.option(
        "--codec-threads",
        type=click.IntRange(min=1),
        help="CPU threads of the encoder, and of the decoder. Default: one for each core.",
    ),
)


source_options = option_group(
    "source",
    SourceSettings,
    "Raw video and numbered images",
    click.option(
        "--pixel-format",
        metavar="NAME",
        help="The video is raw video of this format, as FFmpeg calls it: yuv420p.",
    ),
    click.option("--frame-size", metavar="WxH", help="Width and height of raw video: 1280x720."),
    click.option(
        "--frame-rate", metavar="N", help="Frames per second of raw video or numbered images. Default: 25."
    ),
)


@dataclass(frozen=True)
class ReportOptions:
    """What is told of the work."""

    stats: Path | None = None
    sheet: Path | None = None
    quiet: bool = False


report_options = option_group(
    "report",
    ReportOptions,
    "Report",
    click.option(
        "--stats",
        type=_PATH,
        metavar="FILE",
        help="Write what each video took, in all and in each stage, and its settings as JSON.",
    ),
    click.option(
        "--sheet",
        type=_PATH,
        metavar="FILE",
        help="Write a contact sheet of the colored video: an image of frames from all of it, with times.",
    ),
    click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors and warnings."),
)


@dataclass(frozen=True)
class RunOptions:
    """All that a command line says."""

    files: FileOptions = field(default_factory=FileOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    look: LookOptions = field(default_factory=LookOptions)
    video: VideoOptions = field(default_factory=VideoOptions)
    encoder: EncoderSettings = field(default_factory=EncoderSettings)
    source: SourceSettings = field(default_factory=SourceSettings)
    report: ReportOptions = field(default_factory=ReportOptions)
