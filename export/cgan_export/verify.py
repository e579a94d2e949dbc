"""The command `cgan-export verify A B`: how far any two models lie apart on photographs.

cgan-export verify runs/edge exported/edge-fp16.onnx --data photos/
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from cgan_export.requirements import require_packages
from cgan_runtime.console import Console
from cgan_runtime.errors import ParityError

_PATH = click.Path(path_type=Path)


class _Tolerance(click.FloatRange):
    """A range that `nan` is not in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what a person typed."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is no number; give one from 0 on, such as 0.02", param, ctx)
        return number


@click.command(context_settings={"show_default": True})
@click.argument("first", metavar="A", type=_PATH)
@click.argument("second", metavar="B", type=_PATH)
@click.option(
    "--data",
    type=_PATH,
    show_default=False,
    help="Folder or tar of photos to compare on.  [default: eight that come with cgan]",
)
@click.option(
    "--tolerance",
    type=_Tolerance(min=0),
    show_default=False,
    help="Largest difference that is allowed, of (a*, b*)/110, or of codes 0 to 255 where one takes whole "
    "images.  [default: what B's form may differ by, on average and in CIEDE2000 too]",
)
def verify(first: Path, second: Path, data: Path | None, tolerance: float | None) -> None:
    """Compare the models A and B: checkpoints, ONNX files or engines with their manifests.

    A half-precision file is compared in emulated half arithmetic too. Leaves with 1 where they differ by more
    than is allowed.
    """
    require_packages()
    from cgan_export.parity.against_pytorch import TOLERANCES
    from cgan_export.parity.two_models import compare_models
    from cgan_export.progress import figures
    from cgan_train.evaluation.comparison_photos import comparison_photos

    images = comparison_photos(data)
    found, form = compare_models(first, second, images)
    console = Console()
    console.result(f"{second} against {first}, {len(images)} photographs")
    console.result(figures(found))
    allowed = TOLERANCES[form]
    if tolerance is not None:
        if not found.largest <= tolerance:
            raise ParityError(
                f"they differ by {found.largest:.2e} at most, {tolerance:g} is allowed: look why, or allow it"
            )
        return
    limits = f"largest {allowed.largest:g}, mean {allowed.mean:g}, CIEDE2000 {allowed.ciede2000:g}"
    if not allowed.fits(found):
        raise ParityError(
            f"they differ by more than {form} may ({limits}); give a --tolerance of your own, or look why"
        )
    console.result(f"within what {form} may differ by ({limits})")
