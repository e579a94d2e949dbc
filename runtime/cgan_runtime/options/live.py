"""The options of `cgan-run --webcam` and `--serve`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_runtime.options.groups import COMMON, BytesType, SizeBase, option_group, section
from cgan_runtime.options.service import MIN_TOKEN, ServiceOptions, service_options

DEFAULT_CAMERA = "0"
DEFAULT_ADDRESS = "127.0.0.1:8000"
MAX_VIEWERS, MAX_RATE = 1000, 240
MAX_CAMERA_SIDE = 7680  # pixels; 8K
LEAST_RECORDING = 10_000_000  # bytes, of a file of many, and of all that are kept: less is a slip
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}
TURNS = ("0", "90", "180", "270")  # degrees clockwise
_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class Rolling:
    """When a recording begins a new file, whichever comes first: after so many seconds, or bytes; None: not by that."""

    seconds: float | None = None
    bytes: int | None = None


if TYPE_CHECKING:  # click before 8.2 has no generic types at run time
    CropBase = click.ParamType[tuple[int, int, int, int]]
    EveryBase = click.ParamType[Rolling]
else:
    CropBase = EveryBase = click.ParamType


class CameraSizeType(SizeBase):
    """A camera's image as it is always named, `1280x720`; becomes (width, height)."""

    name = "WxH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,3})[xX×]([1-9]\d{0,3})", str(value))
        if not found or max(int(found[1]), int(found[2])) > MAX_CAMERA_SIDE:
            self.fail(f"{value!r} is no size of a camera; give width x height such as 1280x720", param, ctx)
        return int(found[1]), int(found[2])


class CropType(CropBase):
    """A part of a picture, `640x480+10+20` or `640x480` at the corner; becomes x, y, width and height."""

    name = "WxH+X+Y"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int, int, int]:
        """Read what a person typed."""
        found = re.fullmatch(r"([1-9]\d{0,3})[xX×]([1-9]\d{0,3})(?:\+(\d{1,4})\+(\d{1,4}))?", str(value))
        if not found:
            self.fail(f"{value!r} is no part of a picture; give width x height + x + y, as 640x480+10+20", param, ctx)
        width, height, x, y = (int(part or 0) for part in found.groups())
        return x, y, width, height


class EveryType(EveryBase):
    """When a new file of a recording begins: after a time, `1h`, or at a size, `2GB`; becomes a `Rolling`."""

    name = "LENGTH"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Rolling:
        """Read what a person typed."""
        if isinstance(value, Rolling):
            return value
        found = re.fullmatch(r"(\d{1,5}(?:\.\d+)?)\s*(s|min|h|d)", str(value).strip().lower())
        if found and float(found[1]) * _SECONDS[found[2]] >= 1:
            return Rolling(seconds=float(found[1]) * _SECONDS[found[2]])
        if str(value).strip().lower().endswith("b"):
            return Rolling(bytes=BytesType(LEAST_RECORDING).convert(value, param, ctx))
        return self.fail(f"{value!r} is no time and no size; give 1h, 30min, 90s or 2GB", param, ctx)


@dataclass(frozen=True)
class LiveOptions:
    """What is shown live, where, and to whom."""

    webcam: tuple[str, ...] = ()
    list_cameras: bool = False
    as_camera: bool = False
    camera_size: tuple[int, int] | None = None
    camera_rate: float | None = None
    rotate: str = "0"
    flip: bool = False
    crop: tuple[int, int, int, int] | None = None
    split: float = 0.0
    record: Path | None = None
    record_every: Rolling | None = None
    keep: int | None = None
    virtual_camera: bool = False
    serve: str | None = None
    token: str | None = None
    https: bool = False
    cert: Path | None = None
    key: Path | None = None
    allow_host: tuple[str, ...] = ()
    max_viewers: int = 32
    max_rate: float = 30.0
    adapt: bool = True
    service: ServiceOptions = field(default_factory=ServiceOptions)

    @property
    def asked(self) -> bool:
        """Whether --webcam or --serve is given."""
        return bool(self.webcam) or self.serve is not None

    def check(self) -> None:
        """Refuse options of live video without it, and of the page without --serve."""
        service = replace(self.service, metrics_token=None)  # tokens may come from the environment
        if not self.asked:
            tokens = {self.token: "CGAN_TOKEN", self.service.metrics_token: "CGAN_METRICS_TOKEN"}
            is_given = any(token != os.environ.get(name) for token, name in tokens.items() if token is not None)
            if is_given or replace(self, token=None, service=service) != LiveOptions():
                raise click.UsageError("options of live video go with --webcam or --serve")
            return
        page = {
            "--token": self.token, "--cert": self.cert, "--key": self.key, "--allow-host": self.allow_host,
            "--https": self.https, "--no-adapt": not self.adapt,
        }  # fmt: skip
        if self.serve is None and (given := [name for name, value in page.items() if value]):
            raise click.UsageError(f"{' and '.join(given)} is for the page; give it with --serve")
        for wrong, message in (
            (self.serve is None and service != ServiceOptions(), "options of a service go with --serve; add it"),
            (len(self.webcam) > 1 and self.serve is None,
             "several cameras are shown on the page; add --serve, or name one --webcam"),
            (len(self.webcam) > 1 and self.virtual_camera, "--virtual-camera hands on one camera; name one --webcam"),
            (self.record_every and not self.record, "--record-every says when a new file begins; add --record FILE"),
            (self.keep and not self.record_every, "--keep is for recordings of many files; add --record-every 1h"),
            (self.https and self.cert, "--https makes a certificate; leave it out with --cert and --key"),
            ((self.cert is None) != (self.key is None), "--cert and --key go together; give both or neither"),
        ):  # fmt: skip
            if wrong:
                raise click.UsageError(message)


live_options = option_group(
    "live",
    LiveOptions,
    "Live",
    section(
        COMMON,
        click.option(
            "--webcam", is_flag=False, flag_value=DEFAULT_CAMERA, metavar="[CAMERA]", multiple=True,
            help="Show a camera in color, in a window: a device (0, /dev/video0), a stream (rtsp://...) or a "
                "video. Default: 0. With --serve several times, also with names: door=rtsp://..."),
        click.option(
            "--serve", is_flag=False, flag_value=DEFAULT_ADDRESS, metavar="[HOST:PORT]",
            help="Show it on a web page, for this machine's camera, the browser's own, photos and videos. "
                f"Default: {DEFAULT_ADDRESS}. Other addresses need a token, which is made and printed."),
    ),
    click.option("--list-cameras", is_flag=True, help="List this machine's cameras with names and sizes, and end."),
    click.option(
        "--as-camera", is_flag=True,
        help="A video as if it were a camera: at its own pace, and what comes too fast is dropped."),
    click.option(
        "--camera-size", type=CameraSizeType(),
        help="Ask the camera for this image. Default: its own choice."),
    click.option(
        "--camera-rate", type=click.FloatRange(0, MAX_RATE, min_open=True), metavar="N",
        help="Ask the camera for so many frames a second. Default: its own choice."),
    click.option(
        "--rotate", type=click.Choice(TURNS), default=TURNS[0], show_default=True,
        help="Turn the camera's picture clockwise."),
    click.option("--flip", is_flag=True, help="Mirror it: left and right change places."),
    click.option("--crop", type=CropType(), help="Keep a part of it, before it is turned. Default: all."),
    click.option(
        "--split", type=click.FloatRange(0, 1), default=0.0, show_default=True,
        help="Share of the width that stays gray at first; the mouse moves it."),
    click.option(
        "--record", type=_PATH, metavar="FILE",
        help="Record what the camera shows, as mp4, mov, mkv or webm; it can be played whatever happens."),
    click.option(
        "--record-every", type=EveryType(), metavar="LENGTH",
        help="Begin a new file every hour (1h, 30min, 90s) or so many bytes (2GB), named by time: FILE-DATE-TIME."),
    click.option(
        "--keep", type=BytesType(LEAST_RECORDING),
        help="Delete the oldest of these files when all are larger, as 20GB. Default: keep all."),
    click.option(
        "--virtual-camera", is_flag=True,
        help="Hand the colored image to video calls, by v4l2loopback or OBS; needs pyvirtualcam."),
    click.option(
        "--token", envvar="CGAN_TOKEN", metavar="TEXT",
        help=f"The token that the page asks for, {MIN_TOKEN} letters and digits or more, also from the environment as "
        "CGAN_TOKEN. Default: a new one each time, none on this machine's own address."),
    click.option(
        "--https", is_flag=True,
        help="Serve the page by https, with a certificate that is made once and kept, so that a phone's camera works."),
    click.option("--cert", type=_PATH, metavar="FILE", help="The page's TLS certificate (PEM); with --key."),
    click.option("--key", type=_PATH, metavar="FILE", help="Its private key (PEM)."),
    click.option(
        "--allow-host", multiple=True, metavar="NAME",
        help="Another name that the page is reached by, as behind a proxy; may be given several times."),
    click.option(
        "--max-viewers", type=click.IntRange(1, MAX_VIEWERS), default=32, show_default=True, metavar="N",
        help="Most pages that may look at the same time."),
    click.option(
        "--max-rate", type=click.FloatRange(0, MAX_RATE, min_open=True), default=30.0, show_default=True,
        metavar="N",
        help="Most frames a second that a page is given."),
    click.option(
        "--adapt/--no-adapt", default=True,
        help="On the page, color more coarsely, then less often, while the machine cannot keep up; each page can "
        "switch it. Default: on."),
    service_options,
)  # fmt: skip
