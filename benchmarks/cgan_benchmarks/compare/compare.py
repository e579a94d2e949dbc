"""Two results of `cgan-bench`: what got slower or faster beyond noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cgan_benchmarks.render.tables import is_reference
from cgan_benchmarks.results.document import Document
from cgan_benchmarks.results.intervals import Interval, apart
from cgan_benchmarks.results.noise import MUCH_LOAD, load_of, width_of
from cgan_runtime.errors import ConfigError

_VIDEO = "video"
_SAME = ("scenario", "recipe", "size")
_SAME_MACHINE = ("cpu", "cores", "system")
Key = tuple[str, str, int]
Rows = Mapping[Key, Document]
"""Rows by model, back end and batch."""


@dataclass(frozen=True)
class Change:
    """The change of one row."""

    model: str
    backend: str
    batch: int
    old: float  # milliseconds, or speed relative to PyTorch
    new: float
    slower: float  # new time by old time: 1.1 is ten percent slower
    interval: Interval  # of that ratio

    @property
    def verdict(self) -> str:
        """`slower` or `faster` where the interval does not contain 1, else `no difference`."""
        low, high = self.interval
        return "slower" if low > 1 else "faster" if high < 1 else "no difference"

    def fails(self, allowed: float) -> bool:
        """Whether it is slower beyond noise, by more than that fraction."""
        return self.verdict == "slower" and self.slower > 1 + allowed


@dataclass(frozen=True)
class Comparison:
    """All changes, the rows that only the old (`gone`) or the new result (`come`) has, and `differences`."""

    changes: tuple[Change, ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]
    differences: tuple[str, ...]
    noise: tuple[str, ...] = ()  # why some changes, or all, cannot be judged


def compare(old: Document, new: Document, *, relative: bool = False) -> Comparison:
    """Compare the rows that two results share; with `relative`, their speed relative to PyTorch.

    Raises ConfigError where they were measured in different ways, or share no row.
    """
    if _VIDEO in (old["scenario"], new["scenario"]):
        raise ConfigError("results of --scenario video have no rows to compare; measure models, without it")
    _check_alike(old, new, relative)
    before, after = ({(row["model"], row["backend"], row["batch"]): row for row in each["rows"]} for each in (old, new))
    shared = [key for key in before if key in after and not (relative and is_reference(before[key]))]
    if not shared:
        raise ConfigError("the two results have no row in common; measure the same models and back ends")
    return Comparison(
        tuple(_change(before[key], after[key], relative) for key in shared),
        tuple(" ".join(map(str, key)) for key in before if key not in after),
        tuple(" ".join(map(str, key)) for key in after if key not in before),
        differences(old, new),
        tuple(_noise(old, new, before, after, shared, relative)),
    )


def _noise(
    old: Document, new: Document, before: Rows, after: Rows, shared: Sequence[Key], relative: bool
) -> Iterator[str]:
    for which, document in (("old", old), ("new", new)):
        if load := load_of(document):
            yield f"while the {which} result was measured, {load}"
    figure, interval = ("speedup", "speedup_interval") if relative else ("p50_ms", "p50_interval_ms")
    for key in shared:
        for row in (before[key], after[key]):
            if width := width_of(row[figure], row[interval]):
                yield f"{row['model']} / {row['backend']}: {width}"
                break


def differences(old: Document, new: Document) -> tuple[str, ...]:
    """What else differs between two results, which times may come from: weights, versions, machine, load."""
    before, after = _circumstances(old), _circumstances(new)
    found = [
        f"{what}: {before.get(what, 'unknown')} and {after.get(what, 'unknown')}"
        for what in dict.fromkeys([*before, *after])
        if before.get(what) != after.get(what)
    ]
    shares = [each["machine"].get("others") for each in (old, new)]
    known = [share for share in shares if isinstance(share, int | float)]
    if len(known) == len(shares) and abs(known[0] - known[1]) >= MUCH_LOAD:
        found.append(f"load of other programs: {known[0]:.0%} and {known[1]:.0%} of the processor")
    return tuple(found)


def _circumstances(document: Document) -> dict[str, str]:
    machine = document["machine"]
    versions, gpus = machine.get("versions"), machine.get("gpus")
    known = {
        "weights": str(document.get("checkpoint_sha256"))[:12],
        "cgan": document.get("version"),
        **(versions if isinstance(versions, dict) else {}),
        **{what: machine[what] for what in _SAME_MACHINE},
        "governor": machine.get("governor"),
    }
    if isinstance(gpus, list):
        known["GPU"] = "; ".join(", ".join(str(gpu).split(", ")[:2]) for gpu in gpus)  # name and driver
    return {what: str(value) for what, value in known.items() if value not in (None, "", "None")}


def _change(old: dict[str, Any], new: dict[str, Any], relative: bool) -> Change:
    key, interval = ("speedup", "speedup_interval") if relative else ("p50_ms", "p50_interval_ms")
    over, under = (old, new) if relative else (new, old)  # the lower ratio to PyTorch is the slower
    slower, bounds = apart(over[key], over[interval], under[key], under[interval])
    return Change(new["model"], new["backend"], new["batch"], old[key], new[key], slower, bounds)


def _check_alike(old: Document, new: Document, relative: bool) -> None:
    for what in _SAME:
        if old[what] != new[what]:
            raise ConfigError(f"the results are of different {what} ({old[what]} and {new[what]}); measure both alike")
    machines = old["machine"], new["machine"]
    one, other = (machine["threads"] for machine in machines)
    if one != other:
        raise ConfigError(f"the results are of {one} and {other} threads; measure both alike")
    for what in () if relative else _SAME_MACHINE:
        one, other = (machine[what] for machine in machines)
        if one != other:
            raise ConfigError(
                f"the results are of different {what} ({one} and {other}); measure on one machine, or give "
                "--relative to compare times PyTorch"
            )
