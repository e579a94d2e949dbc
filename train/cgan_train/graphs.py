"""A training step recorded once as a CUDA graph and replayed: a GPU is then not kept waiting for Python.

    replay = Replay(train)              # train(phase, lightness, truth) -> losses by name
    losses = replay("gan", (lightness, truth), phase)

A step of a small network is hundreds of short kernels, and launching them takes longer than they run. A graph
launches all of them at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). It computes
just what was recorded: on the same addresses, with the learning rates that lie in tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

Work = Callable[..., dict[str, Tensor]]

_WARM_UP = 3  # steps by themselves first: they make what the optimizers keep, and choose convolutions


@dataclass
class _Recorded:
    graph: Any
    inputs: tuple[Tensor, ...]
    outputs: dict[str, Tensor]


class Replay:
    """Does some work on tensors of a CUDA device: the first times as it is, then by replaying it.

    Args:
        work: Takes what `__call__` is given; all that it reads and changes stays where it is, and nothing
            in it waits for the device.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._stream: Any = None
        self.forget()

    def forget(self) -> None:
        """Record anew: what the work reads or changes lies elsewhere now."""
        self._done: dict[Hashable, int] = {}
        self._recorded: dict[Hashable, _Recorded] = {}

    def __call__(self, kind: str, inputs: tuple[Tensor, ...], *details: Any) -> dict[str, Tensor]:
        """Do the work.

        Args:
            kind: What of `details` changes the work.
            inputs: Copied to where the graph reads them.
            details: Handed on before the inputs.

        Returns:
            What the work returned; it holds until the next call of this kind.
        """
        key = (kind, *(tuple(tensor.shape) for tensor in inputs))
        if (recorded := self._recorded.get(key)) is None:
            if self._done.get(key, 0) < _WARM_UP:
                self._done[key] = self._done.get(key, 0) + 1
                return self._aside(inputs, details)
            recorded = self._recorded[key] = self._record(inputs, details)
        for ours, given in zip(recorded.inputs, inputs, strict=True):
            ours.copy_(given)
        recorded.graph.replay()
        return recorded.outputs

    def _aside(self, inputs: tuple[Tensor, ...], details: tuple[Any, ...]) -> dict[str, Tensor]:
        """On a stream of its own, as what will be recorded needs to have run."""
        self._stream = self._stream or torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            losses = self._work(*details, *inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return losses

    def _record(self, inputs: tuple[Tensor, ...], details: tuple[Any, ...]) -> _Recorded:
        graph = torch.cuda.CUDAGraph()
        ours = tuple(tensor.clone() for tensor in inputs)
        with torch.cuda.graph(graph):
            outputs = self._work(*details, *ours)
        return _Recorded(graph, ours, outputs)
