"""The options of `cgan-run` for files and reports, `RunOptions` of all groups, and what goes with what.

    @file_options
    def main(..., files: FileOptions) -> int: ...

A new group goes beside what it sets (see `options.groups`), onto `cli.main`, and into `RunOptions`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import get_args

import click

from cgan_runtime.console import Log
from cgan_runtime.files.atomic import is_stream
from cgan_runtime.files.output import INFIX, check_json, is_image_sequence
from cgan_runtime.files.pipe import PIPE
from cgan_runtime.files.storage import open_location
from cgan_runtime.files.urls import is_url
from cgan_runtime.guide.settings import Guide
from cgan_runtime.options.groups import COMMON, PlaceType, option_group, section
from cgan_runtime.options.guide import HEADING
from cgan_runtime.options.inputs import clean_place, kind_of
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.video.read.sources import SourceSettings
from cgan_runtime.video.write.codecs import FALLBACK_SUFFIX

PREVIEWS = ("sheet", "live")
DEFAULT_KEYS, MAX_SUGGESTED = 10, 500
PIPE_FORMATS = ("y4m", "yuv", "mkv", "webm", "mp4")
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class FileOptions:
    """What is colored, and where the result goes."""

    inputs: tuple[str, ...] = ()  # of any kind; one of them becomes one of the next three
    video: Path | str | None = None
    image: Path | None = None
    input_dir: Path | None = None
    output: Path | None = None
    overwrite: bool = False
    resume: bool = False
    format: str | None = None

    def sorted(self) -> FileOptions:
        """The same with a single plain name as --video, --image or --input-dir, by what it is; so an image as --video.

        Raises:
            click.UsageError: There are plain names and these options.
        """
        if self.inputs and (self.video or self.image or self.input_dir):
            raise click.UsageError("name the inputs plainly, or by --video, --image or --input-dir, but not both")
        places = tuple(clean_place(text) for text in self.inputs)
        if len(places) != 1:
            video = clean_place(self.video) if isinstance(self.video, str) else self.video
            image = Path(clean_place(str(self.image))) if self.image is not None else None
            if isinstance(video, str) and image is None and _is_image(video):  # an animation, most likely
                return replace(self, video=None, image=Path(video))
            return replace(self, inputs=places, video=video, image=image)
        place, kind = places[0], kind_of(places[0])
        if kind == "folder":
            return replace(self, inputs=(), input_dir=open_location(place))
        return replace(self, inputs=(), **{kind: place if kind == "video" else Path(place)})  # type: ignore[arg-type]

    @property
    def many(self) -> bool:
        """Whether there are several inputs, or a folder of them."""
        return self.input_dir is not None or bool(self.inputs)

    @property
    def is_video_file(self) -> bool:
        """Whether there is one video, in a file that can be read again."""
        text = str(self.video)
        return self.video is not None and text != PIPE and not is_url(text) and kind_of(text) == "video"

    @property
    def into_pipe(self) -> bool:
        """Whether the result goes to a stream: standard output, a named pipe or a device."""
        return isinstance(self.output, Path) and (str(self.output) == PIPE or is_stream(self.output))

    def check(self, *, live: bool) -> None:
        """Refuse options that exclude each other.

        Raises:
            click.UsageError: There are such options, or there is not one input.
        """
        if sum([self.video is not None, self.image is not None, self.many, live]) != 1:
            raise click.UsageError(
                "give exactly one of --video, --image, --input-dir and plain names, or --webcam and --serve together"
            )
        if self.format is not None and not self.into_pipe:
            raise click.UsageError("--format is for a pipe, -o -; the suffix of a file says its format")
        if self.output is None:
            return
        if live:
            raise click.UsageError("-o is for videos and images; record a camera with --record")
        if self.video is None and is_image_sequence(self.output):
            raise click.UsageError("an image sequence is made of one video; give it with --video")
        if not self.many and not isinstance(self.output, Path):
            raise click.UsageError("storage by URL goes with a folder")
        if self.inputs and self.into_pipe:
            raise click.UsageError("several inputs do not fit into one pipe; name a folder with -o")


def _is_image(place: str) -> bool:
    """Whether a place is an image on this machine, and not a pattern of many."""
    return kind_of(place) == "image" and not is_url(place) and Path(place).is_file()


file_options = option_group(
    "files",
    FileOptions,
    COMMON,
    click.argument("inputs", nargs=-1, metavar="[FILE]..."),
    click.option(
        "-o", "--output", type=PlaceType(), metavar="PATH",
        help=f"The result; its suffix chooses the format. Default: NAME{INFIX}.SUFFIX beside the input; a suffix "
        f"that cannot be written becomes {FALLBACK_SUFFIX}. A folder takes that name in it. frames/%05d.png makes "
        "an image sequence of a video, upright, in 8 or 16 bits. "
        f"For a folder or several inputs a folder, which is made if need be; default: DIR{INFIX}. "
        "- for a pipe."),
    click.option(
        "--overwrite", is_flag=True,
        help="Replace a result that exists. Default: refuse; in a folder, skip it."),
    click.option(
        "--resume", is_flag=True,
        help="Go on with a video whose run was cut off, from where it was. "
        "Default: refuse to lose what it has done, unless --overwrite allows it."),
    section(
        "Inputs by kind, and pipes",
        click.option(
            "--video", metavar="FILE",
            help="A video; - for one from a pipe, the address of a stream (https://..., rtsp://...), or "
            "an image sequence as frames/%05d.png."),
        click.option("--image", type=_PATH, metavar="FILE", help="An image."),
        click.option(
            "--input-dir", type=PlaceType(), metavar="DIR",
            help="A folder, or the URL of one (s3://...): every image and video in it is colored."),
        click.option(
            "--format", type=click.Choice(PIPE_FORMATS),
            help="What goes into a pipe; y4m and yuv are bare frames. Default: y4m."),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class ReportOptions:
    """What is reported of the work."""

    stats: Path | None = None
    sheet: Path | None = None
    preview: str | None = None
    quiet: bool = False
    verbose: bool = False
    log: Log = "text"
    suggest_keys: Path | None = None
    count: int | None = None

    def check(self, files: FileOptions) -> None:
        """Refuse reports that the input does not allow, and files that cannot be written.

        Raises:
            click.UsageError: An option does not go with the input.
            MediaError: The file for --stats cannot be written.
        """
        if self.stats is not None and files.image is not None:
            raise click.UsageError("--stats is about videos; give it with a video or a folder")
        if self.stats is not None:
            check_json(self.stats, "--stats")
        if self.sheet is not None and (files.video is None or files.into_pipe):
            raise click.UsageError("--sheet shows a video in a file; give it with one video, and not with -o -")
        if self.suggest_keys is not None and not files.is_video_file:
            raise click.UsageError("--suggest-keys looks at one video in a file; give it one")
        if self.count is not None and self.suggest_keys is None:
            raise click.UsageError("--count says how many frames --suggest-keys writes; add --suggest-keys DIR")
        if self.preview is not None and not files.is_video_file:
            raise click.UsageError("--preview is for one video in a file")
        if self.sheet is not None and files.output is not None and is_image_sequence(files.output):
            raise click.UsageError("--sheet shows a video in a file, not an image sequence; leave it out")


report_options = option_group(
    "report",
    ReportOptions,
    "Report",
    section(
        COMMON,
        click.option(
            "--preview", is_flag=False, flag_value=PREVIEWS[0], metavar="[live]",
            help="Color a dozen frames from all of a video within seconds into one picture, NAME.preview.jpg, and "
            "say how long the whole would take and how large it would be. live: play it in a window instead."),
        click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors and warnings."),
        click.option("-v", "--verbose", is_flag=True, help="Also print why better back ends were passed over."),
    ),
    click.option(
        "--log", type=click.Choice(get_args(Log)), default="text", show_default=True,
        help="What is printed: text for people, or one JSON object a line on stderr, for programs."),
    section(
        HEADING,
        click.option(
            "--suggest-keys", type=_PATH, metavar="DIR",
            help="Color nothing: write the gray frames into DIR that would help most as keys once they are painted, "
            "with a contact sheet."),
        click.option(
            "--count", type=click.IntRange(1, MAX_SUGGESTED), metavar="N",
            help=f"How many frames --suggest-keys writes at most. Default: {DEFAULT_KEYS}."),
    ),
    click.option(
        "--stats", type=_PATH, metavar="FILE",
        help="Write the times of each video, in all and in each stage, and its settings as JSON."),
    click.option(
        "--sheet", type=_PATH, metavar="FILE",
        help="Write a contact sheet of the colored video: an image of frames from all of it, with times."),
)  # fmt: skip


@dataclass(frozen=True)
class RunOptions:
    """All options of a command line that every way to color shares."""

    files: FileOptions = field(default_factory=FileOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    video: VideoSettings = field(default_factory=VideoSettings)
    source: SourceSettings = field(default_factory=SourceSettings)
    report: ReportOptions = field(default_factory=ReportOptions)

    def check(self, *, live: bool) -> None:
        """Refuse options that do not go with each other.

        Raises:
            click.UsageError: There are such options.
            MediaError: A report cannot be written.
        """
        files = self.files
        files.check(live=live)
        self.report.check(files)
        guide = self.video.guide
        of_videos = replace(self.video, compare=False, guide=Guide()), self.source, files.resume
        if files.image is not None and of_videos != (VideoSettings(), SourceSettings(), False):
            raise click.UsageError("options of videos go with a video or a folder")
        if files.many and self.source != SourceSettings():
            raise click.UsageError("options of raw video go with one video")
        if guide.keys is not None and files.image is not None:
            raise click.UsageError("--keys are frames of a video; give an image hints or a --reference")
        if guide.hints and files.many:
            raise click.UsageError("--hints are for one image or video; for a folder give --reference or --keys")
        if live and not guide.is_empty:
            raise click.UsageError("--hints, --reference and --keys are for videos and images in files")
        if self.report.preview is not None and not guide.is_empty:
            raise click.UsageError("--preview shows the model's own colors; leave --hints, --reference and --keys out")
        if self.video.compare and live:
            raise click.UsageError("--compare is for videos and images; --webcam has --split")
