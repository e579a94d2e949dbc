"""`cgan-bench turing`: can people tell colored images from true ones?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_benchmarks.options import PATH, SecondsType, check_needs

if TYPE_CHECKING:
    from cgan_benchmarks.turing.trials import Answer, Rate
    from cgan_runtime.manifest import Manifest


@click.command(
    context_settings={"show_default": True}, short_help="Can people tell colored photos from true ones?"
)
@click.argument("folder", type=PATH, metavar="DIR")
@click.option(
    "--test-delay",
    type=SecondsType(zero=True),
    default=2.0,
    help="Seconds for which an image is shown; 0 for as long as it takes.",
)
@click.option("--count", type=click.IntRange(min=2), default=20, help="Images, half of them colored.")
@click.option("--model", type=PATH, help="ONNX file with its manifest.  [default: the one that ships]")
@click.option("--backend", default="auto", help="What runs it; auto takes the best that works here.")
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of the engine.")
@click.option(
    "--seed", type=int, help="Of choice and order.  [default: another each time]", show_default=False
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page; 0 for any that is free.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser.")
@click.option("--json", "json_file", type=PATH, help="Write all answers there as well.")
def turing(
    folder: Path, test_delay: float, count: int, model: Path | None, backend: str, threads: int,
    seed: int | None, port: int, opens: bool, json_file: Path | None,
) -> None:  # fmt: skip
    """Run a visual Turing test with the photos in DIR, a folder or a tar shard.

    A page on this machine shows true and colored photos one at a time and takes the answers. Prints how many
    of the colored ones were taken for true, with its 95 % interval (Wilson). Ctrl-C ends it early.
    """
    check_needs(json_file)
    import random
    import webbrowser

    from cgan_benchmarks.turing.server import Server
    from cgan_benchmarks.turing.trials import Score, make_trials
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.console import Console
    from cgan_runtime.models import bundled_model
    from cgan_train.data.sources import open_photos

    console = Console()
    seed = random.randrange(1 << 32) if seed is None else seed
    with Colorizer(open_backend(model or bundled_model(), backend, threads=threads)) as colorizer:
        manifest = colorizer.backend.manifest
        with console.progress("coloring") as advance:
            trials = make_trials(open_photos(folder), colorizer, count=count, seed=seed, advance=advance)
    with Server(trials, delay=test_delay, port=port) as server:
        console.result(f"the test is at {server.url}")
        if opens:
            webbrowser.open(server.url)
        try:
            server.wait()
        except KeyboardInterrupt:
            console.note(f"ended after {len(server.answers)} of {len(trials)} images")
        answers = list(server.answers)
    score = Score.of(answers)
    console.result(f"taken for true: {_words(score.fooled)} of the colored images")
    console.result(f"                {_words(score.recognized)} of the true ones")
    if json_file is not None:
        from cgan_benchmarks.results.document import write_document

        write_document(_document(manifest, answers, test_delay, seed), json_file)
        console.note(f"all answers are in {json_file}")


def _words(rate: Rate) -> str:
    return f"{rate.count} of {rate.of}, {rate.rate:.0%} ({rate.low:.0%} to {rate.high:.0%} with 95 %)"


def _document(manifest: Manifest, answers: list[Answer], delay: float, seed: int) -> dict[str, Any]:
    import datetime
    from dataclasses import asdict

    from cgan_benchmarks.turing.trials import Score
    from cgan_runtime import __version__

    return {
        "format": "cgan-turing",
        "format_version": 1,
        "version": __version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "model": manifest.file,
        "sha256": manifest.sha256,
        "delay_seconds": delay,
        "seed": seed,
        "score": asdict(Score.of(answers)),
        "answers": [asdict(answer) for answer in answers],
    }
