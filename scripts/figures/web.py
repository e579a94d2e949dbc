"""The page in the browser: what a visit loads, and how fast Chromium and Firefox are."""

from __future__ import annotations

from typing import Any

from figures import block, machine, plain_table, read

_MB = 1e6


@block("web-size")
def size() -> str:
    """What the first visit loads."""
    report = read("web.json")
    sizes, total = report["sizes"], report["first_visit"]
    engine, model = sizes["ort-wasm-core.wasm"], sizes["model.onnx"]
    rows = {
        "page and scripts": total - engine - model,
        "engine, WASM": engine,
        "model that ships": model,
        "**all, without compression**": total,
        "in place of the WASM engine, where there is WebGPU": sizes["ort-webgpu-core.wasm"],
    }
    return plain_table([{"first visit": name, "MB": f"{count / _MB:.1f}"} for name, count in rows.items()])


@block("web-speed")
def speed() -> str:
    """Photos, the camera and videos in each browser."""
    report = read("web.json")
    what = {
        "the engine's own measure": lambda row: row["engine"].split(" · ")[-1],
        "a photo of 12 megapixels, from file to screen": lambda row: f"{row['photo_s']:.1f} s",
        "a camera of 640x480: frames shown a second": lambda row: f"{row['frames_per_second']:.0f}",
        "its predictions a second": lambda row: f"{row['predictions_per_second']:.1f} at {row['size']} px",
        "its delay, median": lambda row: f"{row['delay_ms']:.0f} ms",
        "a video of 480x270, 5 s with sound": _video,
    }
    rows = [{"": name, **{row["browser"]: cell(row) for row in report["browsers"]}} for name, cell in what.items()]
    return f"{plain_table(rows)}\n\n{machine(report)}."


def _video(row: dict[str, Any]) -> str:
    sound = "sound copied" if row["sound_copied"] else "without its sound"
    return f"{row['video_s']:.0f} s ({row['video_frames']} frames of {row['video_codec']}, {sound})"
