"""BatchNorm in training: statistics of the whole batch over all processes, and statistics measured anew.

network = sync_batch_norms(network, world)
statistics = recalibrate(generator, weights, lambda: generator.predict(lightness))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from cgan_train.training.distributed import World

_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
BatchNorm = nn.BatchNorm2d | nn.SyncBatchNorm


def batch_norms(network: nn.Module) -> list[BatchNorm]:
    """All BatchNorm layers of a network."""
    return [part for part in network.modules() if isinstance(part, BatchNorm)]


@torch.no_grad()
def recalibrate(network: nn.Module, weights: Mapping[str, Tensor], run: Callable[[], object]) -> dict[str, Tensor]:
    """Measure running statistics anew, as means over the batches that `run` feeds to the network.

    The paper's published code normalizes by the statistics of the batch at test time too. A model that colors
    one image at a time needs fixed ones; these fit the weights better than those gathered in training.

    The statistics are for `weights`. The network gets them and keeps all else; frozen layers keep theirs too.
    Returns them by name. If `run` raises an error, the network is as it was.
    """
    before = {k: v.clone() for k, v in network.state_dict().items()}
    network.load_state_dict(weights)
    norms = [norm for norm in batch_norms(network) if norm.weight.requires_grad]
    momenta = [norm.momentum for norm in norms]
    training = network.training
    network.eval()  # no dropout
    for norm in norms:
        norm.train()
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over all batches
    measured: dict[str, Tensor] = {}
    try:
        run()
        measured = {k: v.clone() for k, v in network.state_dict().items() if k.endswith(_STATISTICS)}
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        network.load_state_dict(before | measured)
        network.train(training)
    return measured


def sync_batch_norms(module: nn.Module, world: World) -> Any:
    """Let each BatchNorm of a network use the statistics of the whole batch, not of this process's part."""
    if world.size == 1:
        return module
    if world.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.__class__ = CpuSyncBatchNorm2d  # the same state, another forward
    return module


class CpuSyncBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm over the batches of all processes; PyTorch has it for GPUs only."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        exact = x.float()
        mean = _mean(exact.mean(dim=(0, 2, 3)))
        centered = exact - mean[:, None, None]
        variance = _mean(centered.square().mean(dim=(0, 2, 3)))
        self._track(mean.detach(), variance.detach(), x.numel() // x.shape[1] * dist.get_world_size())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centered * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Update the running statistics as PyTorch's own BatchNorm does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * count / max(count - 1, 1), weight)


def _mean(value: Tensor) -> Tensor:
    """Mean over the processes, with a gradient."""
    result: Tensor = _Mean.apply(value)  # type: ignore[no-untyped-call]
    return result


class _Mean(torch.autograd.Function):
    """The gradient is a mean too, since the processes' losses are averaged."""

    @staticmethod
    def forward(_: Any, value: Tensor) -> Tensor:
        """Mean over the processes."""
        total = value.clone()
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(_: Any, gradient: Tensor) -> Tensor:
        """Mean of the gradients."""
        return _Mean.forward(None, gradient.contiguous())
