"""The command `cgan-export verify A B`: the difference of any two models on photographs.

cgan-export verify runs/edge exported/edge-fp16.onnx --data photos/
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from cgan_export.options import MODEL_PATH, photos_option
from cgan_export.requirements import require_packages
from cgan_runtime.console import Console
from cgan_runtime.errors import ParityError


class _Tolerance(click.FloatRange):
    """A range without `nan`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read what a person typed."""
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number; give one from 0 on, such as 0.02", param, ctx)
        return number


@click.command(context_settings={"show_default": True})
@click.argument("first", metavar="A", type=MODEL_PATH)
@click.argument("second", metavar="B", type=MODEL_PATH)
@photos_option
@click.option(
    "--generator",
    default="",
    metavar="FILE.py:NAME",
    show_default=False,
    help="The own generator of a checkpoint among them. The file is run: name one that you trust.",
)
@click.option(
    "--tolerance",
    type=_Tolerance(min=0),
    help="Largest difference that is allowed, of (a*, b*)/110, or of codes 0 to 255 where one takes whole "
    "images.  [default: what B's form may differ by, on average and in CIEDE2000 too]",
)
def verify(first: Path, second: Path, data: Path | None, generator: str, tolerance: float | None) -> None:
    """Compare the models A and B: checkpoints, ONNX files or engines with their manifests.

    A half-precision file is also compared in emulated half arithmetic. The exit code is 1 if they differ by
    more than is allowed.
    """
    require_packages()
    from cgan_export.parity.against_pytorch import TOLERANCES
    from cgan_export.parity.two_models import compare_models
    from cgan_export.progress import figures
    from cgan_train.evaluation.comparison_photos import comparison_photos
    from cgan_train.models.own import load_own

    images = comparison_photos(data)
    if generator:
        load_own(generator)
    found, form = compare_models(first, second, images)
    console = Console()
    console.result(f"{second} against {first}, {len(images)} photographs")
    console.result(figures(found))
    allowed = TOLERANCES[form]
    if tolerance is not None:
        if not found.largest <= tolerance:
            raise ParityError(f"they differ by {found.largest:.2e} at most, {tolerance:g} is allowed; find out why")
        return
    limits = f"largest {allowed.largest:g}, mean {allowed.mean:g}, CIEDE2000 {allowed.ciede2000:g}"
    if not allowed.allows(found):
        raise ParityError(f"they differ by more than {form} may ({limits}); find out why, or give a larger --tolerance")
    console.result(f"within what {form} may differ by ({limits})")
