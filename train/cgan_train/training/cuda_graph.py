"""A training step recorded once as a CUDA graph and replayed: a GPU is then not kept waiting for Python.

    replay = Replay()
    losses = replay(train, "gan", (lightness, truth))    # train(lightness, truth) -> losses by name

A step of a small network is hundreds of short kernels, and launching them takes longer than they run. A graph
launches all of them at once (https://docs.pytorch.org/docs/stable/notes/cuda.html#cuda-graphs). It computes
just what was recorded: on the same addresses, with the learning rates that lie in tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import torch
from torch import Tensor

from cgan_runtime.errors import TrainingError

Work = Callable[..., dict[str, Tensor]]

_WARM_UP = 3  # steps by themselves first: they make what the optimizers keep, and choose convolutions


class Replay:
    """Does some work on tensors of a CUDA device: the first times as it is, then by replaying it.

    One kind of work is held at a time, since its graph keeps memory of its own.
    """

    def __init__(self) -> None:
        self._stream: Any = None
        self.forget()

    def forget(self) -> None:
        """Record anew: what the work reads or changes lies elsewhere now."""
        self._key: Hashable = None
        self._done = 0
        self._graph: Any = None
        self._inputs: tuple[Tensor, ...] = ()
        self._outputs: dict[str, Tensor] = {}

    def __call__(self, work: Work, kind: Hashable, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Do the work.

        Args:
            work: Takes the inputs. All else that it reads and changes stays where it is from call to call,
                and nothing in it waits for the device.
            kind: Tells one work from another.
            inputs: Copied to where the graph reads them.

        Returns:
            What the work returned; it holds until the next call.

        Raises:
            TrainingError: The work cannot be recorded.
        """
        key = (kind, *(tensor.shape for tensor in inputs))
        if key != self._key:
            self.forget()
            self._key = key
        if self._done < _WARM_UP:
            self._done += 1
            return self._aside(work, inputs)
        if self._graph is None:
            self._record(work, inputs)
        for ours, given in zip(self._inputs, inputs, strict=True):
            ours.copy_(given)
        self._graph.replay()
        return self._outputs

    def _aside(self, work: Work, inputs: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """On a stream of its own, as what will be recorded needs to have run."""
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
                "or with a smaller --batch-size where it is memory"
            ) from error
        self._graph = graph
