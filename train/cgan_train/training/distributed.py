"""Training one model in several processes, on one machine or many, with the results of a single process.

    torchrun --nproc-per-node 4 --no-python cgan-train --data photos/ --out runs/edge

    world = join()                        # one of torchrun's processes, or a single one
    average_gradients(parameters, world)  # between backward and the optimizer's step
    leave(world)

Every process takes its part of each batch. Gradients are averaged before every step, so all processes keep
the same weights, and BatchNorm uses the statistics of the whole batch (`batch_norm`). DistributedDataParallel
is not used, since a step of a GAN passes through each network twice.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor, nn

from cgan_runtime.errors import ConfigError


@dataclass(frozen=True)
class World:
    """This process among those that train together.

    Attributes:
        rank: Number of this process.
        size: Number of processes.
        device: What it computes on.
        local_size: Number of processes on this machine.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    local_size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and messages."""
        return self.rank == 0


def join() -> World:
    """Join the other processes that torchrun started; without torchrun there is this one alone.

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
    # Loaded by an optimizer later, defaults of its functions would keep the group alive after `leave`.
    importlib.import_module("torch.distributed.nn.functional")
    dist.init_process_group("nccl" if gpus else "gloo")
    return World(dist.get_rank(), size, device, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def leave(world: World) -> None:
    """Leave the group and end its threads.

    A thread that outlives the group may free a tensor while the interpreter ends, which aborts the process.
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


def average(values: Tensor, world: World) -> Tensor:
    """The mean of each value over the processes."""
    if world.size > 1:
        dist.all_reduce(values)
        values = values / world.size
    return values


def broadcast_weights(module: nn.Module, world: World) -> None:
    """Give every process the weights of the main one."""
    if world.size > 1:
        for tensor in module.state_dict().values():
            dist.broadcast(tensor, 0)


def any_process(flag: bool, world: World) -> bool:
    """Whether the flag is true in at least one process."""
    if world.size == 1:
        return flag
    tensor = torch.tensor(float(flag), device=world.device)
    dist.all_reduce(tensor, dist.ReduceOp.MAX)
    return bool(tensor)


def merge(own: dict[int, str], world: World) -> dict[int, str]:
    """The union of all processes' dictionaries."""
    if world.size == 1:
        return own
    parts: list[dict[int, str]] = [{}] * world.size
    dist.all_gather_object(parts, own)
    return {key: value for part in parts for key, value in part.items()}


def barrier(world: World) -> None:
    """Wait until every process is here."""
    if world.size > 1:
        dist.barrier()
