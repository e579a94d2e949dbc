"""A training step recorded once as a CUDA graph and replayed, so that a GPU does not wait for Python.

    replay = Replay()
    losses = replay(train, "gan", (lightness, truth))    # train(lightness, truth) -> losses by name

A step of a small network is hundreds of short kernels; launching them one by one takes longer than running
them. A graph launches all at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). It
repeats exactly what was recorded: on the same addresses, with learning rates that are tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

from cgan_runtime.errors import TrainingError

Work = Callable[..., dict[str, Tensor]]

_WARM_UP = 3  # plain calls before recording: they allocate the optimizers' state and choose convolutions


class Replay:
    """Runs a function of CUDA tensors: plainly at first, then by replaying a graph of it.

    It keeps one graph at a time, since a graph has memory of its own.
    """

    def __init__(self) -> None:
        self._stream: Any = None
        self.reset()

    def reset(self) -> None:
        """Record anew, because other tensors are read or written from now on."""
        self._key: Hashable = None
        self._calls = 0
        self._graph: Any = None
        self._inputs: tuple[Tensor, ...] = ()
        self._outputs: dict[str, Tensor] = {}

    def __call__(self, work: Work, kind: Hashable, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Run the function.

        Args:
            work: Takes the inputs. All other tensors that it reads or writes keep their addresses from call
                to call, and nothing in it waits for the device.
            kind: Identifies the function. A new kind, or a new shape of an input, is recorded anew.
            inputs: Copied to where the graph reads them.

        Returns:
            The function's result; it is valid until the next call.

        Raises:
            TrainingError: The function cannot be recorded.
        """
        key = (kind, *(tensor.shape for tensor in inputs))
        if key != self._key:
            self.reset()
            self._key = key
        if self._calls < _WARM_UP:
            self._calls += 1
            return self._run_plain(work, inputs)
        if self._graph is None:
            self._record(work, inputs)
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._graph.replay()
        return self._outputs

    def _run_plain(self, work: Work, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Run on a side stream, as recording requires of earlier runs."""
        self._stream = self._stream or torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            outputs = work(*inputs)
        torch.cuda.current_stream().wait_stream(self._stream)
        return outputs

    def _record(self, work: Work, inputs: tuple[Tensor, ...]) -> None:
        graph = torch.cuda.CUDAGraph()
        self._inputs = tuple(tensor.clone() for tensor in inputs)
        try:
            with torch.cuda.graph(graph):
                self._outputs = work(*self._inputs)
        except RuntimeError as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise TrainingError(
                f"a step cannot be recorded as a CUDA graph ({reason}); train with --set cuda_graphs=false, "
                "or with a smaller --batch-size if memory ran out"
            ) from error
        self._graph = graph
