"""Times all trained variants as ONNX, in turns: `time_all([(variant, weights), ...], threads=2)`."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch

from cgan_benchmarks.studies.variants.models import build
from cgan_benchmarks.studies.variants.table import Variant
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.manifest import Manifest, Tensor, sha256_of

TIMED = 256  # px
_ROUNDS = 40  # timings of each, in turns


def time_all(files: Sequence[tuple[Variant, Path]], threads: int) -> list[float]:
    """Median milliseconds of each variant at 256 px in ONNX Runtime; each is given with its weights."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory(prefix="cgan-variants-") as folder, ExitStack() as stack:
        opened = []
        for number, (variant, weights) in enumerate(files):
            path = Path(folder) / f"{number}.onnx"
            side = export(variant, weights, path)
            lightness = rng.uniform(-1, 1, (1, 1, side, side)).astype(np.float32)
            backend = stack.enter_context(open_backend(path, "onnxruntime", threads=threads))
            opened.append((backend, lightness))
        times: list[list[float]] = [[] for _ in opened]
        for (backend, lightness), seconds in [*zip(opened, times, strict=True)] * _ROUNDS:
            begun = time.perf_counter()
            backend.chroma(lightness)
            seconds.append(time.perf_counter() - begun)
    return [1000 * statistics.median(seconds) for seconds in times]


def export(variant: Variant, weights: Path, path: Path) -> int:
    """Write a variant as ONNX with its manifest; returns the side of its input, px."""
    generator = build(variant)
    generator.load_state_dict(torch.load(weights, weights_only=True))
    side = round(TIMED * variant.scale)
    example = torch.zeros(1, 1, side, side)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own
        torch.onnx.export(
            generator.eval(), (example,), path, input_names=["lightness"], output_names=["chroma"],
            dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    Manifest(
        name=variant.name, file=path.name, sha256=sha256_of(path), precision="fp32", weights="fp32", opset=18,
        size=side, size_multiple=generator.size_multiple, recipe="variant",
        inputs=(Tensor("lightness", "float32", (1, 1, side, side)),),
        outputs=(Tensor("chroma", "float32", (1, 2, side, side)),),
    ).save(path)  # fmt: skip
    return side
