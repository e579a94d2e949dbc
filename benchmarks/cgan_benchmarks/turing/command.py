"""`cgan-bench turing`: a visual Turing test. Can people tell colored images from true ones?"""

from __future__ import annotations

from pathlib import Path

import click

from cgan_benchmarks import options
from cgan_runtime.options.groups import GroupedCommand


@click.command(cls=GroupedCommand, short_help="Can people tell colored photos from true ones?")
@click.argument("folder", type=options.PATH, metavar="DIR")
@options.model_options
@click.option(
    "--test-delay",
    type=options.SecondsType(zero=True),
    default=2.0,
    help="Seconds for which an image is shown; 0 for as long as it takes.",
)
@click.option("--count", type=click.IntRange(min=2), default=20, help="Images, half of them colored.")
@click.option("--seed", type=int, help="Of choice and order.  [default: another each time]", show_default=False)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the page; 0 for any free one.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in a browser.")
@options.json_option()
def turing(
    folder: Path, model: options.ModelOptions, test_delay: float, count: int, seed: int | None, port: int,
    opens: bool, json_file: Path | None,
) -> None:  # fmt: skip
    """Run a visual Turing test with the photos in DIR, a folder or a tar shard.

    A page on this machine shows true and colored photos one at a time and takes the answers. Prints how many
    of the colored ones were taken for true, with a 95 % interval (Wilson). Ctrl-C ends it early.
    """
    options.require_pytorch()
    import random
    import webbrowser
    from dataclasses import asdict

    from cgan_benchmarks.results.document import new_document, write_document
    from cgan_benchmarks.turing.server import TuringServer
    from cgan_benchmarks.turing.trials import Score, make_trials
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.console import Console
    from cgan_train.data.sources import open_photos

    console = Console()
    seed = random.randrange(1 << 32) if seed is None else seed
    with Colorizer(model.open()) as colorizer:
        manifest = colorizer.backend.manifest
        with console.progress("coloring") as on_image:
            trials = make_trials(open_photos(folder), colorizer, count=count, seed=seed, on_image=on_image)
    with TuringServer(trials, delay=test_delay, port=port) as server:
        console.result(f"the test is at {server.url}")
        if opens:
            webbrowser.open(server.url)
        try:
            server.wait()
        except KeyboardInterrupt:
            console.note(f"ended after {len(server.answers)} of {len(trials)} images")
        answers = list(server.answers)
    score = Score.of(answers)
    console.result(f"taken for true: {score.fooled} of the colored images")
    console.result(f"                {score.recognized} of the true ones")
    document = new_document(
        "cgan-turing", 1, model=manifest.file, sha256=manifest.sha256, delay_seconds=test_delay, seed=seed,
        score=asdict(score), answers=[asdict(answer) for answer in answers],
    )  # fmt: skip
    write_document(document, json_file)
