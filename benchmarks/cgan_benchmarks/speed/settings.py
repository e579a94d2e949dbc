"""TODO."""

from __future__ import annotations

from dataclasses import dataclass, field

from cgan_benchmarks.speed.timing import Plan

SINGLE_STREAM, OFFLINE, STARTUP, VIDEO = "single-stream", "offline", "startup", "video"


@dataclass(frozen=True)
class Settings:
    """What to measure, and how.

    Attributes:
        scenario: `single-stream` (one image after another, as of a camera), `offline` (as many as go, as of
            a video archive), or `startup`.
        size: Height and width; None for the checkpoint's own.
        batches: Images in a run; each is measured by itself.
        threads: CPU threads of every engine.
        backends: Names from the registry and `pytorch`; None for all that work here.
        precisions: What a subject may compute in; None for all.
        plan: How long.
    """

    scenario: str = SINGLE_STREAM
    size: tuple[int, int] | None = None
    batches: tuple[int, ...] = (1,)
    threads: int = 2
    backends: tuple[str, ...] | None = None
    precisions: tuple[str, ...] | None = None
    plan: Plan = field(default_factory=Plan)


FLIGHTS = 2  # processes of each subject, of those that take turns
