"""The description of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cgan_benchmarks.machine.describe import (
    BackgroundLoad,
    cpu_name,
    describe_machine,
    device_memory_mb,
    gpu_states,
    load_warning,
)
from cgan_runtime.system.cpu import usable_cores

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/stat")
WORK = "import time\nwhile time.process_time() < 0.6: pass\nprint('done', flush=True)\ninput()"


def test_the_machine_is_described_in_json_values() -> None:
    found = describe_machine(3, 0.25)
    assert found["threads"] == 3
    assert found["others"] == 0.25
    assert found["cores"] == usable_cores() >= 1
    assert found["cpu"] == cpu_name() != ""
    assert found["versions"].keys() >= {"python", "torch", "onnx", "onnxruntime", "openvino"}


@LINUX
def test_work_of_another_process_is_seen() -> None:
    began, load = time.perf_counter(), BackgroundLoad()
    with subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        share = load.share()  # while it runs: a child that has ended counts as this process's own
        passed = time.perf_counter() - began
        other.communicate(b"\n")
    assert share is not None
    assert share >= 0.5 / (passed * (os.cpu_count() or 1))


@LINUX
def test_own_work_is_not_that_of_others() -> None:
    began, used = time.perf_counter(), time.process_time()
    load = BackgroundLoad()
    while time.process_time() - used < 0.5:
        pass
    share = load.share()
    assert share is not None
    assert share <= 1 - 0.45 / ((time.perf_counter() - began) * usable_cores())


@pytest.mark.parametrize(("share", "words"), [(None, ""), (0.0, ""), (0.04, ""), (0.37, "37%")])
def test_a_busy_machine_is_reported_and_a_quiet_one_is_not(share: float | None, words: str) -> None:
    sentence = load_warning(share)
    assert words in sentence
    assert bool(sentence) == bool(words)


@LINUX
@pytest.mark.parametrize(
    ("script", "states", "memory"),
    [
        (
            'case "$1" in *name*) echo "Some GPU, 560.1, P0, 1980 MHz, 1980 MHz, 2619 MHz, 90 W, 700 W, '
            '40";; *) echo 1000;; esac',
            ["name Some GPU, driver_version 560.1, pstate P0, clocks.sm 1980 MHz, clocks.max.sm 1980 MHz, "
             "clocks.mem 2619 MHz, power.draw 90 W, power.limit 700 W, temperature.gpu 40"],
            pytest.approx(1048.576),
        ),
        ("echo no devices were found >&2; exit 6", [], None),
        ("echo '[Not Supported]'", ["name [Not Supported]"], None),
    ],
    ids=["a-gpu", "no-gpu", "a-gpu-that-reports-little"],
)  # fmt: skip
def test_gpus_are_read_from_nvidia_smi(
    script: str, states: list[str], memory: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert gpu_states() == states
    assert device_memory_mb() == memory
