"""What a machine can do at most: a matrix product and a copy, measured where the network runs.

    peak = measure_peak("eager", "cpu", seconds=0.5)   # {"gflops": 310.0, "gbytes": 21.0}
    least = least_seconds(gflop, gbytes, peak)    # no run of the network can take less

The network's operations are counted by PyTorch; its least traffic is the weights, the input and the output
once each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

_SIDE = {"cpu": 1536, "cuda": 8192}  # of the square matrices
_BYTES = {"cpu": 1 << 26, "cuda": 1 << 29}  # copied: more than caches hold
_HALVES = {"cpu": torch.bfloat16, "cuda": torch.float16}


def measure_peak(variant: str, device: str, seconds: float) -> dict[str, float]:
    """The best of as many products, then copies, as fit into that time each.

    Args:
        variant: Of PyTorch; "half" multiplies in half precision, all others in float32.
        device: cpu or cuda.
        seconds: For each of the two.

    Returns:
        `gflops`, 10^9 operations a second; `gbytes`, 10^9 bytes read and written a second.
    """
    dtype = _HALVES[device] if variant == "half" else torch.float32
    side = _SIDE[device]
    one, other = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(one)
    source = torch.ones(_BYTES[device], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    with torch.inference_mode():
        multiply = _quickest(lambda: torch.matmul(one, other, out=product), device, seconds)
        copy = _quickest(lambda: target.copy_(source), device, seconds)
    return {"gflops": 2 * side**3 / multiply / 1e9, "gbytes": 2 * _BYTES[device] / copy / 1e9}


def count_gflop(generator: Any, shape: tuple[int, ...]) -> float:
    """10^9 operations of a network for one input; a multiplication and its addition are two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator.eval()(torch.zeros(shape))
    return float(counter.get_total_flops() / 1e9)


def least_seconds(gflop: float, gbytes: float, peak: dict[str, float]) -> float:
    """The roof: what the slower of computing and moving memory takes at its peak."""
    return max(gflop / peak["gflops"], gbytes / peak["gbytes"])


def _quickest(work: Callable[[], object], device: str, seconds: float) -> float:
    best = float("inf")
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best
