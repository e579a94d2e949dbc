"""Examines the machine: each probe in a process of its own, with a time limit.

findings = examine(print)

A native library that crashes, or a camera that never answers, ends its own process only. What its probe had found
until then is kept.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from cgan_runtime.backends.registry import BACKENDS
from cgan_runtime.doctor.finding import OK, PROBLEM, Finding
from cgan_runtime.doctor.probes import backends, machine

MODULE = "cgan_runtime.doctor.probes"
_MOST = 200  # characters of what a process said last


@dataclass(frozen=True)
class Probe:
    """A probe that runs in a process of its own: `python -m cgan_runtime.doctor.probes NAME`."""

    name: str
    title: str  # what it looks at, for people
    group: str  # of the finding that tells a crash
    seconds: float = 60


PROBES = (
    Probe("libraries", "libraries", "System"),
    Probe("gpu", "GPU", "Back ends"),
    *(Probe(f"backend:{name}", f"back end {name}", "Back ends", 1800 if entry.builds else 120)
      for name, entry in BACKENDS.items()),
    Probe("codecs", "encoders and decoders", "Video", 120),
    Probe("camera", "cameras", "Live", 30),
    Probe("screen", "screen", "Live"),
    Probe("virtual-camera", "virtual camera", "Live", 30),
    Probe("page", "web page", "Live"),
    Probe("ray", "Ray", "Archives"),
)  # fmt: skip


def examine(report: Callable[[str], object]) -> list[Finding]:
    """Examine the machine. `report` is called with what is looked at next.

    Returns:
        The findings, those of a group one after the other. Where a library that all needs cannot be loaded, nothing
        else is tried.
    """
    findings = [*machine.findings()]
    for probe in PROBES:
        report(probe.title)
        findings += run_probe(probe)
        if any(finding.figures.get("loads") is False for finding in findings):  # all else would fail for this reason
            return findings
    tried = [finding for finding in findings if finding.name in BACKENDS]
    if not any(finding.state == OK for finding in tried):
        findings.append(backends.nothing_works(tried))
    groups = list(dict.fromkeys(finding.group for finding in findings))
    return sorted(findings, key=lambda finding: groups.index(finding.group))


def run_probe(probe: Probe) -> Iterator[Finding]:
    """Run a probe in a process of its own; a crash or a hang becomes a finding."""
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE, probe.name], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace",
    )  # fmt: skip
    ended = True
    try:
        output, errors = process.communicate(timeout=probe.seconds)
    except subprocess.TimeoutExpired:
        ended = False
        process.kill()
        output, errors = process.communicate()
    finally:
        process.kill()
    for line in output.splitlines():  # a library may print lines of its own
        with suppress(ValueError, TypeError, KeyError):
            yield Finding.from_json(json.loads(line))
    if not ended:
        why = f"gave no answer within {probe.seconds:g} s"
    elif process.returncode < 0:
        why = f"crashed ({_signal_name(-process.returncode)})"
    elif process.returncode:
        said = errors.strip().splitlines() or [f"exit code {process.returncode}"]
        why = f"failed ({said[-1][:_MOST]})"
    else:
        return
    name = probe.name.rpartition(":")[2]
    yield Finding(
        probe.group, name, PROBLEM, why,
        "Its library may be of another version, or built for another processor, or damaged: install cgan again.",
    )  # fmt: skip


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
