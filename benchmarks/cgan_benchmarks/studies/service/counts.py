"""What a soak test counts, and whether that is as it must be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

CAMERAS = ("front", "back")
MAX_GROWTH = 0.02  # of memory and of threads, from the second sample window to the last
_KEPT_SECONDS = 15.0  # between the samples that are stored
_WINDOWS = 10  # samples of memory are put into so many; the median of each counts
_WARM_UP = 0.2  # share of the time until buffers and caches have their sizes
_ON_THEIR_WAY = 3  # frames: one waits, one is being colored, one came while the metrics were made
_PLAYED_SLACK = 0.05  # share of frames on their way when a connection breaks


@dataclass(frozen=True)
class SoakSettings:
    """How long, and how hard."""

    seconds: float = 600.0
    viewers: int = 50  # every other one stalls
    rate: int = 25  # frames/s of each camera
    size: tuple[int, int] = (320, 240)  # of the cameras' pictures
    network: int = 64  # --size of the server
    drop_every: float = 20.0  # seconds between losses of a camera


@dataclass
class Sample:
    """The process at one moment."""

    seconds: float
    memory: float  # bytes
    threads: int
    descriptors: float
    viewers: float


@dataclass
class Soak:
    """What was measured and counted."""

    settings: SoakSettings
    samples: list[Sample] = field(default_factory=list)
    received: dict[str, int] = field(default_factory=dict)  # frames that viewers got, by camera
    disconnected: int = 0  # times that a stalled viewer was
    sent: dict[str, int] = field(default_factory=dict)  # frames that cameras sent
    losses: dict[str, int] = field(default_factory=dict)  # of each camera, while the server played it
    plays: dict[str, int] = field(default_factory=dict)  # how often each camera was connected to
    played: int = 0  # frames of the colored stream that a player got
    metrics: dict[str, float] = field(default_factory=dict)  # at the end, by name and labels

    def growth(self, what: str) -> float:
        """By what share memory or threads rose from after the warm-up to the end."""
        calm = [sample for sample in self.samples if sample.seconds >= _WARM_UP * self.settings.seconds]
        part = max(1, len(calm) // _WINDOWS)
        first, last = (_median([getattr(sample, what) for sample in side]) for side in (calm[:part], calm[-part:]))
        return last / first - 1

    def failures(self) -> list[str]:
        """What is not as it must be; empty if all is well."""
        grown = {what: self.growth(what) for what in ("memory", "threads")}
        return [f"{what} grew by {by:.1%}" for what, by in grown.items() if by > MAX_GROWTH] + self.miscounts()

    def miscounts(self) -> list[str]:
        """Where metrics differ from what was counted outside; empty if nowhere."""
        found = [wrong for camera in CAMERAS for wrong in self._miscounts_of(camera)]
        sent = self._of("cgan_rtsp_out_frames_total", CAMERAS[0])
        if not (1 - _PLAYED_SLACK) * sent - 2 * self.settings.rate <= self.played <= sent or not self.played:
            found.append(f"{self.played} frames of the colored stream played, {sent:.0f} sent")
        return found

    def _miscounts_of(self, camera: str) -> Iterator[str]:
        read, colored = self._of("cgan_frames_read_total", camera), self._of("cgan_frames_colored_total", camera)
        dropped = self._of("cgan_frames_dropped_total", camera)
        if not 0 <= read - colored - dropped <= _ON_THEIR_WAY:
            yield f"{camera}: {read:.0f} frames read, but {colored:.0f} colored and {dropped:.0f} dropped"
        if not 0 < read <= self.sent[camera]:
            yield f"{camera}: {read:.0f} frames read of {self.sent[camera]} sent"
        told, got = self._of("cgan_frames_sent_total", camera), self.received[camera]
        if not 0 < got <= told <= got + self._in_flight():
            yield f"{camera}: {told:.0f} frames sent to viewers, who got {got}"
        again = self._of("cgan_camera_reconnects_total", camera)
        if not min(self.losses[camera], 1) <= again < self.plays[camera]:  # a connection may break before it is one
            yield f"{camera}: {self.plays[camera]} connections, {again:.0f} reconnects"
        delays = self._of("cgan_frame_delay_seconds_count", camera)
        if delays != colored:
            yield f"{camera}: {delays:.0f} delays of {colored:.0f} frames"

    def _in_flight(self) -> int:
        """Frames that were sent to viewers who left before they read them."""
        return 2 * (self.disconnected + self.settings.viewers)

    def _of(self, name: str, camera: str) -> float:
        mark = f'camera="{camera}"'
        return sum(value for key, value in self.metrics.items() if key.startswith(name + "{") and mark in key)

    def summary(self) -> dict[str, Any]:
        """What is kept of a run, for JSON: few of the samples, and of the metrics all but histograms' parts."""
        every = max(1, round(len(self.samples) * _KEPT_SECONDS / self.settings.seconds))
        metrics = {name: value for name, value in self.metrics.items() if "_bucket{" not in name}
        return {
            "settings": asdict(self.settings), "samples": [asdict(sample) for sample in self.samples[::every]],
            "memory_growth": self.growth("memory"), "thread_growth": self.growth("threads"),
            "losses": self.losses, "plays": self.plays, "disconnected": self.disconnected, "sent": self.sent,
            "received": self.received, "played": self.played, "metrics": metrics, "failures": self.failures(),
        }  # fmt: skip


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
