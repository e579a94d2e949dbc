"""What `cgan-run --suggest-keys` does: it writes the frames to paint, and says what to do with them.

suggest(Path("in.mp4"), options, console)
"""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.commands.open_model import open_colorizer
from cgan_runtime.console import Console
from cgan_runtime.options.run import DEFAULT_KEYS, RunOptions


def suggest(source: Path, options: RunOptions, console: Console) -> None:
    """Write the frames that would help most as keys; a CganError if that cannot be done."""
    from cgan_runtime.guide.keys import SHEET
    from cgan_runtime.pipeline.suggest_keys import suggest_keys

    folder, files = options.report.suggest_keys, options.files
    assert folder is not None
    with open_colorizer(options, console) as colorizer:
        with console.progress(f"looking through {source.name}") as progress:
            found = suggest_keys(
                source, folder, colorizer, count=options.report.count or DEFAULT_KEYS, settings=options.video,
                overwrite=files.overwrite, progress=progress,
            )  # fmt: skip
        for key in found:
            minutes, seconds = divmod(key.time, 60)
            console.result(f"{key.path}: at {minutes:.0f}:{seconds:05.2f}, would color {key.share:.0%} of the video")
        if found:
            keys = options.video.guide.keys
            elsewhere = keys is not None and Path(keys) != folder
            then = f"move those that are painted into {keys}" if elsewhere else f"add --keys {folder}"
            console.result(f"{folder / SHEET}: all of them; paint them, then {then}")
        else:
            console.result("no frame would help: every shot has a key")
