"""`cgan-bench`: speed, size and equality of exported models, against PyTorch.

cgan-bench                                       # the model that ships in every back end, beside PyTorch
cgan-bench --all                                 # every form of it
cgan-bench --checkpoint runs/edge --json bench.json --html bench.html
cgan-bench --scenario offline --batch 1,4,16     # as many images as possible
cgan-bench compare old.json new.json             # what got slower or faster beyond noise
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cgan_benchmarks.compare.command import compare
from cgan_benchmarks.layers.command import layers
from cgan_benchmarks.options import OutputFileType, given, json_option, require_pytorch
from cgan_benchmarks.quality.command import quality
from cgan_benchmarks.speed import options as speed
from cgan_benchmarks.speed.scenarios import VIDEO
from cgan_benchmarks.turing.command import turing
from cgan_runtime import __version__
from cgan_runtime.console import Console, guard
from cgan_runtime.options.groups import GroupedCommand

if TYPE_CHECKING:
    from cgan_benchmarks.speed.report import SpeedReport
    from cgan_benchmarks.speed.settings import StepCallback


class _Commands(GroupedCommand, click.Group):
    """Measures speed where no command is named."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options in groups, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


@click.command(
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@speed.subject_options
@speed.scenario_options
@speed.timing_options
@json_option()
@click.option("--html", "html_file", type=OutputFileType(), help="Write a page with plots, for any browser.")
@click.version_option(__version__, prog_name="cgan-bench")
@click.pass_context
def cli(
    context: click.Context, *, subjects: speed.SubjectOptions, what: speed.ScenarioOptions,
    timing: speed.TimingOptions, json_file: Path | None, html_file: Path | None,
) -> None:  # fmt: skip
    """Measure exported models against the PyTorch model that they came from.

    Without a COMMAND, speed and equality of the model that ships, or of --checkpoint, in every back end that
    works here, on the same weights and inputs, in turns. Prints first figures after seconds, then latency
    percentiles, speed relative to PyTorch with its interval, differences from PyTorch on photographs, images
    per second, start, memory and sizes, and the method.
    """
    options = given(context)
    if (command := context.invoked_subcommand) is not None:
        if options:
            raise click.UsageError(
                f"{', '.join(options)} before {command} would have no effect; give its options after its name"
            )
        return
    if what.scenario == VIDEO:
        report = _measure_video(subjects, what, options)
    else:
        report = _measure_models(subjects, what, timing)
    from cgan_benchmarks.render.tables import print_report
    from cgan_benchmarks.results.document import write_document

    document = report.document()
    print_report(document)
    write_document(document, json_file)
    if html_file is not None:
        from cgan_benchmarks.render.html.write import write_page

        write_page(document, html_file)
        Console().note(f"the page is {html_file}")


for subcommand in (quality, compare, layers, turing):
    cli.add_command(subcommand)
main = guard(cli)


def _measure_video(subjects: speed.SubjectOptions, what: speed.ScenarioOptions, options: list[str]) -> SpeedReport:
    from cgan_benchmarks.video.scenario import VideoScenario

    scenario = VideoScenario(subjects)
    scenario.check_usage(what.video, options)
    require_pytorch()
    assert what.video is not None
    with Console().fraction(f"measuring {what.video.name}") as show:
        return scenario.report(what.video, lambda done, total: show(done / total, ""))


def _show_first(key: str, seconds: float) -> None:
    """Print a row's first figure as soon as there is one."""
    click.echo(f"{key}: {seconds * 1e3:.1f} ms, median of the first runs", err=True)


def _measure_models(
    subjects: speed.SubjectOptions, what: speed.ScenarioOptions, timing: speed.TimingOptions
) -> SpeedReport:
    """Load, export where no models were given, and measure, with a bar on a terminal."""
    scenario, settings = what.settings(subjects, timing)
    require_pytorch()
    from cgan_benchmarks.speed.subjects.exported_forms import Wanted, forms_of, name_models, video_form
    from cgan_benchmarks.speed.suite import run_suite
    from cgan_benchmarks.video.scenario import measure_video, with_video
    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.shipped import SHIPPED

    with Console().fraction("benchmark") as show:

        def on_step(text: str) -> StepCallback:
            return lambda done, total: show(done / total, text)

        show(0.0, "loading PyTorch, and exporting what is not in the cache")
        checkpoint = load_checkpoint(subjects.checkpoint or SHIPPED, subjects.generator)
        wanted = Wanted(every=subjects.all_forms, int8=subjects.int8)
        models = name_models(subjects.models) or forms_of(checkpoint, wanted, subjects.generator)
        video = {}
        if what.video is not None:
            video = measure_video(
                what.video, video_form(models), threads=subjects.threads, on_step=on_step(what.video.name)
            )
        report = run_suite(checkpoint, models, scenario, settings, on_step("measuring"), _show_first)
    missing = report.missing if subjects.models or subjects.precision else wanted.missing | report.missing
    return with_video(replace(report, missing=missing), video)


if __name__ == "__main__":
    main()
