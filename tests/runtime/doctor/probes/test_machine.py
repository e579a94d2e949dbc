"""Python, processor, memory, disk and cache: of this machine, and of others by what their systems report."""

from __future__ import annotations

import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding
from cgan_runtime.doctor.probes import machine

Usage = namedtuple("Usage", "total used free")


def named(name: str) -> Finding:
    return next(finding for finding in machine.findings() if finding.name == name)


def test_this_machine() -> None:
    found = list(machine.findings())
    assert [finding.name for finding in found] == ["Python", "Processor", "Memory", "Disk", "Cache"]
    assert found[0].state == OK


def test_instructions_of_the_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: A Processor\nflags\t\t: sse avx2 avx512f amx_bf16\n")
    monkeypatch.setattr(machine, "_CPUINFO", cpuinfo)
    found = named("Processor")
    assert found.figures["instructions"] == ["AVX2", "AVX-512", "AMX BF16"]
    assert found.text.startswith("A Processor, ")


def test_an_old_processor_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("model name\t: Old\nflags\t\t: sse sse2\n")
    monkeypatch.setattr(machine, "_CPUINFO", cpuinfo)
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    assert (named("Processor").state, named("Processor").text[-7:]) == (PROBLEM, "no AVX2")


def test_memory_is_what_the_container_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meminfo, limit, unlimited = tmp_path / "meminfo", tmp_path / "max", tmp_path / "unlimited"
    meminfo.write_text("MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:    8000000 kB\n")
    limit.write_text("1000000000\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(machine, "_MEMINFO", meminfo)
    monkeypatch.setattr(machine, "_LIMITS", (unlimited,))
    assert machine.memory() == (16_384_000_000, 8_192_000_000)
    assert named("Memory").text == "8.2 GB of 16.4 GB free"
    monkeypatch.setattr(machine, "_LIMITS", (limit,))
    assert machine.memory() == (1_000_000_000, 1_000_000_000)
    assert named("Memory").state == PROBLEM


def test_a_full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(10**12, 10**12, 10**8))
    found = named("Disk")
    assert (found.state, found.text) == (PROBLEM, "0.1 GB free here, 0.1 GB for temporary files")
    assert found.advice.startswith("Free some space in ")


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "access", lambda _path, _mode: False)
    assert named("Disk").state == MISSING
    assert "give -o" in named("Disk").text
    assert (named("Cache").state, "XDG_CACHE_HOME" in named("Cache").advice) == (PROBLEM, True)


def test_what_the_cache_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(machine, "cache_folder", lambda: tmp_path / "cgan")
    assert named("Cache").text == f"{tmp_path / 'cgan'}, empty"
    (tmp_path / "cgan" / "engines").mkdir(parents=True)
    (tmp_path / "cgan" / "engines" / "a.engine").write_bytes(bytes(2_500_000))
    assert named("Cache").text.endswith("2.5 MB in 1 file")
