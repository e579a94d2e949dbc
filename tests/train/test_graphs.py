"""Recorded steps train as plain ones do: on a real GPU, and anywhere on a stand-in for CUDA graphs."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from cgan_train.config import TrainConfig
from cgan_train.distributed import World
from cgan_train.gan import Gan
from cgan_train.graphs import Replay
from cgan_train.recipes import recipe

SIDE, BATCH, STEPS = 32, 4, 9


class Tape(TorchDispatchMode):
    """Stands in for a CUDA graph: runs the recorded operations again, on the tensors that they had.

    As with a real one, recording changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]] = []
        self._before: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        arguments = func._schema.arguments
        given = [
            *zip(arguments, args, strict=False),
            *((a, kwargs[a.name]) for a in arguments if a.name in kwargs),
        ]
        written = [
            value
            for argument, value in given
            if argument.alias_info and argument.alias_info.is_write and isinstance(value, Tensor)
        ]
        if func is torch.ops.aten.native_batch_norm.default:  # its schema hides that it moves the statistics
            written += [value for value in args[3:5] if value is not None]
        self._before += [(value, value.clone()) for value in written]
        out = func(*args, **kwargs)
        self._calls.append((func, args, kwargs, out))
        return out

    def undo(self) -> None:
        for tensor, before in reversed(self._before):
            tensor.detach().copy_(before)

    @torch.no_grad()
    def replay(self) -> None:
        for func, args, kwargs, out in self._calls:
            now = func(*args, **kwargs)
            outs, nows = (each if isinstance(each, list | tuple) else (each,) for each in (out, now))
            for old, new in zip(outs, nows, strict=True):
                if isinstance(old, Tensor) and old.data_ptr() != new.data_ptr():
                    old.detach().copy_(new)


class _NoStream:
    def wait_stream(self, _other: Any) -> None: ...


@contextlib.contextmanager
def _record(tape: Tape) -> Iterator[None]:
    drawn = torch.get_rng_state()
    with tape:
        yield
    tape.undo()
    torch.set_rng_state(drawn)


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Tape)
    monkeypatch.setattr(torch.cuda, "graph", _record)
    monkeypatch.setattr(torch.cuda, "Stream", _NoStream)
    monkeypatch.setattr(torch.cuda, "current_stream", _NoStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda _stream: contextlib.nullcontext())


def small(name: str) -> TrainConfig:
    config = recipe(name, batch_size=BATCH, precision="fp32")
    generator = dataclasses.replace(config.generator, widths=(8, 8, 8, 8, 8))
    judge = dataclasses.replace(config.discriminator, widths=(8, 8, 8), spectral_norm=True)
    phase = dataclasses.replace(config.phases[0], feature_weight=1.0, discriminator_warmup=2, stair_steps=3)
    return dataclasses.replace(config, generator=generator, discriminator=judge, phases=(phase,))


def train(gan: Gan, device: str = "cpu") -> list[dict[str, float]]:
    """Some steps, the first of which train the discriminator alone, with a rate that falls."""
    phase = gan.config.phases[0]
    gan.enter(phase, scratch=True)
    rng = torch.Generator().manual_seed(1)
    told = []
    for number in range(STEPS):
        rgb = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8, generator=rng)
        gan.set_rate(phase, number, STEPS)
        told.append(gan.step(phase, rgb.to(device), number=number, warming=number < 2))
    return told


def weights(gan: Gan) -> list[Tensor]:
    return [*gan.generator.state_dict().values(), *gan.discriminator.state_dict().values()]


class Descent(torch.optim.Optimizer):
    """Gradient descent whose rate may lie in a tensor; what Adam keeps in tensors it does on a GPU alone."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(weight.grad * group["lr"])


@pytest.mark.parametrize("name", ["paper", "paper-unet"])
def test_replayed_steps_are_the_plain_ones(name: str, cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gan, "_optimizer", lambda _gan, groups: Descent(groups, {"lr": 1.0}))
    plain = Gan(small(name), World())
    wanted = train(plain)
    replayed = Gan(small(name), World())  # begins with the same random state
    replayed._replay = Replay(replayed._train)
    assert train(replayed) == wanted
    for one, other in zip(weights(plain), weights(replayed), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_what_is_done_is_recorded_after_a_few_times_and_by_kind(cuda: None) -> None:
    total, runs = torch.zeros(()), []

    def work(factor: float, given: Tensor) -> dict[str, Tensor]:
        runs.append(factor)
        total.add_(given.sum() * factor)
        return {"loss": given.sum() * factor}

    replay = Replay(work)
    for number in range(1, 8):
        assert float(replay("by two", (torch.full((2,), float(number)),), 2.0)["loss"]) == 4 * number
    assert float(total) == 4 * sum(range(1, 8))
    assert runs == [2.0] * 4  # three as they are, and one that is recorded
    replay("by three", (torch.ones(2),), 3.0)
    replay("by two", (torch.ones(5),), 2.0)  # of another size
    assert runs[4:] == [3.0, 2.0]
    replay.forget()
    replay("by two", (torch.ones(2),), 2.0)
    assert len(runs) == 7


def test_a_state_of_a_gpu_goes_on_on_a_cpu() -> None:
    config = small("paper")
    there, here = Gan(config, World()), Gan(config, World())
    train(there)
    state = copy.deepcopy(there.state())
    for optimizer in state["optimizers"]:
        for group in optimizer["param_groups"]:
            group |= {"fused": True, "foreach": False, "capturable": True, "lr": torch.tensor(3e-4)}
    here.enter(config.phases[0], scratch=True)
    here.restore(state, optimizers=True)
    rgb = torch.zeros(BATCH, 3, SIDE, SIDE, dtype=torch.uint8)
    for gan in (there, here):
        gan.set_rate(config.phases[0], 0, 1)
    torch.manual_seed(0)
    wanted = there.step(config.phases[0], rgb, number=STEPS)
    torch.manual_seed(0)
    assert here.step(config.phases[0], rgb, number=STEPS) == wanted


@pytest.mark.gpu
@pytest.mark.parametrize("name", ["paper", "paper-unet"])
def test_replayed_steps_are_the_plain_ones_on_a_gpu(name: str) -> None:
    world = World(device=torch.device("cuda"))
    plain, replayed = (Gan(dataclasses.replace(small(name), cuda_graphs=on), world) for on in (False, True))
    dropout: list[nn.Module] = [m for gan in (plain, replayed) for m in gan.generator.modules()]
    for module in dropout:
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for one, other in zip(train(plain, "cuda"), train(replayed, "cuda"), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
