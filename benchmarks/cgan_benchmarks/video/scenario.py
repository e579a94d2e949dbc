"""A video from file to file: what cgan takes, stage by stage, beside decoding and encoding alone.

    video = measure_video(Path("in.mp4"), bundled_model(), threads=2)

Decoding and encoding with nothing between is the limit: no colorizer of videos can be quicker. Both ways take
turns, each time in a fresh process, with the same decoder, encoder and settings.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from cgan_benchmarks.speed.timing import Advance
from cgan_benchmarks.video.runs import take_turns
from cgan_runtime.manifest import Manifest

LIMIT, CGAN = "decode and encode alone", "cgan-run"
_ROUNDS = 3
_MS = 1e3  # per second

Video = dict[str, Any]


def measure_video(
    source: Path,
    model: Path,
    *,
    threads: int,
    backend: str = "auto",
    precision: str = "auto",
    rounds: int = _ROUNDS,
    advance: Advance = lambda done, total: None,
) -> Video:
    """Measure, as plain JSON values.

    Args:
        source: The video.
        model: What colors it.
        threads: CPU threads of the engine.
        backend: What runs the model.
        precision: What it computes in, as `cgan-run` has it.
        rounds: How often each way has its turn.
        advance: For a progress bar.

    Returns:
        `model`, `sha256` and `backend`: what colored it;
        `ways`: medians over the rounds, milliseconds a frame and frames a second, least and most, and
        `of_limit`, how many frames a second relative to the limit; `stages`: mean, p50 and p99 in ms.

    Raises:
        MediaError: The video cannot be read.
        ModelFileError: The model is damaged.
    """
    manifest = Manifest.load(model)
    settings = {"model": str(model), "threads": threads, "backend": backend, "precision": precision}
    ways = {LIMIT: ("copy", {}), CGAN: ("cgan", settings)}
    taken = take_turns(source, ways, rounds, lambda _, done, total: advance(done, total))
    rates = {way: [run["fps"] for run in runs] for way, runs in taken.items()}
    limit = float(np.median(rates[LIMIT]))
    first = taken[CGAN][0]
    stages = {
        stage: {
            what: float(np.median([run["stages"][stage][what] for run in taken[CGAN]]))
            for what in first["stages"][stage]
        }
        for stage in ("decode", "color", "encode")
    }
    width, height = first["size"]
    return {
        "file": source.name.encode(errors="backslashreplace").decode(),  # a name may be any bytes
        "model": manifest.file,
        "sha256": manifest.sha256,
        "backend": first["backend"],
        "width": width,
        "height": height,
        "frames": first["frames"],
        "rounds": rounds,
        "ways": {way: _summary(of, limit) for way, of in rates.items()},
        "stages": stages,
    }


def _summary(rates: list[float], limit: float) -> dict[str, float]:
    rate = float(np.median(rates))
    return {
        "frames_per_second": rate,
        "least": min(rates),
        "most": max(rates),
        "ms_a_frame": _MS / rate,
        "of_limit": rate / limit,
    }
