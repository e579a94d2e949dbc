"""How near the truth models are, against how lively: a picture of results that are there.

    python -m cgan_benchmarks.studies.tradeoff edge=quality.json edge-vivid=quality-vivid.json --image tradeoff.png

A file is one of `cgan-bench quality --json`; the first set in it counts. With `--hints` it also holds the same model
given colors, and these points are drawn as a line.
"""

from __future__ import annotations

from pathlib import Path

import click

from cgan_benchmarks.options import OutputFileType, study_command
from cgan_benchmarks.render.plots import Tradeoff, draw_tradeoff
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.json_file import read_json


@study_command
@click.argument("results", metavar="NAME=FILE...", nargs=-1, required=True)
@click.option("--image", type=OutputFileType(), required=True, help="Draw the picture there, as PNG.")
def main(results: tuple[str, ...], image: Path) -> None:
    """Draw the quality of models against the chroma that they give."""
    draw_tradeoff([read_tradeoff(*_named(each)) for each in results], image)


def _named(text: str) -> tuple[str, Path]:
    name, equals, file = text.partition("=")
    if not (name and equals and file):
        raise ConfigError(f"{text!r} names no result; give NAME=FILE, such as edge=quality.json")
    return name, Path(file)


def read_tradeoff(name: str, path: Path) -> Tradeoff:
    """The points of one model, by a file of `cgan-bench quality --json`; a ConfigError if it is none."""
    try:
        document = read_json(path)
        first = document["reports"][0]
        quality, frechet = first["quality"], first["frechet"]
        guided = [(row["hints"], row["chroma"], 100 * row["nearer"]) for row in document.get("guided") or ()]
        return Tradeoff(
            name, quality["chroma_ratio"], quality["gain_percent"], frechet and frechet["distance"], tuple(guided)
        )
    except OSError as error:
        raise ConfigError(f"cannot read {path} ({error.strerror}); make it with cgan-bench quality --json") from error
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise ConfigError(f"{path} is no result of quality; make it with cgan-bench quality --json {path}") from error


if __name__ == "__main__":
    main()
