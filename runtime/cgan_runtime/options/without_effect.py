"""Refuses what live video makes no use of, so that nobody waits for what never comes.

refuse_without_effect(given(context), live)
"""

from __future__ import annotations

from collections.abc import Collection

import click

from cgan_runtime.options.live import LiveOptions

# Options of videos in files: a camera has no beginning and no end, and what is sent to the page is colored as a whole.
_OF_FILES = (
    "--start", "--end", "--duration", "--keep-start", "--stream", "--deinterlace", "--hwaccel", "--strict",
    "--keep-format", "--codec-threads", "--resume", "--stats", "--pixel-format", "--frame-size", "--frame-rate",
)  # fmt: skip
_OF_ENCODERS = ("--codec", "--quality", "--crf")
_OF_THE_PAGE = ("--max-viewers", "--max-rate")
_OF_THE_WINDOW = ("--split",)


def refuse_without_effect(asked: Collection[str], live: LiveOptions) -> None:
    """Refuse those of the options that were asked for, by their names, which do nothing here.

    Raises:
        click.UsageError: There are such options.
    """
    written = live.record is not None or live.service.rtsp_out is not None
    page = live.serve is not None
    for useless, names, mend in (
        (True, _OF_FILES, "on live video; leave {} out"),
        (not page, _OF_THE_PAGE, "on the window; add --serve, or leave {} out"),
        (page, _OF_THE_WINDOW, "on the page, where everybody moves the line; leave {} out"),
        (page and not written, _OF_ENCODERS, "without --record or --rtsp-out; add one of these, or leave {} out"),
    ):
        found = [name for name in names if useless and name in asked]
        if found:
            verb, them = ("has", "it") if len(found) == 1 else ("have", "them")
            raise click.UsageError(f"{' and '.join(found)} {verb} no effect {mend.format(them)}")
