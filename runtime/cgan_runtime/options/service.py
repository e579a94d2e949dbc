"""The options of `cgan-run --serve` for a server that runs by itself, day and night."""

from __future__ import annotations

from dataclasses import dataclass

import click

from cgan_runtime.options.groups import BytesType, option_group

MAX_CONNECTIONS = 10_000
MAX_UPLOAD = 256_000_000  # bytes
MIN_TOKEN = 16  # characters of a given token


@dataclass(frozen=True)
class ServiceOptions:
    """What a server that runs by itself sends out, tells, and allows at most."""

    rtsp_out: str | None = None
    metrics_token: str | None = None
    max_connections: int = 256
    max_upload: int = MAX_UPLOAD
    drain: float = 10.0


service_options = option_group(
    "service",
    ServiceOptions,
    "Live, as a service",
    click.option(
        "--rtsp-out", metavar="URL",
        help="Send the colored cameras to an RTSP server such as MediaMTX or go2rtc: rtsp://HOST:8554/color. Of "
        "several cameras each has a path of its own, URL/NAME."),
    click.option(
        "--metrics-token", envvar="CGAN_METRICS_TOKEN", metavar="TEXT",
        help=f"What Prometheus gives as its bearer token for /metrics, {MIN_TOKEN} letters and digits or more, also "
        "from the environment as CGAN_METRICS_TOKEN. Default: the page's token; none on this machine's own address."),
    click.option(
        "--max-connections", type=click.IntRange(1, MAX_CONNECTIONS), default=256, show_default=True, metavar="N",
        help="How many connections of all kinds may be open at the same time."),
    click.option(
        "--max-upload", type=BytesType(), default=MAX_UPLOAD, metavar="SIZE",
        help="Largest file that the page takes. Default: 256MB."),
    click.option(
        "--drain", type=click.FloatRange(0, 3600), default=10.0, show_default=True, metavar="SECONDS",
        help="After SIGTERM, how long files that the page has sent may still take; new ones are refused."),
)  # fmt: skip
