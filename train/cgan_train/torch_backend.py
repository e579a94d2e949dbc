"""The PyTorch model as a back end: the reference that every other is measured against.

    with TorchBackend(load_checkpoint(path), threads=2) as backend: ...

Eager mode, float32, contiguous tensors, `torch.inference_mode`: what a person gets who loads the checkpoint
and calls it.
"""

from __future__ import annotations

import torch

from cgan_runtime.backends.base import Arrays, Backend
from cgan_runtime.manifest import Manifest, Tensor
from cgan_train.checkpoint import WEIGHTS, Checkpoint
from cgan_train.models.guided import KEY_CHANNELS, MEMORY_COLUMNS

NO_OPSET = 0
"""Stands in the manifest: a checkpoint has no ONNX operator set."""


class TorchBackend(Backend):
    """A checkpoint's generator in eager PyTorch on the CPU."""

    name = "pytorch"

    def __init__(self, checkpoint: Checkpoint, *, threads: int | None = None) -> None:
        """Take a checkpoint; `threads` is PyTorch's number for the whole process until `close`."""
        self._threads_before = torch.get_num_threads()
        if threads is not None:
            torch.set_num_threads(threads)
        taken = torch.get_num_threads()
        super().__init__(_manifest(checkpoint), f"CPU, {taken} thread{'s' if taken > 1 else ''}")
        self._generator = checkpoint.generator.eval()

    def _run(self, inputs: Arrays) -> Arrays:
        tensors = [torch.from_numpy(inputs[tensor.name]) for tensor in self.manifest.inputs]
        with torch.inference_mode():
            found = self._generator(*tensors)
        outputs = found if isinstance(found, tuple) else (found,)
        return {tensor.name: each.numpy() for tensor, each in zip(self.manifest.outputs, outputs, strict=True)}

    def _release(self) -> None:
        torch.set_num_threads(self._threads_before)
        del self._generator


_INPUTS = (
    Tensor("lightness", "float32", ("n", 1, "8*h", "8*w")),
    Tensor("hints", "float32", ("n", 3, "2*h", "2*w")),
    Tensor("memory", "float32", ("n", "m", MEMORY_COLUMNS)),
)
_OUTPUTS = (
    Tensor("chroma", "float32", ("n", 2, "8*h", "8*w")),
    Tensor("keys", "float32", ("n", KEY_CHANNELS, "h", "w")),
)
"""Of a guided generator; others have the first of each alone."""


def _manifest(checkpoint: Checkpoint) -> Manifest:
    guided = checkpoint.generator.guided
    return Manifest(
        name=checkpoint.recipe,
        file=WEIGHTS,
        sha256=checkpoint.sha256,
        precision="fp32",
        weights="fp32",
        opset=NO_OPSET,
        size=checkpoint.config.size,
        size_multiple=checkpoint.generator.size_multiple,
        inputs=_INPUTS if guided else _INPUTS[:1],
        outputs=_OUTPUTS if guided else _OUTPUTS[:1],
        recipe=checkpoint.recipe,
        checkpoint_sha256=checkpoint.sha256,
        metrics=checkpoint.metrics,
    )
