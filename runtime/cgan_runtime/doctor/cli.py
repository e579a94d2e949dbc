"""The command `cgan-doctor`: one screen that says what works on this machine, and what to do where not.

cgan-doctor
cgan-doctor --fix                   # the commands that mend and add
cgan-doctor --json > doctor.json    # for programs, and for bug reports
"""

from __future__ import annotations

import click

from cgan_runtime.console import guard
from cgan_runtime.options.groups import GroupedCommand
from cgan_runtime.system.exit_codes import EXIT_ERROR


@guard
@click.command(cls=GroupedCommand, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, with all figures.")
@click.option("--fix", is_flag=True, help="Print the commands that mend and add what is missing. They are not run.")
@click.version_option(package_name="cgan", prog_name="cgan-doctor")
def main(as_json: bool, fix: bool) -> int:
    """Say what works on this machine, and what to do where not.

    Each back end runs the model that ships once, and its colors are compared with the expected ones. Encoders and
    decoders code a frame, cameras deliver one. Each trial has a process of its own and a time limit, so that what
    crashes or hangs is told too. Where TensorRT works, its engine is built first, which takes minutes; it is kept.

    The exit code is 1 if something is broken, and 0 if things are only missing that few people need.
    """
    if as_json and fix:
        raise click.UsageError("--json holds the commands too; give --json or --fix")
    from cgan_runtime.doctor.examine import examine
    from cgan_runtime.doctor.finding import PROBLEM
    from cgan_runtime.doctor.screen import print_commands, print_json, print_screen, status

    with status() as report:
        findings = examine(report)
    if as_json:
        print_json(findings)
    elif fix:
        print_commands(findings)
    else:
        print_screen(findings)
    return EXIT_ERROR if any(finding.state == PROBLEM for finding in findings) else 0
