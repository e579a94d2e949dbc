"""Made-up results of `cgan-bench`, as they lie in its JSON."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np

from cgan_benchmarks.results.document import FORMAT, FORMAT_VERSION
from cgan_benchmarks.speed.timing import Timing
from cgan_benchmarks.video.scenario import CGAN, LIMIT

Document = dict[str, Any]


def made_up(**p50_ms: float) -> Document:
    """A document with PyTorch at 20 ms and two engines at 5 and 6 ms, or as given; each 2 % unsure."""
    medians = {"pytorch": 20.0, "openvino": 5.0, "onnxruntime": 6.0} | p50_ms
    rows = [_row(name, ms, medians["pytorch"]) for name, ms in medians.items()]
    machine = {
        "cpu": "Some Processor", "cores": 2, "threads": 2, "system": "Linux x86_64", "others": 0.0,
        "gpus": [], "versions": {"python": "3.11.0", "torch": "2.0"},
    }  # fmt: skip
    return {
        "format": FORMAT, "format_version": FORMAT_VERSION, "version": "0.0.0", "date": "2026-01-01T00:00:00",
        "machine": machine, "method": ["Measured by <imagination>."], "scenario": "single-stream",
        "recipe": "edge", "checkpoint_sha256": "0" * 64, "size": [256, 256],
        "peaks": {"cpu": {"gflops": 300.0, "gbytes": 20.0}}, "rows": rows,
        "missing": {"tensorrt": "not installed"}, "video": {},
    }  # fmt: skip


def video() -> Document:
    """A video that was measured."""
    limit = {"frames_per_second": 100.0, "least": 95.0, "most": 104.0, "ms_a_frame": 10.0, "of_limit": 1.0}
    stage = {"mean_ms": 8.0, "p50_ms": 7.5, "p99_ms": 12.0}
    return {
        "file": "some <video>.mp4", "width": 640, "height": 360, "frames": 100, "rounds": 3,
        "ways": {LIMIT: limit, CGAN: limit | {"frames_per_second": 60.0, "of_limit": 0.6}},
        "stages": {"decode": stage, "color": stage, "encode": stage},
    }  # fmt: skip


def written(document: Document, path: Path) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def changed(document: Document, **fields: Any) -> Document:
    return copy.deepcopy(document) | fields


def _row(name: str, ms: float, reference_ms: float) -> Document:
    samples = ms * np.exp(np.random.default_rng(len(name)).normal(0, 0.03, (3, 5, 8)))
    ratio = reference_ms / ms
    itself = name == "pytorch"
    return {
        "model": "checkpoint" if itself else "fp32", "backend": name, "device": "CPU", "precision": "fp32",
        "weights": "fp32", "batch": 1, "megabytes": 8.0, **vars(Timing.of(samples / 1e3, 1)), "p50_ms": ms,
        "p50_interval_ms": [ms * 0.98, ms * 1.02], "speedup": ratio,
        "speedup_interval": [1, 1] if itself else [ratio * 0.98, ratio * 1.02],
        "reference": "checkpoint / pytorch", "engine_ms": None,
        "throughput": {"mean": 100.0, "least": 99.0, "most": 101.0}, "gflop": 1.6, "gflops": 1600 / ms,
        "share_of_peak": 0.5, "largest_difference": 0.0 if itself else 2e-6, "mean_difference": 1e-7,
        "psnr_db": 140.0, "ciede2000": 0.0 if itself else 0.02, "to_result_s": 0.5, "load_s": 0.1,
        "first_run_s": 0.01, "host_mb": 150.0, "device_mb": None, "samples_ms": samples.tolist(),
    }  # fmt: skip
