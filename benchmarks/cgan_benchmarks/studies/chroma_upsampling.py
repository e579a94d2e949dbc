"""Guided upsampling of chroma against bilinear: the color error of all pixels and near strong edges.

    python -m cgan_benchmarks.studies.chroma_upsampling --photos photos-val.tar --json edges.json

The true chroma of photographs is made small and enlarged again, so that the result has no error of a network:
to the size of the network's input as the end of the network does it, from there as the runtime does.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import torch

from cgan_benchmarks.machine.describe import BackgroundLoad, describe_machine
from cgan_benchmarks.options import PATH, json_option, study_command
from cgan_benchmarks.render.terminal import print_table
from cgan_benchmarks.results.document import new_document, write_document
from cgan_runtime.backends.base import FloatArray
from cgan_runtime.color.lab import L_SCALE, lab_of_rgb
from cgan_runtime.color.upsampling import enlarge_chroma
from cgan_runtime.errors import DataError
from cgan_runtime.manifest import AB_SCALE, Manifest
from cgan_runtime.models import bundled_model
from cgan_runtime.network_shape import network_shape
from cgan_train.data.sources import open_photos
from cgan_train.evaluation.metrics import ciede2000
from cgan_train.models.guided_upsampling import upsample_guided

SIDES = {"as large as the network's input": 1, "a quarter of that": 4}
"""By how much the chroma is smaller than the network's input at first. `edge` predicts at a quarter."""

WAYS = ("bilinear", "guided")

Figures = dict[str, dict[str, dict[str, float]]]
"""By `SIDES` and `WAYS`: mean CIEDE2000 of "all" pixels and near "edges", and "ms"."""

EDGE_SHARE = 0.05  # of an image's pixels: those with the steepest lightness
EDGE_REACH = 2  # pixels around these that count as near
STRIDE = 2  # pixels: colors are compared on this grid


def compare(rgb: np.ndarray[Any, Any], multiple: int, side: int) -> Figures:
    """The figures of one photograph, (H, W, 3), for a network input of side² px; empty if it has no edges."""
    lab = lab_of_rgb(rgb)
    lightness, chroma = lab[0] / np.float32(L_SCALE) - 1, lab[1:] / np.float32(AB_SCALE)
    shape = network_shape(rgb.shape[1] / rgb.shape[0], side, multiple)
    low, near = _sized(lightness, shape), near_edges(lightness)[::STRIDE, ::STRIDE]
    found: Figures = {}
    if not near.any():
        return found
    for name, divisor in SIDES.items():
        coarse = np.stack([_sized(plane, (shape[0] // divisor, shape[1] // divisor)) for plane in chroma])
        found[name] = {}
        for way in WAYS:
            small = _network_chroma(way, coarse, low)
            began = time.perf_counter()
            enlarged = _enlarged(way, small, low, lightness)
            took = time.perf_counter() - began
            error = ciede2000(*(_on_grid(lab[0], ab) for ab in (chroma, enlarged)))
            found[name][way] = {"all": error.mean(), "edges": error[near].mean(), "ms": took * 1e3}
    return found


def near_edges(lightness: FloatArray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """A mask, (H, W), of the pixels with the steepest lightness and of those around them."""
    steep = np.hypot(cv2.Sobel(lightness, cv2.CV_32F, 1, 0), cv2.Sobel(lightness, cv2.CV_32F, 0, 1))
    edges = ((steep >= np.quantile(steep, 1 - EDGE_SHARE)) & (steep > 0)).astype(np.uint8)
    around = np.ones((2 * EDGE_REACH + 1,) * 2, np.uint8)
    return np.asarray(cv2.dilate(edges, around), bool)


def summary(rows: Sequence[Figures]) -> Figures:
    """Means over photographs; of milliseconds the median."""
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


def _network_chroma(way: str, coarse: FloatArray, low: FloatArray) -> FloatArray:
    """The output of a network that predicts such chroma, at the size of its input."""
    if way == "guided" and coarse.shape[1:] != low.shape:
        tensors = (torch.from_numpy(planes)[None] for planes in (coarse, low[None]))
        return np.asarray(upsample_guided(*tensors)[0].numpy(), np.float32)
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
    """L*, a* and b*, (h, w, 3), of every `STRIDE`-th pixel in both directions."""
    return np.dstack([lightness, *(chroma * np.float32(AB_SCALE))])[::STRIDE, ::STRIDE]


@study_command
@click.option("--photos", type=PATH, required=True, help="Folder or tar shard of photos in color.")
@json_option()
def main(photos: Path, json_file: Path | None) -> None:
    """Measure the color error of guided upsampling against bilinear."""
    load, manifest = BackgroundLoad(), Manifest.load(bundled_model())
    source = open_photos(photos)
    images = (source.read(index) for index in range(len(source)))
    found = [row for image in images if (row := compare(image, manifest.size_multiple, manifest.size))]
    if not found:
        raise DataError(f"no image in {photos} has edges; give photographs")
    rows = summary(found)
    lines = [
        (name, way, f"{figures['all']:.3f}", f"{figures['edges']:.3f}", f"{figures['ms']:.2f}")
        for name, ways in rows.items()
        for way, figures in ways.items()
    ]
    print_table((f"{len(found)} photos; chroma that was", "enlarged", "all", "edges", "ms"), lines)
    machine = describe_machine(cv2.getNumThreads(), load.share())
    write_document(new_document("cgan-edges", 1, machine, photos=len(found), enlarged=rows), json_file)


if __name__ == "__main__":
    main()
