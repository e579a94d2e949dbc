"""Recorded steps train like plain ones: on a GPU, and anywhere with a stand-in for CUDA graphs."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from cgan_runtime.errors import TrainingError
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import TrainConfig
from cgan_train.data.film import film_lightness
from cgan_train.training.cuda_graph import Replay
from cgan_train.training.distributed import World
from cgan_train.training.gan import Gan

SIDE, BATCH, STEPS, WARMING = 32, 4, 20, 5  # more steps of each kind than are made before recording


class Tape(TorchDispatchMode):
    """A stand-in for a CUDA graph: repeats the recorded operations on the same tensors.

    As with a real graph, recording changes nothing.
    """

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], Any]] = []
        self._before: list[tuple[Tensor, Tensor]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        arguments = func._schema.arguments
        given = [*zip(arguments, args, strict=False), *((a, kwargs[a.name]) for a in arguments if a.name in kwargs)]
        written = [
            value
            for argument, value in given
            if argument.alias_info and argument.alias_info.is_write and isinstance(value, Tensor)
        ]
        if func is torch.ops.aten.native_batch_norm.default:  # its schema hides that it writes the statistics
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
    phase = dataclasses.replace(config.phases[0], feature_weight=1.0, stair_steps=3)
    return dataclasses.replace(config, generator=generator, discriminator=judge, phases=(phase,), ema=0.9)


def train(gan: Gan, device: str = "cpu") -> list[dict[str, float]]:
    """Train for some steps, the first of them the discriminator alone, with a falling rate.

    In the middle, BatchNorm is measured anew, as before a checkpoint, and a state is restored.
    """
    phase = gan.config.phases[0]
    gan.enter(phase, scratch=True)
    torch.manual_seed(2)  # of dropout
    rng = torch.Generator().manual_seed(1)
    losses = []
    for number in range(STEPS):
        rgb = torch.randint(0, 256, (BATCH, 3, SIDE, SIDE), dtype=torch.uint8, generator=rng).to(device)
        if number == STEPS // 2:
            gan.recalibrate([rgb])
            gan.restore(copy.deepcopy(gan.state()), optimizers=True)
        gan.set_rate(phase, number, STEPS)
        losses.append(gan.step(phase, rgb, number=number, warming=number < WARMING))
    return losses


def weights(gan: Gan) -> list[Tensor]:
    networks = (gan.generator, gan.discriminator)
    return [*gan.average.values(), *(value for each in networks for value in each.state_dict().values())]


class Descent(torch.optim.Optimizer):
    """Gradient descent whose rate may be a tensor; Adam keeps its state in tensors only on a GPU."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.sub_(weight.grad * group["lr"])


@pytest.mark.parametrize("name", ["paper", "paper-unet"])
def test_replayed_steps_equal_plain_ones(name: str, cuda: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Gan, "_optimizer", lambda _gan, groups: Descent(groups, {"lr": 1.0}))
    plain, replayed = Gan(small(name), World()), Gan(small(name), World())
    replayed._replay = Replay()
    wanted = train(plain)
    assert train(replayed) == wanted
    for one, other in zip(weights(plain), weights(replayed), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_recording_starts_after_a_few_calls_for_each_kind(cuda: None) -> None:
    total, runs = torch.zeros(()), []

    def work(factor: float, given: Tensor) -> dict[str, Tensor]:
        runs.append(factor)
        total.add_(given.sum() * factor)
        return {"loss": given.sum() * factor}

    replay, by_two, by_three = Replay(), partial(work, 2.0), partial(work, 3.0)
    for number in range(1, 8):
        assert float(replay(by_two, "two", (torch.full((2,), float(number)),))["loss"]) == 4 * number
    assert float(total) == 4 * sum(range(1, 8))
    assert runs == [2.0] * 4  # three plain ones, and one that is recorded
    replay(by_three, "three", (torch.ones(2),))
    replay(by_three, "three", (torch.ones(5),))  # of another size
    assert runs[4:] == [3.0] * 2
    replay.reset()
    replay(by_three, "three", (torch.ones(5),))
    assert runs[4:] == [3.0] * 3


def test_failed_recording_is_one_clear_error(cuda: None) -> None:
    calls = []

    def work(given: Tensor) -> dict[str, Tensor]:
        calls.append(given)
        if len(calls) > 3:
            raise RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")
        return {"loss": given.sum()}

    replay = Replay()
    for _ in range(3):
        replay(work, "any", (torch.ones(1),))
    with pytest.raises(TrainingError, match=r"is capturing\); train with --set cuda_graphs=false"):
        replay(work, "any", (torch.ones(1),))


def test_state_of_a_gpu_is_restored_on_a_cpu() -> None:
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
def test_replayed_steps_equal_plain_ones_on_a_gpu(name: str) -> None:
    world = World(device=torch.device("cuda"))
    plain, replayed = (Gan(dataclasses.replace(small(name), cuda_graphs=on), world) for on in (False, True))
    for one, other in zip(train(plain, "cuda"), train(replayed, "cuda"), strict=True):
        assert one == pytest.approx(other, rel=1e-5)
    for first, second in zip(weights(plain), weights(replayed), strict=True):
        torch.testing.assert_close(first, second, rtol=1e-3, atol=1e-5)


@pytest.mark.gpu
def test_grain_on_the_gpu_follows_the_runs_random_state() -> None:
    rgb = torch.full((2, 3, 64, 64), 0.5, device="cuda")

    def seen(rng: torch.Generator) -> Tensor:
        return film_lightness(rgb, torch.zeros(2, 1, 64, 64, device="cuda"), 1.0, rng)

    rng = torch.Generator().manual_seed(0)
    first, second = seen(rng), seen(rng)
    assert first.abs().max() <= 1
    assert not torch.equal(first, second)
    torch.testing.assert_close(seen(torch.Generator().manual_seed(0)), first, rtol=0, atol=0)
