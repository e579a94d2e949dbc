"""PyTorch as users run it: eager, compiled, in half precision, on the CPU or a GPU."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from cgan_benchmarks.speed.subjects.subject import COMPILED, Subject
from cgan_runtime.backends.base import Arrays
from cgan_runtime.errors import BackendUnavailable
from cgan_train.checkpoint import load_checkpoint
from cgan_train.torch_backend import TorchBackend

_CPUINFO = Path("/proc/cpuinfo")  # Linux
_BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")  # the last is ARM's
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
Answer = torch.Tensor | tuple[torch.Tensor, ...]
_COMPILERS = ("g++", "clang++", "cl")


class TorchVariant(TorchBackend):
    """A checkpoint's generator in one variant. Inputs and outputs are float32 arrays on the host."""

    def __init__(self, subject: Subject, threads: int) -> None:
        """Load the checkpoint, then move, convert or compile its generator."""
        super().__init__(load_checkpoint(subject.file, subject.generator), threads=threads)
        self._device = torch.device(subject.device)
        self._dtype = _DTYPES[subject.precision]
        generator = self._generator.to(self._device, self._dtype)
        self._call = torch.compile(generator) if subject.variant == COMPILED else generator
        if subject.device == "cuda":
            self.device = f"CUDA, {torch.cuda.get_device_name()}"
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
            self._events = [torch.cuda.Event(enable_timing=True) for _ in range(2)]  # type: ignore[no-untyped-call]

    def _run(self, inputs: Arrays) -> Arrays:
        arrays = [inputs[tensor.name] for tensor in self.manifest.inputs]
        try:
            with torch.inference_mode():
                given = [torch.from_numpy(array).to(self._device, self._dtype) for array in arrays]
                found = self._call(*given) if self._device.type == "cpu" else self._on_gpu(given)
                answers = found if isinstance(found, tuple) else (found,)
                named = zip(self.manifest.outputs, answers, strict=True)
                return {tensor.name: answer.float().cpu().numpy() for tensor, answer in named}
        except RuntimeError as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise BackendUnavailable(f"PyTorch failed on {arrays[0].shape} ({reason})") from error

    def _on_gpu(self, given: list[torch.Tensor]) -> Answer:
        """Run the network between two events of the GPU's own clock."""
        began, ended = self._events
        began.record()
        answer: Answer = self._call(*given)
        ended.record()
        ended.synchronize()
        self.engine_seconds = began.elapsed_time(ended) / 1e3
        return answer

    def _release(self) -> None:
        del self._call
        super()._release()


def half_of(device: str) -> tuple[str, str]:
    """The half precision of a device, and why it is not measured there; empty where it is."""
    if device == "cuda":
        return "fp16", ""
    text = _CPUINFO.read_text(encoding="utf-8", errors="replace") if _CPUINFO.is_file() else ""
    flags = {word for line in text.splitlines() if line.startswith(("flags", "Features")) for word in line.split()}
    return "bf16", "" if flags & set(_BF16_FLAGS) else "this processor has no units for bfloat16"


def why_not_compiled(device: str) -> str:
    """Why torch.compile cannot work here; empty where it can."""
    if device == "cpu" and not any(map(shutil.which, _COMPILERS)):
        return "torch.compile needs a C++ compiler, and none is installed"
    return ""
