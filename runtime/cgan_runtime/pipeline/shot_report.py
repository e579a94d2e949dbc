"""How sure the memory of a guide was of each shot.

report = ShotReport(plan, kept_frames)
report.add(number, prediction)
report.shots(frames)
"""

from __future__ import annotations

from bisect import bisect_right

from cgan_runtime.colorizer import Prediction
from cgan_runtime.guide.plan import GuidePlan
from cgan_runtime.guide.shots import ShotFinder
from cgan_runtime.pipeline.results import Shot


class ShotReport:
    """Collects how much the frames of each shot were like the memory."""

    def __init__(self, plan: GuidePlan | None, kept_frames: int) -> None:
        self._plan, self._kept = plan, kept_frames
        self._finder = ShotFinder() if plan is not None and not plan.starts else None
        self._sums: dict[int, tuple[float, int]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What of the guide was left out, one sentence each."""
        return () if self._plan is None else self._plan.notes

    def add(self, number: int, prediction: Prediction) -> None:
        """Note a frame that was colored."""
        if self._plan is None:
            return
        starts = self._plan.starts
        if self._finder is not None:  # nobody looked for shots before
            self._finder.add(prediction.lightness)
            starts = tuple(self._kept + start for start in self._finder.starts)
        if prediction.similarity is not None:
            start = starts[bisect_right(starts, number) - 1]
            total, count = self._sums.get(start, (0.0, 0))
            self._sums[start] = total + prediction.similarity, count + 1

    def shots(self, frames: int) -> tuple[Shot, ...]:
        """All shots of a video of so many frames; none without a guide."""
        if self._plan is None:
            return ()
        starts = list(self._plan.starts)
        if self._finder is not None:
            starts = [self._kept + start for start in self._finder.finish()]
        found = []
        for start, end in zip(starts, [*starts[1:], frames], strict=True):
            total, count = self._sums.get(start, (0.0, 0))
            keys = self._plan.keys_in(range(start, end))
            found.append(Shot(start, end - start, tuple(keys), round(total / count, 3) if count else None))
        return tuple(found)
