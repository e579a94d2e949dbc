"""What enlarging chroma with the luma as guide is worth: the error near strong edges, against plain bilinear.

python -m cgan_benchmarks.studies.chroma_upsampling --photos photos-val.tar --json benchmarks/results/edges.json

The true chroma of photographs is made small and enlarged again, so that no network's error is in it: to the
network's size as the end of the network does it, from there as the runtime does.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch

from cgan_benchmarks.machine.describe import Others, describe_machine
from cgan_benchmarks.options import check_writable
from cgan_benchmarks.results.document import write_document
from cgan_runtime import __version__
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.color.lab import L_SCALE, lab_of_rgb
from cgan_runtime.color.upsampling import enlarge_chroma
from cgan_runtime.colorizer import network_shape
from cgan_runtime.console import Console, guard
from cgan_runtime.errors import DataError
from cgan_runtime.manifest import AB_SCALE, Manifest
from cgan_runtime.models import bundled_model
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.metrics import ciede2000
from cgan_train.models.guided_upsampling import enlarge_guided

FORMAT = "cgan-edges"
FORMAT_VERSION = 1

SIDES = {"as large as the network's input": 1, "a quarter of that": 4}
"""How small the chroma was before it came to the network's size; the latter is what `edge` predicts at."""

WAYS = ("bilinear", "guided")
EDGE_PART = 0.05  # of an image's pixels: where its lightness is steepest
EDGE_REACH = 2  # pixels around these that count as near
STRIDE = 2  # pixels: colors are compared on this grid
_PATH = click.Path(path_type=Path)


def compare(rgb: np.ndarray[Any, Any], multiple: int, side: int) -> dict[str, dict[str, dict[str, float]]]:
    """Mean CIEDE2000 of one photograph by `SIDES` and `WAYS`: of all pixels and near edges, and milliseconds.

    Empty where the photograph has no edges.

    Args:
        rgb: uint8 (H, W, 3).
        multiple: The network's size multiple.
        side: Square root of the network's input area, pixels.
    """
    lab = lab_of_rgb(rgb)
    lightness, chroma = lab[0] / np.float32(L_SCALE) - 1, lab[1:] / np.float32(AB_SCALE)
    shape = network_shape(rgb.shape[1] / rgb.shape[0], side, multiple)
    low, near = _sized(lightness, shape), near_edges(lightness)[::STRIDE, ::STRIDE]
    found: dict[str, dict[str, dict[str, float]]] = {}
    if not near.any():
        return found
    for name, divisor in SIDES.items():
        coarse = np.stack([_sized(plane, (shape[0] // divisor, shape[1] // divisor)) for plane in chroma])
        found[name] = {}
        for way in WAYS:
            small = _as_answered(way, coarse, low)
            began = time.perf_counter()
            enlarged = _enlarged(way, small, low, lightness)
            took = time.perf_counter() - began
            error = ciede2000(*(_on_grid(lab[0], ab) for ab in (chroma, enlarged)))
            found[name][way] = {"all": error.mean(), "edges": error[near].mean(), "ms": took * 1e3}
    return found


def near_edges(lightness: FloatArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where an image's lightness is steepest, and what lies around, (H, W)."""
    steep = np.hypot(cv2.Sobel(lightness, cv2.CV_32F, 1, 0), cv2.Sobel(lightness, cv2.CV_32F, 0, 1))
    edges = ((steep >= np.quantile(steep, 1 - EDGE_PART)) & (steep > 0)).astype(np.uint8)
    around = np.ones((2 * EDGE_REACH + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(edges, around), bool)


def summary(
    rows: Sequence[dict[str, dict[str, dict[str, float]]]],
) -> dict[str, dict[str, dict[str, float]]]:
    """Means over photographs, of milliseconds the median."""
    return {
        name: {
            way: {
                key: float((np.median if key == "ms" else np.mean)([row[name][way][key] for row in rows]))
                for key in rows[0][name][way]
            }
            for way in WAYS
        }
        for name in SIDES
    }


def _as_answered(way: str, coarse: FloatArray, low: FloatArray) -> FloatArray:
    """What a network answers that predicts such chroma: at the size of its input."""
    if way == "guided" and coarse.shape[1:] != low.shape:
        tensors = (torch.from_numpy(planes)[None] for planes in (coarse, low[None]))
        return np.asarray(enlarge_guided(*tensors)[0].numpy(), np.float32)
    return np.stack([_sized(plane, low.shape) for plane in coarse])


def _enlarged(way: str, small: FloatArray, low: FloatArray, lightness: FloatArray) -> FloatArray:
    if way == "guided":
        return np.stack(enlarge_chroma(small, low, lightness, span=2.0))
    return np.stack([_sized(plane, lightness.shape) for plane in small])


def _sized(plane: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    shrinks = shape[0] * shape[1] < plane.size
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(plane, (shape[1], shape[0]), interpolation=how), np.float32)


def _on_grid(lightness: FloatArray, chroma: FloatArray) -> FloatArray:
    """L*, a* and b*, (h, w, 3), of every so many pixels."""
    return np.dstack([lightness, *(chroma * np.float32(AB_SCALE))])[::STRIDE, ::STRIDE]


@guard
@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--photos", type=_PATH, required=True, help="Folder or tar shard of photos in color.")
@click.option("--json", "json_file", type=_PATH, help="Write all figures there as well.")
def main(photos: Path, json_file: Path | None) -> None:
    """Measure how near chroma comes to the truth that is enlarged by the luma, against plain bilinear."""
    check_writable(json_file)
    console, others, manifest = Console(), Others(), Manifest.load(bundled_model())
    images = _read(open_photos(photos))
    found = [row for each in images if (row := compare(each, manifest.size_multiple, manifest.size))]
    if not found:
        raise DataError(f"no image in {photos} has edges; give photographs")
    rows = summary(found)
    console.result(f"{len(found)} photos; chroma that was{'all':>21}{'edges':>9}{'ms':>7}")
    for name, ways in rows.items():
        for way, taken in ways.items():
            console.result(f"  {name:32}{way:10}{taken['all']:9.3f}{taken['edges']:9.3f}{taken['ms']:7.2f}")
    if json_file is not None:
        document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "version": __version__,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "machine": describe_machine(cv2.getNumThreads(), others.share()),
            "photos": len(found),
            "enlarged": rows,
        }
        write_document(document, json_file)
        console.note(f"all figures are in {json_file}")


def _read(images: Any) -> Iterable[np.ndarray[Any, Any]]:
    return (images.read(index) for index in range(len(images)))


if __name__ == "__main__":
    main()
