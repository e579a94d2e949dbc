"""What the server counts, in Prometheus' text format.

    metrics = Metrics(inference, cameras, uploads)               # counts from now on
    body = metrics.text()

Names follow Prometheus' rules: base units, `_total` for counters. docs/how-to/service.md lists them.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client import disable_created_metrics as _disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

from cgan_runtime.live.capture.camera import CameraStatus
from cgan_runtime.live.server.control import Cameras
from cgan_runtime.live.server.frame_sources import CameraSource, DeliverCallback, JpegFrame
from cgan_runtime.live.server.inference_thread import InferenceThread
from cgan_runtime.live.server.service.limits import LimitedSite
from cgan_runtime.live.server.uploads import Uploads
from cgan_runtime.live.sinks.stream_output import StreamOutput

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0)  # seconds
BROWSER = "browser"
"""The name of all browsers' own cameras: each of them would be a series for ever."""

_disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series and say only when we began


class Metrics:
    """All that is told. Any thread may count; `text` may be called at any time."""

    def __init__(self, inference: InferenceThread, cameras: Cameras, uploads: Uploads) -> None:
        """Take what is asked when the metrics are. All that the server's cameras color is counted."""
        self.site: LimitedSite | None = None  # set when it was opened
        self._inference, self._cameras, self._uploads = inference, cameras, uploads
        self._registry = registry = CollectorRegistry()
        self._colored = Counter("cgan_frames_colored", "Frames colored.", ["camera"], registry=registry)
        self._failed = Counter("cgan_frame_errors", "Frames that could not be colored.", ["camera"], registry=registry)
        self._work = Histogram(
            "cgan_color_seconds", "Time to color a frame and to encode it for the page.", ["camera"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self._delay = Histogram(
            "cgan_frame_delay_seconds", "Time from when a frame was captured to when it was colored.", ["camera"],
            buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        self._shown = Histogram(
            "cgan_shown_delay_seconds", "Time from when a frame was captured to when a page said that it shows it.",
            ["camera"], buckets=BUCKETS, registry=registry,
        )  # fmt: skip
        ProcessCollector(registry=registry)
        registry.register(self)
        for hub in cameras.hubs.values():
            self._watch(hub.title, hub.camera)
            hub.on_shown = self._shown.labels(hub.title).observe
        cameras.on_add = partial(self._watch, BROWSER)

    def _watch(self, camera: str, source: CameraSource) -> None:
        """Count what a camera delivers; before its first frame is colored."""
        deliver: DeliverCallback = source.deliver
        colored, failed = self._colored.labels(camera), self._failed.labels(camera)
        work, delay = self._work.labels(camera), self._delay.labels(camera)

        def counted(item: JpegFrame | str) -> None:
            if isinstance(item, JpegFrame):
                colored.inc()
                work.observe(item.color_ms / 1000)
                delay.observe(time.perf_counter() - item.captured_at)
            else:
                failed.inc()
            deliver(item)

        source.deliver = counted

    def text(self) -> bytes:
        """All metrics, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """What is not counted here but asked. For the registry."""
        yield from self._of_cameras()
        yield from self._of_outputs()
        info = self._inference.info
        backend = {"backend": info.backend, "device": info.device, "model": info.model}
        yield InfoMetricFamily("cgan_backend", "What colors the frames.", value=backend)
        yield _gauge(
            "cgan_inference_up", "Whether the thread that colors runs and is not stuck.", self._inference.healthy
        )
        yield _gauge("cgan_browser_cameras", "Browsers that send their own camera.", len(self._cameras.browsers))
        yield _gauge("cgan_uploads_waiting", "Files that wait, or are being colored.", self._uploads.waiting)
        outcomes = CounterMetricFamily("cgan_uploads", "Files that were colored, or were not.", labels=["outcome"])
        for outcome, count in self._uploads.outcomes.items():
            outcomes.add_metric([outcome], count)
        yield outcomes
        yield _gauge("cgan_threads", "Threads of the process that Python knows.", threading.active_count())
        if self.site is not None:
            yield _gauge("cgan_connections", "Connections that are open.", self.site.connections)
            yield _gauge("cgan_tls_handshakes", "TLS handshakes that are not finished.", self.site.handshakes)
            refused = CounterMetricFamily("cgan_connections_refused", "Connections above a limit.", labels=["limit"])
            for limit, count in self.site.refused.items():
                refused.add_metric([limit], count)
            yield refused

    def _of_cameras(self) -> Iterable[Metric]:
        on = GaugeMetricFamily(
            "cgan_camera_on", "Whether the camera is turned on: watched, recorded or sent out.", labels=["camera"]
        )
        up = GaugeMetricFamily("cgan_camera_up", "Whether the camera delivers frames.", labels=["camera"])
        viewers = GaugeMetricFamily("cgan_viewers", "Pages that watch the camera.", labels=["camera"])
        read = CounterMetricFamily("cgan_frames_read", "Frames read from the camera.", labels=["camera"])
        dropped = CounterMetricFamily(
            "cgan_frames_dropped",
            "Frames not colored: a newer one came first (busy), or they were above the rate (rate).",
            labels=["camera", "reason"],
        )
        reconnects = CounterMetricFamily(
            "cgan_camera_reconnects", "Times the camera was opened again after it was lost.", labels=["camera"]
        )
        sent = CounterMetricFamily("cgan_frames_sent", "Frames sent to pages.", labels=["camera"])
        for hub in self._cameras.hubs.values():
            name, counts = hub.title, hub.camera.total
            status = hub.camera.state.status
            on.add_metric([name], status is not CameraStatus.OFF)
            up.add_metric([name], status is CameraStatus.LIVE)
            viewers.add_metric([name], len(hub.viewers))
            read.add_metric([name], counts.read)
            dropped.add_metric([name, "busy"], counts.dropped)
            dropped.add_metric([name, "rate"], hub.camera.above_rate)
            reconnects.add_metric([name], counts.reconnects)
            sent.add_metric([name], hub.sent)
        return on, up, viewers, read, dropped, reconnects, sent

    def _of_outputs(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("cgan_rtsp_out_up", "Whether the RTSP server takes the stream.", labels=["camera"])
        sent = CounterMetricFamily("cgan_rtsp_out_frames", "Frames sent to the RTSP server.", labels=["camera"])
        dropped = CounterMetricFamily(
            "cgan_rtsp_out_dropped", "Frames not sent: it was slow or away.", labels=["camera"]
        )
        made = CounterMetricFamily("cgan_rtsp_out_connections", "Times it was connected to.", labels=["camera"])
        outputs = [
            (hub.title, sink)
            for hub in self._cameras.hubs.values()
            for sink in tuple(hub.camera.sinks)
            if isinstance(sink, StreamOutput)
        ]
        for name, output in outputs:
            up.add_metric([name], output.state.connected)
            sent.add_metric([name], output.counts.sent)
            dropped.add_metric([name], output.counts.dropped)
            made.add_metric([name], output.counts.connections)
        return up, sent, dropped, made


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
