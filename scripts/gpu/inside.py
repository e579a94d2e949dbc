"""What a check on a GPU asks of another Python: `python inside.py QUESTION ...` prints a JSON object on its last line.

Each question imports what it needs, so that a Python without PyTorch, or without TensorRT, can answer the others.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MODULES = ("torch", "onnx", "tensorrt", "pycuda.driver", "numpy", "av", "cv2", "click", "rich", "pytest")
_WARM_UP = 20  # runs
_TOLERANCE = {"fp16": 5e-2, "fp32": 5e-3}  # largest difference of (a*, b*)/110 from PyTorch, by the precision
_AB_SCALE = 110


def modules() -> dict[str, Any]:
    """Which of the modules that steps need can be imported, and why others cannot."""
    warnings.simplefilter("ignore")  # some warn of being asked for their version
    found: dict[str, Any] = {"python": sys.version.split()[0], "missing": {}}
    for name in _MODULES:
        try:
            module = importlib.import_module(name)
        except Exception as error:  # noqa: BLE001 (a broken installation may raise anything)
            found["missing"][name] = f"{type(error).__name__}: {error}"[:200]
        else:
            found[name] = str(getattr(module, "__version__", "here"))
    if "torch" in found:
        import torch

        found["cuda"] = torch.version.cuda if torch.cuda.is_available() else None
    return found


def identity() -> dict[str, Any]:
    """The GPU and the TensorRT that cgan finds."""
    from cgan_runtime.backends.tensorrt.device import Gpu
    from cgan_runtime.backends.tensorrt.library import load_library

    with Gpu() as gpu:
        return vars(gpu.identity) | {"tensorrt": load_library().version}


def reference(checkpoint: str, folder: str) -> dict[str, Any]:
    """Color the eight photographs by PyTorch on the CPU in float32; both go into reference.npz."""
    import numpy as np

    from cgan_train.checkpoint import load_checkpoint
    from cgan_train.evaluation.comparison_photos import comparison_photos, lightness_of
    from cgan_train.torch_backend import TorchBackend

    loaded = load_checkpoint(Path(checkpoint))
    side = loaded.config.size
    photos = lightness_of(comparison_photos(), side, side)
    with TorchBackend(loaded) as backend:
        expected = np.concatenate([backend.chroma(photo[None]).copy() for photo in photos])
    np.savez(Path(folder) / "reference.npz", photos=photos, expected=expected)
    return {"photos": len(photos), "side": side}


def build(model: str) -> dict[str, Any]:
    """Build the engine of an ONNX file, then find it in the cache; what its inspector says of each convolution."""
    from cgan_runtime.backends.registry import open_backend
    from cgan_runtime.backends.tensorrt.device import Gpu
    from cgan_runtime.backends.tensorrt.engines import cached_engine
    from cgan_runtime.backends.tensorrt.inspector import convolution_precisions
    from cgan_runtime.backends.tensorrt.library import load_library
    from cgan_runtime.manifest import Manifest

    path, seconds = Path(model), []
    for _ in range(2):
        began = time.perf_counter()
        open_backend(path, "tensorrt").close()
        seconds.append(round(time.perf_counter() - began, 2))
    library = load_library()
    with Gpu() as gpu, gpu.current():
        file, manifest = cached_engine(path, Manifest.load(path), gpu.identity, library, lambda *_: None)
        engine = library.module.Runtime(library.log).deserialize_cuda_engine(file.read_bytes())
        inspector = engine.create_engine_inspector()
        told = inspector.get_engine_information(library.module.LayerInformationFormat.JSON)
        del inspector, engine
    return {
        "seconds": seconds[0],
        "seconds_from_cache": seconds[1],
        "bytes": file.stat().st_size,
        "precision": manifest.precision,
        "engine": manifest.engine,
        "convolutions": Counter(convolution_precisions(told).values()),
    }


def parity(model: str, folder: str) -> dict[str, Any]:
    """Compare the engine's colors with those of PyTorch."""
    import numpy as np

    from cgan_runtime.backends.registry import open_backend

    stored = np.load(Path(folder) / "reference.npz")
    with open_backend(Path(model), "tensorrt") as backend:
        made = np.concatenate([backend.chroma(photo[None]).copy() for photo in stored["photos"]])
        tolerance = _TOLERANCE.get(backend.manifest.precision, _TOLERANCE["fp16"])
    difference = made - stored["expected"]
    return {
        "largest": float(np.abs(difference).max()),
        "mean_ab": float(_AB_SCALE * np.linalg.norm(difference, axis=1).mean()),
        "tolerance": tolerance,
    }


def latency(model: str, runs: str) -> dict[str, Any]:
    """Time the engine by itself: whole calls, and the GPU's own clock."""
    import numpy as np

    from cgan_runtime.backends.registry import open_backend

    whole, engine = [], []
    with open_backend(Path(model), "tensorrt") as backend:
        side = backend.manifest.size
        image = np.linspace(-1, 1, side * side, dtype=np.float32).reshape(1, 1, side, side)
        for number in range(_WARM_UP + int(runs)):
            began = time.perf_counter()
            backend.chroma(image)
            if number >= _WARM_UP:
                whole.append(time.perf_counter() - began)
                engine.append(backend.engine_seconds or 0.0)
    percentiles = {
        name: {f"p{p}": round(float(np.percentile(seconds, p)) * 1e3, 4) for p in (50, 90, 99)}
        for name, seconds in (("ms", whole), ("engine_ms", engine))
    }
    return {"runs": len(whole), **percentiles}


QUESTIONS: dict[str, Callable[..., dict[str, Any]]] = {
    each.__name__: each for each in (modules, identity, reference, build, parity, latency)
}

if __name__ == "__main__":
    print(json.dumps(QUESTIONS[sys.argv[1]](*sys.argv[2:])))
