"""What `cgan-run` says when it is given nothing."""

from __future__ import annotations

import click

from cgan_runtime.system.exit_codes import EXIT_USAGE

USAGE = """\
cgan-run colors gray videos and images.

  cgan-run in.mp4
      makes in.color.mp4 beside it; an image works
      too, several of both, or a folder

  cgan-run in.mp4 --preview
      shows in seconds how it would look

  cgan-run --serve
      a camera, or your own files, on a web page

All options: cgan-run --help
"""
"""At most 50 columns wide."""


def print_usage() -> int:
    """Print the usage in short with three examples; returns the exit code of wrong usage."""
    click.echo(USAGE, nl=False)
    return EXIT_USAGE
