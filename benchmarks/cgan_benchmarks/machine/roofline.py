"""The most that a machine can do: a matrix product and a copy, measured where the network runs.

PyTorch counts the network's operations. Its least traffic is weights, input and output, once each.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SIDE = {"cpu": 1536, "cuda": 8192}  # of the square matrices
_BYTES = {"cpu": 1 << 26, "cuda": 1 << 29}  # copied: more than caches hold


@dataclass(frozen=True)
class Peak:
    """What a device reaches: 10^9 operations a second, and 10^9 bytes read and written a second."""

    gflops: float
    gbytes: float

    def least_seconds(self, gflop: float, gbytes: float) -> float:
        """The roof: the longer of the times for computing and for moving memory at their peaks."""
        return max(gflop / self.gflops, gbytes / self.gbytes)

    def best(self, other: Peak) -> Peak:
        """The better of two measurements, figure by figure."""
        return Peak(max(self.gflops, other.gflops), max(self.gbytes, other.gbytes))


def measure_peak(precision: str, device: str, seconds: float) -> Peak:
    """Time matrix products, then copies, in fp32, bf16 or fp16, for `seconds` each; the fastest counts."""
    import torch

    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    side = _SIDE[device]
    one, other = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(one)
    source = torch.ones(_BYTES[device], dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)

    def fastest(work: Callable[[], object]) -> float:
        best, until = float("inf"), time.perf_counter() + seconds
        while time.perf_counter() < until:
            began = time.perf_counter()
            work()
            if device == "cuda":
                torch.cuda.synchronize()
            best = min(best, time.perf_counter() - began)
        return best

    with torch.inference_mode():
        multiply = fastest(lambda: torch.matmul(one, other, out=product))
        copy = fastest(lambda: target.copy_(source))
    return Peak(gflops=2 * side**3 / multiply / 1e9, gbytes=2 * _BYTES[device] / copy / 1e9)


def count_gflop(generator: Any, shape: tuple[int, ...]) -> float:
    """10^9 operations of a network for one input of that shape; a multiplication and an addition are two."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        generator.eval()(torch.zeros(shape))
    return float(counter.get_total_flops() / 1e9)
