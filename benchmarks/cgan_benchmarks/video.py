"""A film from file to file: what cgan takes, stage by stage, beside decoding and encoding alone.

    film = measure_film(Path("in.mp4"), threads=2)

Decoding and encoding with nothing between is the limit: no colouriser of films can be quicker. Both ways take
turns, each time in a fresh process, with the same decoder, encoder and settings.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from cgan_benchmarks.measure import Advance
from cgan_runtime.console import one_line
from cgan_runtime.errors import MediaError

LIMIT, CGAN = "decode and encode alone", "cgan-run"
_ROUNDS = 3
_MS = 1e3  # per second

Film = dict[str, Any]


def measure_film(
    source: Path, *, threads: int, rounds: int = _ROUNDS, advance: Advance = lambda done, total: None
) -> Film:
    """Measure, as plain JSON values.

    Returns:
        `ways`: medians over the rounds, milliseconds a frame and frames a second, least and most, and
        `of_limit`, how many frames a second relative to the limit; `stages`: mean, p50 and p99 in ms.

    Raises:
        MediaError: The film cannot be read.
    """
    taken: dict[str, list[Film]] = {LIMIT: [], CGAN: []}
    with tempfile.TemporaryDirectory(prefix="cgan-bench-") as folder:
        target = Path(folder) / f"film{source.suffix}"
        for number in range(rounds):
            for way, runs in taken.items():
                runs.append(_in_a_process(way, source, target, threads))
                advance(number * len(taken) + list(taken).index(way) + 1, rounds * len(taken))
    rates = {way: [run["frames"] / run["seconds"] for run in runs] for way, runs in taken.items()}
    limit = float(np.median(rates[LIMIT]))
    first = taken[CGAN][0]
    stages = {
        stage: {
            what: float(np.median([run["stages"][stage][what] for run in taken[CGAN]]))
            for what in first["stages"][stage]
        }
        for stage in ("decode", "colour", "encode")
    }
    return {
        "file": source.name,
        "width": first["width"],
        "height": first["height"],
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


def _in_a_process(way: str, source: Path, target: Path, threads: int) -> Film:
    command = [sys.executable, "-m", "cgan_benchmarks.video", way, str(source), str(target), str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it does not say why"]
        raise MediaError(one_line(lines[-1]))
    result: Film = json.loads(done.stdout)
    return result


def _copy(source: Path, target: Path) -> Film:
    """Decode and encode with nothing between, as cgan does both, in a thread each."""
    import time

    from cgan_runtime.media.reader import FilmReader
    from cgan_runtime.media.segments import Coloured
    from cgan_runtime.media.target import EncoderSettings
    from cgan_runtime.media.writer import FilmWriter
    from cgan_runtime.pipeline import QUEUE_DEPTH
    from cgan_runtime.stages import run_stages

    began = time.perf_counter()
    frames = 0
    with FilmReader(source) as reader, FilmWriter(target, reader, EncoderSettings()) as writer:

        def passed(item: Any) -> Any:
            nonlocal frames
            if not hasattr(item, "planes"):
                return item  # a packet of sound
            frames += 1
            frame = writer.layout.prepare(item)
            frame.pict_type = 0  # the encoder chooses, as for frames that are new
            return Coloured(frame)

        run_stages(reader, passed, writer.write, depth=QUEUE_DEPTH)
        writer.finish()
    return {"frames": frames, "seconds": time.perf_counter() - began, "stages": {}}


def _colour(source: Path, target: Path, threads: int) -> Film:
    """As `cgan-run --video` does, the model loaded before."""
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.colorizer import Colorizer
    from cgan_runtime.models import bundled_model
    from cgan_runtime.pipeline import colour_film

    with Colorizer(open_backend(bundled_model(), threads=threads)) as colorizer:
        found = colour_film(source, target, colorizer, overwrite=True)
    return {
        "frames": found.frames,
        "seconds": found.seconds,
        "width": found.width,
        "height": found.height,
        "stages": found.stages,
    }


def main() -> None:
    """Take one way and print what it took; one line on stderr where that fails."""
    from cgan_runtime.errors import CganError

    way, source, target, threads = sys.argv[1:]
    Path(target).unlink(missing_ok=True)
    try:
        found = (
            _copy(Path(source), Path(target))
            if way == LIMIT
            else _colour(Path(source), Path(target), int(threads))
        )
    except CganError as error:
        sys.exit(one_line(str(error)))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
