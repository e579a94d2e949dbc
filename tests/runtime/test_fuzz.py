"""Three hundred damaged videos through the real command: each ends in time, with a video or one line."""

from __future__ import annotations

import queue
import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.videos import Video, read_frames, write_video

COPIES = 300
SECONDS = 20  # that a copy may take
SMALL = Video(frames=10, audio=["aac"], options={"preset": "ultrafast", "g": "4"})
CLIPS: dict[str, Video] = {
    "h264.mp4": SMALL,
    "h264.mkv": Video(frames=10, audio=["pcm_s16le"], subtitle="subrip", options={"preset": "medium"}),
    "hevc.mp4": Video(
        frames=8, codec="libx265", pixel_format="yuv420p10le",
        options={"preset": "ultrafast", "x265-params": "log-level=none"},
    ),
    "vp8.webm": Video(frames=8, codec="libvpx", options={}, audio=["libopus"]),
    "vp9.webm": Video(frames=8, codec="libvpx-vp9", options={}),
    "mpeg2.mkv": Video(frames=8, codec="mpeg2video", options={}, ticks=25),
    "mpeg4.avi": Video(frames=8, codec="mpeg4", options={}, ticks=25, audio=["pcm_s16le"]),
    "prores.mov": Video(frames=4, codec="prores_ks", options={}, pixel_format="yuv422p10le"),
    "ffv1.mkv": Video(frames=4, codec="ffv1", options={}, pixel_format="gray"),
    "mjpeg.mov": Video(frames=4, codec="mjpeg", options={}, pixel_format="yuvj420p", rotation=90),
}  # fmt: skip

# Colors one video for each line on stdin; says how each ended. A crash of a native decoder ends it.
WORKER = """
import sys, traceback
from cgan_runtime.cli import main
for line in sys.stdin:
    source = line.strip()
    sys.stderr.write(f"### {source}\\n"); sys.stderr.flush()
    try: main(["--video", source, "-o", source + ".out.mkv", "--model", sys.argv[1], "--quiet"])
    except SystemExit as end: said = str(end.code)
    except BaseException: said = "traceback " + traceback.format_exc().replace("\\n", " | ")
    print(said, flush=True)
"""


def _mutated(data: bytes, chance: random.Random) -> bytes:
    """The bytes with some flipped, a part cut out or swapped with another, or the end missing."""
    damaged = bytearray(data)
    for _ in range(chance.choice([0, 1, 4, 30])):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    kind = chance.choice(["flip", "cut", "swap", "end", "noise"])
    start, length = chance.randrange(len(damaged)), chance.randrange(1, 1 + len(damaged) // 4)
    if kind == "cut":
        del damaged[start : start + length]
    elif kind == "end":
        del damaged[start:]
    elif kind == "noise":
        damaged[start : start + length] = chance.randbytes(length)
    elif kind == "swap":
        other = chance.randrange(len(damaged))
        damaged[start : start + length], damaged[other : other + length] = (
            damaged[other : other + length],
            damaged[start : start + length],
        )
    return bytes(damaged)


@pytest.mark.slow
def test_damaged_videos_give_a_video_or_one_line_in_time(tmp_path: Path, tiny_model: Path) -> None:
    chance = random.Random(300)
    originals = {name: write_video(tmp_path / name, video).read_bytes() for name, video in CLIPS.items()}
    said_on_stderr = tmp_path / "stderr.txt"
    answers: queue.Queue[str] = queue.Queue()
    with said_on_stderr.open("w") as stderr:
        worker = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WORKER, str(tiny_model)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, text=True,
        )  # fmt: skip
        assert worker.stdin is not None
        assert worker.stdout is not None
        lines = worker.stdout
        threading.Thread(target=lambda: [answers.put(line.strip()) for line in lines], daemon=True).start()
        codes = []
        try:
            for number in range(COPIES):
                name = list(CLIPS)[number % len(CLIPS)]
                source = tmp_path / f"{number:03d}-{name}"
                source.write_bytes(_mutated(originals[name], chance))
                worker.stdin.write(f"{source}\n")
                worker.stdin.flush()
                try:
                    codes.append(answers.get(timeout=SECONDS))
                except queue.Empty:
                    pytest.fail(f"{source.name} hangs, or ends the process ({worker.poll()})")
                output = tmp_path / f"{source.name}.out.mkv"
                assert codes[-1] in ("0", "1"), f"{source.name}: {codes[-1]}"
                assert output.exists() == (codes[-1] == "0"), source.name
                if output.exists():
                    assert read_frames(output), source.name
                    output.unlink()
                source.unlink()
        finally:
            worker.kill()
            worker.communicate()
    assert codes.count("0") > COPIES / 4  # damage is survived where it can be
    assert codes.count("1") > COPIES / 20
    text = said_on_stderr.read_text(encoding="utf-8", errors="replace")
    assert "Traceback" not in text
    for part in text.split("### ")[1:]:
        _, *told = part.strip().splitlines()
        assert all(line.startswith(("error: ", "warning: ")) for line in told), part
        assert sum(line.startswith("error: ") for line in told) <= 1, part
    assert not [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
