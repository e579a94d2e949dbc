"""Two processes that train together get the results of one process with the same batches."""

from __future__ import annotations

import csv
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import set_forkserver_preload
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as multiprocessing
from torch import Tensor, nn

from cgan_runtime.errors import ConfigError
from cgan_train.checkpoint import load_checkpoint, load_state
from cgan_train.cli import main
from cgan_train.training.batch_norm import sync_batch_norms
from cgan_train.training.distributed import (
    World,
    any_process,
    average,
    average_gradients,
    barrier,
    broadcast_weights,
    join,
    leave,
    merge,
)

TWO = 2
RUNS = ("one", "two")


def network() -> nn.Sequential:
    """A network with two BatchNorms, so that the second one shows errors of the first."""
    torch.manual_seed(5)
    layers = (nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.LeakyReLU(0.2), nn.Conv2d(6, 4, 3), nn.BatchNorm2d(4))
    return nn.Sequential(*layers)


def train(model: nn.Module, batches: list[Tensor], world: World) -> dict[str, Tensor]:
    """Compute gradients for some batches; return the network's state, gradients and losses."""
    losses = []
    for batch in batches:
        model.zero_grad()
        loss = (model(batch) * batch.mean(dim=(1, 2, 3), keepdim=True)).square().mean()
        loss.backward()
        average_gradients(model.parameters(), world)
        losses.append(average(loss.detach(), world))
    gradients = {f"grad {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {**model.state_dict(), **gradients, "losses": torch.stack(losses)}


def start_two(function: Callable[..., object], *arguments: object) -> None:
    """Call a function in two processes, with the rank and with a port, and wait for their end."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = str(probe.getsockname()[1])
    set_forkserver_preload(["cgan_train.run", "cgan_train.training.curves", "torch._dynamo"])  # once for both
    multiprocessing.start_processes(function, (port, *arguments), nprocs=TWO, start_method="forkserver")


def told_by_torchrun(rank: int, port: str) -> dict[str, str]:
    """The variables by which a process knows the others."""
    variables = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(TWO)}
    return variables | {"MASTER_ADDR": "localhost", "MASTER_PORT": port, "CUDA_VISIBLE_DEVICES": ""}


def one_of_two(rank: int, port: str, folder: str) -> None:
    """Run in each of two processes: collective functions, then a few batches and a step of an optimizer."""
    os.environ |= told_by_torchrun(rank, port)
    torch.set_num_threads(1)  # with more, two processes can wait for each other's cores for ever
    world = join()
    assert any_process(rank == 1, world)
    assert not any_process(False, world)
    assert merge({rank: "x", 7: "y"}, world) == {0: "x", 1: "x", 7: "y"}
    model = network()
    if rank:
        nn.init.zeros_(next(model.parameters()))
    broadcast_weights(model, world)
    model = sync_batch_norms(model, world)
    optimizer = torch.optim.Adam(model.parameters())
    batches = torch.load(f"{folder}/batches.pt")
    torch.save(train(model, [batch[rank::TWO] for batch in batches], world), f"{folder}/{rank}.pt")
    optimizer.step()  # loads much of PyTorch
    barrier(world)
    leave(world)
    names = []
    for comm in Path("/proc/self/task").glob("*/comm"):
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended meanwhile
            names.append(comm.read_text().strip())
    Path(folder, f"{rank}.txt").write_text(" ".join(name for name in names if "gloo" in name))


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that two processes wrote to: their batches, states and remaining threads."""
    folder = tmp_path_factory.mktemp("two")
    batches = [torch.randn(8, 3, 9, 9, generator=torch.Generator().manual_seed(n)) + n for n in range(3)]
    torch.save(batches, folder / "batches.pt")
    start_two(one_of_two, str(folder))
    return folder


def test_gradients_and_norms_are_those_of_the_whole_batch(two_processes: Path) -> None:
    whole = train(network(), torch.load(two_processes / "batches.pt"), World())
    for rank in range(TWO):
        found = torch.load(two_processes / f"{rank}.pt")
        assert found.keys() == whole.keys()
        for name, value in whole.items():
            torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6, msg=f"{rank} {name}")


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux names threads in /proc")
def test_leaving_ends_the_threads_of_the_group(two_processes: Path) -> None:
    """A thread of gloo that outlives the group may abort the process at its end."""
    assert [(two_processes / f"{rank}.txt").read_text() for rank in range(TWO)] == ["", ""]


def test_incomplete_variables_of_torchrun_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(ConfigError, match="torchrun did not start this"):
        join()


def logged(run: Path) -> list[dict[str, str]]:
    with (run / "log.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def one_that_trains(rank: int, port: str, words: list[str]) -> None:
    """Run `cgan-train` in each of two processes."""
    os.environ |= told_by_torchrun(rank, port)
    main(words)


@pytest.mark.slow
def test_torchrun_trains_as_one_process_does(cifar: Path, tmp_path: Path) -> None:
    settings = (
        "generator.widths=[8,8,16]", "discriminator.widths=[8,8]", "precision=fp32", "ema=0.9",
        "recalibration=2", "phases.gan.feature_weight=1.0",
    )  # fmt: skip
    begin = ["--recipe", "seed", "--epochs", "3", "--batch-size", "10", "--seed", "1"]
    for setting in settings:
        begin += ["--set", setting]
    together = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python")
    program = str(Path(sys.executable).with_name("cgan-train"))
    where = {name: ["--data", str(cifar), "--out", str(tmp_path / name), "--threads", "1"] for name in RUNS}
    with pytest.raises(SystemExit) as left:
        main([*where["one"], *begin])
    assert left.value.code == 0
    # Two processes are stopped after a step, and two that torchrun starts resume.
    start_two(one_that_trains, [*where["two"], *begin, "--minutes", "0.0001"])
    command = [sys.executable, *together, program, *where["two"], "--resume"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("done:") == 1, "only one process reports"
    one, two = (logged(tmp_path / name) for name in RUNS)
    assert len(one) == len(two) == 3
    for ours, theirs in zip(two, one, strict=True):
        for column in ("loss_pixel", "loss_G", "loss_D", "ciede2000", "chroma_ratio"):
            assert float(ours[column]) == pytest.approx(float(theirs[column]), rel=2e-3), column
    training = load_state(tmp_path / "two" / "epoch-0003")[2]
    assert training["processes"] == 2
    weights = [load_checkpoint(tmp_path / name).generator.state_dict() for name in RUNS]
    for name, value in weights[0].items():
        torch.testing.assert_close(weights[1][name], value, rtol=1e-2, atol=1e-3)
