"""`cgan-bench`: how much faster, smaller and how equal exported models are, against PyTorch.

cgan-bench                                       # the model that ships, every form, every back end
cgan-bench --checkpoint runs/edge --json bench.json --html bench.html
cgan-bench --scenario offline --batch 1,4,16     # as many images as go, rather than one after another
cgan-bench compare old.json new.json             # what got slower or faster beyond noise
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cgan_benchmarks.compare.command import compare
from cgan_benchmarks.layers.command import layers
from cgan_benchmarks.options import PATH, NamesType, NumbersType, SecondsType, check_needs, given
from cgan_benchmarks.quality.command import quality
from cgan_benchmarks.turing.command import turing
from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import SizeType

if TYPE_CHECKING:
    from cgan_benchmarks.speed.report import Report
    from cgan_benchmarks.speed.settings import Settings
    from cgan_benchmarks.speed.timing import Plan

_SCENARIOS = ("single-stream", "offline", "startup", "video")
_SECONDS, _RUNS = 2.4, 30
_PROCESSES = {"single-stream": 4, "offline": 4, "startup": 5}
_LEAST_PROCESSES = {"single-stream": 1, "offline": 2, "startup": 2}  # one value has no interval
_QUICK_SECONDS, _QUICK_RUNS = 0.5, 10
_OF_A_VIDEO = (
    "--scenario",
    "--video",
    "--model",
    "--backends",
    "--precision",
    "--threads",
    "--json",
    "--html",
)
_OFFLINE_BATCHES = (1, 4, 16)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.option("--checkpoint", type=PATH, help="The PyTorch model.  [default: the one that ships]")
@click.option(
    "--model",
    "models",
    type=PATH,
    multiple=True,
    help="ONNX file exported from it; may be given several times.  [default: every form, exported now]",
)
@click.option(
    "--scenario",
    type=click.Choice(_SCENARIOS),
    default=_SCENARIOS[0],
    help="An image after another, as of a camera; as many as go, as of an archive; fresh starts; a video.",
)
@click.option(
    "--video",
    type=PATH,
    help="Measure the whole pipeline on this video too, beside decoding and encoding alone.",
)
@click.option("--size", type=SizeType(), help="Size in pixels.  [default: the checkpoint's]")
@click.option(
    "--batch",
    type=NumbersType(),
    help="Images in a run.  [default: 1; of offline 1,4,16]",
    show_default=False,
)
@click.option(
    "--backends", type=NamesType(), help="Names, with commas between.  [default: all that work here]"
)
@click.option(
    "--precision",
    type=NamesType(),
    help="Only what computes in these, as fp32,int8.  [default: all but int8, whose export takes a minute]",
)
@click.option("--threads", type=click.IntRange(min=1), default=2, help="CPU threads of every engine.")
@click.option(
    "--duration",
    type=SecondsType(),
    help=f"Seconds of timed runs for each row, about.  [default: {_SECONDS:g}]",
)
@click.option(
    "--runs", type=click.IntRange(min=1), help=f"Timed runs of each row, at least.  [default: {_RUNS}]"
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    help="Fresh processes of each row; of offline and startup 2 at least.  [default: 4; of startup 5]",
)
@click.option(
    "--quick", is_flag=True, help=f"A first impression: {_QUICK_SECONDS:g} seconds a row, fewest processes."
)
@click.option("--seed", type=int, default=0, help="Of the order in which the rows take turns.")
@click.option("--json", "json_file", type=PATH, help="Write all figures there as well.")
@click.option("--html", "html_file", type=PATH, help="Write one page with plots there, for any browser.")
@click.version_option(__version__, prog_name="cgan-bench")
@click.pass_context
def cli(
    context: click.Context, checkpoint: Path | None, models: tuple[Path, ...], scenario: str,
    video: Path | None, size: tuple[int, int] | None, batch: tuple[int, ...] | None,
    backends: tuple[str, ...] | None, precision: tuple[str, ...] | None, threads: int,
    duration: float | None, runs: int | None, processes: int | None, quick: bool,
    seed: int, json_file: Path | None, html_file: Path | None,
) -> None:  # fmt: skip
    """Measure exported models against the PyTorch model that they came from.

    With no COMMAND, speed and equality: same weights, same inputs, taking turns. Prints latency percentiles,
    how many times as fast as PyTorch with its interval, differences from PyTorch on photographs, images per
    second, start, memory and sizes, and how all that was found.
    """
    if context.invoked_subcommand is not None:
        _refuse_options_before(context.invoked_subcommand, given(context))
        return
    if scenario == "video":
        _check_video_alone(video, models, backends, precision, given(context))
    plan = _plan(scenario, duration, runs, processes, quick, seed)
    check_needs(json_file, html_file)
    from cgan_benchmarks.render.tables import print_report
    from cgan_benchmarks.speed.report import write_json
    from cgan_benchmarks.speed.settings import Settings

    batches = batch or (_OFFLINE_BATCHES if scenario == "offline" else (1,))
    report = _run(
        checkpoint, models, Settings(scenario, size, batches, threads, backends, precision, plan), video
    )
    print_report(report)
    if json_file is not None:
        write_json(report, json_file)
        Console().note(f"all figures are in {json_file}")
    if html_file is not None:
        from cgan_benchmarks.render.html.write import write_page

        write_page(report.document(), html_file)
        Console().note(f"the page is {html_file}")


for command in (quality, compare, layers, turing):
    cli.add_command(command)
main = guard(cli)


def _refuse_options_before(command: str, options: list[str]) -> None:
    if options:
        raise click.UsageError(
            f"{', '.join(options)} before {command} would have no effect; give its options after its name"
        )


def _check_video_alone(
    video: Path | None, models: tuple[Path, ...], backends: tuple[str, ...] | None,
    precision: tuple[str, ...] | None, options: list[str],
) -> None:  # fmt: skip
    """A video by itself is colored by one model, in one back end, in one precision."""
    if video is None:
        raise click.UsageError("--scenario video needs a video; give --video FILE")
    if useless := [option for option in options if option not in _OF_A_VIDEO]:
        raise click.UsageError(f"{', '.join(useless)} cannot go with --scenario video; leave it out")
    for name, values in (("--model", models), ("--backends", backends), ("--precision", precision)):
        if values is not None and len(values) > 1:
            raise click.UsageError(
                f"--scenario video measures one at a time; give {name} once, with one value"
            )


def _plan(
    scenario: str, duration: float | None, runs: int | None, processes: int | None, quick: bool, seed: int
) -> Plan:
    from cgan_benchmarks.speed.timing import Plan

    if quick and (duration, runs, processes) != (None, None, None):
        raise click.UsageError("--quick says how long to measure; leave out --duration, --runs, --processes")
    least = _LEAST_PROCESSES.get(scenario, 1)
    if processes is not None and processes < least:
        raise click.UsageError(f"--processes {processes} gives {scenario} no interval; give {least} at least")
    if quick:
        return Plan(_QUICK_SECONDS, _QUICK_RUNS, least, seed)
    return Plan(duration or _SECONDS, runs or _RUNS, processes or _PROCESSES.get(scenario, 1), seed)


def _run(checkpoint: Path | None, models: tuple[Path, ...], settings: Settings, video: Path | None) -> Report:
    """Load, export where no models were given, and measure, with a bar on a terminal."""
    import tempfile
    from dataclasses import replace

    import rich.console
    from rich.progress import Progress

    from cgan_benchmarks.speed.exported_forms import NOT_EXPORTED, forms_of, named, of_videos
    from cgan_benchmarks.speed.suite import run_suite, video_report, with_video
    from cgan_benchmarks.video.scenario import measure_video
    from cgan_runtime.models import bundled_model
    from cgan_train.checkpoint import SHIPPED, load_checkpoint

    terminal = rich.console.Console(stderr=True)
    with (
        tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder,
        Progress(console=terminal, transient=True, disable=not terminal.is_terminal) as bar,
    ):
        task = bar.add_task("exporting", total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        def video_by(model: Path, backend: str = "auto", precision: str = "auto") -> dict[str, Any]:
            if video is None:
                return {}
            bar.update(task, description=f"measuring {video.name}")
            return measure_video(
                video, model, threads=settings.threads, backend=backend, precision=precision, advance=advance
            )

        if settings.scenario == "video":
            model = models[0] if models else bundled_model()
            (backend,), (precision,) = settings.backends or ("auto",), settings.precisions or ("auto",)
            return video_report(model, video_by(model, backend, precision), settings.threads)
        loaded = load_checkpoint(checkpoint or SHIPPED)
        int8 = "int8" in (settings.precisions or ())
        files = named(models) or forms_of(loaded, Path(folder), int8=int8)
        measured = video_by(of_videos(files))
        bar.update(task, description="measuring")
        report = with_video(run_suite(loaded, files, settings, advance), measured)
        return report if models or int8 else replace(report, missing=report.missing | NOT_EXPORTED)


if __name__ == "__main__":
    main()
