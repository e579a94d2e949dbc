"""What a result says in one line, and the row that it says it of."""

from __future__ import annotations

from collections.abc import Sequence

from cgan_benchmarks.results.document import Document
from cgan_benchmarks.results.noise import too_noisy
from cgan_benchmarks.speed.subjects.exported_forms import SHIPPED

VISIBLE = 1.0  # CIEDE2000: about the least that can be seen
_ENGINES = {
    "pytorch": "PyTorch", "openvino": "OpenVINO", "onnxruntime": "ONNX Runtime", "tensorrt": "TensorRT",
    "cuda": "ONNX Runtime CUDA",
}  # fmt: skip


def engine_name(backend: str) -> str:
    """What ran a row, as the engine's makers write it."""
    for name, proper in _ENGINES.items():
        backend = backend.replace(name, proper)
    return backend


def headline(document: Document) -> str:
    """What a result says, in one line; no ratio where it is too noisy to judge."""
    if not document["rows"]:
        from cgan_benchmarks.video.scenario import CGAN  # loads PyTorch

        rate = document["video"]["ways"][CGAN]["frames_per_second"]
        return f"{rate:.0f} frames a second, {document['video']['file']}"
    best = best_row(document["rows"])
    if best is not None and (why := too_noisy(document, best)):
        return f"{document['recipe']}: too noisy to judge: {why}"
    if best is None or best["speedup_interval"][0] <= 1:
        return f"{document['recipe']}: no exported form is certainly faster than PyTorch here"
    return f"{best['speedup']:.1f} times as fast as PyTorch, by {engine_name(best['backend'])}"


def best_row(rows: Sequence[Document]) -> Document | None:
    """Of the fastest rows whose colors look the same: the one that ships, else that of the smallest file."""
    same = [
        row
        for row in rows
        if row["model"] != "checkpoint" and row["ciede2000"] is not None and row["ciede2000"] < VISIBLE
    ]
    certain = max((row["speedup_interval"][0] for row in same), default=0)
    fastest = [row for row in same if row["speedup_interval"][1] >= certain]
    return min(fastest, key=lambda row: (row["model"] != SHIPPED, row["megabytes"], -row["speedup"]), default=None)
