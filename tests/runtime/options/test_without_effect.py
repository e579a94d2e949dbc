"""What live video makes no use of is refused, and what it uses is not."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from cgan_runtime.options.live import LiveOptions
from cgan_runtime.options.service import ServiceOptions
from cgan_runtime.options.without_effect import refuse_without_effect

WINDOW, PAGE = LiveOptions(webcam=("0",)), LiveOptions(serve=":8000")
RECORDED = LiveOptions(serve=":8000", record=Path("a.mp4"))
SENT = LiveOptions(serve=":8000", service=ServiceOptions(rtsp_out="rtsp://host/x"))


@pytest.mark.parametrize("live", [WINDOW, PAGE, RECORDED])
@pytest.mark.parametrize(
    "name",
    ["--start", "--end", "--duration", "--keep-start", "--stats", "--deinterlace", "--stream", "--hwaccel", "--strict",
     "--keep-format", "--codec-threads", "--resume", "--frame-rate"],
)  # fmt: skip
def test_options_of_files_are_refused(name: str, live: LiveOptions) -> None:
    with pytest.raises(click.UsageError, match=f"{name} has no effect on live video; leave it out"):
        refuse_without_effect(["--webcam", name], live)


@pytest.mark.parametrize("name", ["CGAN_TOKEN", "CGAN_METRICS_TOKEN"])
def test_a_token_is_for_the_page_unless_it_is_in_the_environment(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    token = "a-token-of-this-test"
    live = LiveOptions(token=token)
    if name == "CGAN_METRICS_TOKEN":
        live = LiveOptions(service=ServiceOptions(metrics_token=token))
    with pytest.raises(click.UsageError, match="options of live video go with"):
        live.check()
    monkeypatch.setenv(name, token)
    live.check()


def test_all_of_them_are_named() -> None:
    with pytest.raises(click.UsageError, match="--start and --end have no effect on live video; leave them out"):
        refuse_without_effect(["--end", "--start"], WINDOW)


@pytest.mark.parametrize("name", ["--codec", "--quality", "--crf"])
def test_an_encoder_needs_something_to_encode(name: str) -> None:
    with pytest.raises(click.UsageError, match=f"{name} has no effect without --record or --rtsp-out"):
        refuse_without_effect([name], PAGE)
    for live in (WINDOW, RECORDED, SENT):  # the window records at a key
        refuse_without_effect([name], live)


def test_window_and_page_have_their_own() -> None:
    with pytest.raises(click.UsageError, match="--max-rate has no effect on the window; add --serve"):
        refuse_without_effect(["--max-rate"], WINDOW)
    with pytest.raises(click.UsageError, match="--split has no effect on the page"):
        refuse_without_effect(["--split"], PAGE)
    refuse_without_effect(["--split", "--every", "--temporal", "--levels", "--preset"], WINDOW)
    refuse_without_effect(["--max-rate", "--every", "--temporal", "--levels", "--preset"], PAGE)
