"""Several processes, on one machine or many, that train one model as one would.

    torchrun --nproc-per-node 4 --no-python cgan-train --data photos/ --out runs/edge

    world = join()                        # one of the processes that torchrun started, or the only one
    average_gradients(parameters, world)  # between backward and the optimizer's step
    leave(world)

Every process takes its part of each batch, and gradients are averaged before every step, so that all hold
the same weights. BatchNorm normalizes by the statistics of the whole batch. Gradients are averaged here and
not by DistributedDataParallel, since a step of a GAN passes twice through each network.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from cgan_runtime.errors import ConfigError


@dataclass(frozen=True)
class World:
    """This process among those that train together.

    Attributes:
        rank: Its number; 0 writes the files.
        size: How many there are.
        device: What it computes on.
        beside: How many of them are on this machine.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    beside: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes files and talks."""
        return self.rank == 0


def join() -> World:
    """Join the other processes that torchrun started; alone without it.

    Raises:
        ConfigError: torchrun started more processes than there are GPUs, or something else set its variables.
    """
    gpus = torch.cuda.device_count()
    torch.backends.cudnn.benchmark = bool(gpus)  # batches are of one size
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return World(device=torch.device("cuda" if gpus else "cpu"))
    if "LOCAL_RANK" not in os.environ:
        raise ConfigError(f"WORLD_SIZE is {size}, but torchrun did not start this; unset it, or use torchrun")
    local = int(os.environ["LOCAL_RANK"])
    if gpus and local >= gpus:
        raise ConfigError(f"there are {gpus} GPUs here; give torchrun --nproc-per-node {gpus}")
    device = torch.device("cuda", local) if gpus else torch.device("cpu")
    if gpus:
        torch.cuda.set_device(device)
    # Loaded later, by an optimizer, its functions' defaults would hold the group beyond `leave`.
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if gpus else "gloo")
    return World(dist.get_rank(), size, device, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def leave(world: World) -> None:
    """Part from the others, and end the threads that talked to them.

    One that lived on might let go of a tensor while the interpreter ends, which aborts the process.
    """
    if world.size > 1:
        dist.destroy_process_group()


def average_gradients(parameters: Iterable[nn.Parameter], world: World) -> None:
    """Replace each gradient by its mean over the processes."""
    if world.size == 1:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world.size
    parts = torch.split(flat, [gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


def mean_of(values: Tensor, world: World) -> Tensor:
    """The mean of each value over the processes."""
    if world.size > 1:
        dist.all_reduce(values)
        values = values / world.size
    return values


def equalize(module: nn.Module, world: World) -> None:
    """Give every process the weights of the first."""
    if world.size > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def any_of(true: bool, world: World) -> bool:
    """Whether it is true in one process at least."""
    if world.size == 1:
        return true
    flag = torch.tensor(float(true), device=world.device)
    dist.all_reduce(flag, dist.ReduceOp.MAX)
    return bool(flag)


def merged(own: dict[int, str], world: World) -> dict[int, str]:
    """What the processes know together."""
    if world.size == 1:
        return own
    parts: list[dict[int, str]] = [{}] * world.size
    dist.all_gather_object(parts, own)
    return {index: reason for part in parts for index, reason in part.items()}


def wait_for_all(world: World) -> None:
    """Go on when every process is here."""
    if world.size > 1:
        dist.barrier()


def share_norms(module: nn.Module, world: World) -> Any:
    """Let each BatchNorm of a network measure over the whole batch, not this process's part of it."""
    if world.size == 1:
        return module
    if world.device.type == "cuda":
        return nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.__class__ = SharedBatchNorm2d  # the same state, another forward
    return module


class SharedBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm over the batches of all processes, for CPUs, where PyTorch has none."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalize (N, C, H, W)."""
        if not self.training:
            return super().forward(x)
        exact = x.float()
        mean = _mean(exact.mean(dim=(0, 2, 3)))
        centerd = exact - mean[:, None, None]
        variance = _mean(centerd.square().mean(dim=(0, 2, 3)))
        self._remember(mean.detach(), variance.detach(), x.numel() // x.shape[1] * dist.get_world_size())
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centerd * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)

    @torch.no_grad()
    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> None:
        """Move the running statistics, as PyTorch's own BatchNorm does."""
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        weight = 1 / float(self.num_batches_tracked) if self.momentum is None else self.momentum
        self.running_mean.lerp_(mean, weight)
        self.running_var.lerp_(variance * count / max(count - 1, 1), weight)


def _mean(value: Tensor) -> Tensor:
    """Mean over the processes, with a way back."""
    result: Tensor = _Mean.apply(value)  # type: ignore[no-untyped-call]
    return result


class _Mean(torch.autograd.Function):
    """The way back is a mean too, since the processes' losses are averaged."""

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
