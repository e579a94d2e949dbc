"""A Ray cluster: joined if there is one, else started for this machine alone.

with joined("ray://head:10001"): ...    # everything that was started has ended after the block
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import ray
from ray._private.node import Node
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cgan_runtime.batch.scratch import PREFIX, claim
from cgan_runtime.console import one_line
from cgan_runtime.errors import ConfigError
from cgan_runtime.options.batch import AUTO, BatchOptions
from cgan_runtime.system.exit_codes import SIGNAL_EXIT
from cgan_runtime.system.signals import TERMINATING, handle_signals

ANSWER_SECONDS = 10.0  # time for a cluster to answer at all
_STORE_BYTES = 80_000_000  # of the object store of a Ray that is started here: tasks are small
_CLIENT = "ray://"
_REFUSED = "authentication token"
_PING = """
import logging, os, sys
from ray.util.client import worker
logging.getLogger(worker.__name__).setLevel(logging.DEBUG)  # else it does not say why it is refused
worker.DataClient = lambda *_: os._exit(0)  # it answers; more would start a process there
worker.Worker(sys.argv[1], connection_retries=1)
"""


def room(batch: BatchOptions) -> int:
    """Number of workers that the cluster has room for; a ConfigError if no machine has room for one."""
    fitting = 0
    for has in (node["Resources"] for node in nodes()):
        fits = int(has.get("CPU", 0) / batch.cpus_per_task)
        if batch.gpus_per_task:
            fits = min(fits, int(has.get("GPU", 0) / batch.gpus_per_task))
        fitting += fits
    if not fitting:
        need = f"{batch.cpus_per_task} CPUs and {batch.gpus_per_task:g} GPUs"
        raise ConfigError(
            f"no machine of the cluster has {need} for a worker; lower --cpus-per-task or --gpus-per-task, "
            "or give --jobs if machines will come when they are needed"
        )
    return fitting


@contextmanager
def joined(address: str) -> Iterator[bool]:
    """Join a cluster, or start one of this machine alone; yields whether it was started.

    A ConfigError says that no cluster can be joined at this address.
    """
    quietly: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    own = None
    if address == AUTO and not _answers(AUTO):
        own = str(claim(Path(tempfile.mkdtemp(prefix=f"{PREFIX}ray-"))))
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # else Ray puts one into ~/.ray
        quietly |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES, "_temp_dir": own}
    elif address != AUTO and not _answers(address):
        raise ConfigError(
            f"no Ray cluster answers at {address} within {ANSWER_SECONDS:g} s; is it running there? "
            "`ray start --head` starts one"
        )
    try:
        with _without_api_server() if own else nullcontext():
            _join("local" if own else address, quietly)
        with _exit_codes_of_signals():
            yield own is not None
    finally:
        ray.shutdown()
        if own:
            shutil.rmtree(own, ignore_errors=True)


@contextmanager
def _without_api_server() -> Iterator[None]:
    """Let Ray start no API server, which asks in which cloud it runs even with usage statistics off.

    Without a dashboard it serves nothing but these statistics.
    """
    started = getattr(Node, "start_api_server", None)
    setattr(Node, "start_api_server", lambda *_, **__: None)  # noqa: B010 (mypy: a method)
    try:
        yield
    finally:
        setattr(Node, "start_api_server", started)  # noqa: B010


@contextmanager
def _exit_codes_of_signals() -> Iterator[None]:
    """Let a signal exit with its usual code, since Ray turns any code into 1."""
    came: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> NoReturn:
        came.append(number)
        raise SystemExit

    try:
        with handle_signals(leave, TERMINATING):
            yield
    except SystemExit:
        if came:
            raise SystemExit(SIGNAL_EXIT + came[0]) from None
        raise


def _join(address: str, settings: dict[str, Any]) -> None:
    """Join a cluster, and remove the handler for SIGTERM that Ray sets.

    A process that the cluster starts for a client may die of a race in gRPC (ray-project/ray#63202), so there
    is a second try.
    """
    handler = signal.getsignal(signal.SIGTERM)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ray.init(address, **settings)
            except ConnectionAbortedError:
                ray.init(address, **settings)
    except SystemExit:  # by that handler
        raise SystemExit(SIGNAL_EXIT + signal.SIGTERM) from None
    except Exception as error:  # Ray raises bare ones too
        raise ConfigError(f"cannot join the Ray cluster at {address} ({one_line(str(error))})") from error
    finally:
        signal.signal(signal.SIGTERM, handler)


def _answers(address: str) -> bool:
    """Whether a cluster answers; a process of its own asks, since Ray itself waits much longer.

    A ConfigError says that it asks for a token, or that the address is malformed.
    """
    host = address.removeprefix(_CLIENT).partition("/")[0]
    if address != AUTO and not _listens(host):
        return False
    if address.startswith(_CLIENT):
        command = [sys.executable, "-c", _PING, host]
    else:
        command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check"]
        command += [] if address == AUTO else ["--address", address]
    try:
        done = subprocess.run(command, capture_output=True, timeout=ANSWER_SECONDS, check=False, text=True)
    except subprocess.TimeoutExpired:
        return False
    if _REFUSED not in done.stderr.lower():
        return done.returncode == 0
    if address == AUTO:
        return True  # Ray takes this machine's token for it, but not for an address
    raise ConfigError(
        f"the Ray cluster at {address} asks for a token; set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to its "
        "token where that is not in ~/.ray/auth_token"
    )


def _listens(host: str) -> bool:
    """Whether anything listens at HOST:PORT."""
    name, _, port = host.rpartition(":")
    if not name or not port.isdigit():
        raise ConfigError(f"--cluster {host} is no address; give HOST:PORT or ray://HOST:PORT")
    try:
        socket.create_connection((name, int(port)), ANSWER_SECONDS / 2).close()
    except OSError:
        return False
    return True


def remove_scratch(scratch: str) -> None:
    """Remove the temporary folders of killed workers on all machines."""

    def remove() -> None:
        shutil.rmtree(Path(tempfile.gettempdir()) / scratch, ignore_errors=True)

    with suppress(Exception):  # whatever Ray raises: the cluster may be gone
        remover = ray.remote(num_cpus=0)(remove)
        machines = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=True) for node in nodes()]
        removed = [remover.options(scheduling_strategy=machine).remote() for machine in machines]
        ray.wait(removed, num_returns=len(removed), timeout=ANSWER_SECONDS)


def nodes() -> list[dict[str, Any]]:
    """The machines of the cluster."""
    every: Any = ray.nodes
    return [node for node in every() if node["Alive"]]
