"""A colored camera is sent to an RTSP server, in color and at its times, and sent again after that was away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import av
import numpy as np
import pytest
from tests.runtime.live.conftest import gray_image
from tests.runtime.live.serving import until

from cgan_benchmarks.studies.service.rtsp import RtspServer
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.sinks.stream_output import OutputState, StreamOutput
from cgan_runtime.live.ycc_frame import YccFrame
from cgan_runtime.video.write.codecs import EncoderSettings

RATE = 25  # frames/s
FAST = EncoderSettings(preset="ultrafast")


def frame(index: int) -> YccFrame:
    chroma = np.full((24, 32), 128, np.uint8)
    return YccFrame(gray_image(index), chroma - 40, chroma + 60)


@contextmanager
def writing(output: StreamOutput) -> Iterator[None]:
    """Write frames all the time, as a camera does."""
    stop = threading.Event()

    def write() -> None:
        index = 0
        while not stop.wait(1 / RATE):
            output.write(frame(index), index / RATE)
            index += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        output.close()


def played(url: str, frames: int) -> list[av.VideoFrame]:
    """The first frames that a player gets."""
    with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
        return [found for found, _ in zip(container.decode(video=0), range(frames), strict=False)]


def test_players_get_the_camera_in_color_and_at_its_times() -> None:
    with RtspServer() as server:
        output = StreamOutput(server.url("door"), FAST)
        with writing(output):
            until(lambda: output.state.connected)
            found = played(server.url("door"), 6)
        assert [(each.width, each.height) for each in found] == [(64, 48)] * 6
        cb, cr = (int(np.median(found[-1].to_ndarray(format="yuv444p")[plane])) for plane in (1, 2))
        assert abs(cb - 88) < 4
        assert abs(cr - 188) < 4
        times = [each.time for each in found]
        assert np.diff(times) == pytest.approx(1 / RATE, abs=2e-3)
        assert output.counts.connections == 1


def test_a_server_that_was_away_gets_the_stream_again() -> None:
    told: list[OutputState] = []
    with RtspServer() as server:
        output = StreamOutput(server.url("door"), FAST, told.append)
        with writing(output):
            until(lambda: output.state.connected)
            server.drop("door")
            until(lambda: output.counts.connections == 2)
            assert len(played(server.url("door"), 2)) == 2
        connected = [state.connected for state in told]
        assert connected == [True, False, True]
        assert "does not take the stream" in told[1].message


def test_without_a_server_frames_are_dropped_and_nobody_waits() -> None:
    told: list[OutputState] = []
    output = StreamOutput("rtsp://user:secret@127.0.0.1:9/door", FAST, told.append)
    with writing(output):
        until(lambda: told and output.counts.dropped)
    assert not told[0].connected
    assert "rtsp://127.0.0.1:9/door does not take the stream" in told[0].message  # no password
    assert output.counts.sent == 0


def test_closing_before_the_first_frame() -> None:
    output = StreamOutput("rtsp://127.0.0.1:9/door", FAST)
    output.close()
    output.close()
    assert output.counts.connections == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StreamOutput("http://u:p@host/x", FAST), "--rtsp-out http://host/x is no address of RTSP"),
        (lambda: StreamOutput("rtsp://host/x", EncoderSettings(codec="ffv1")), "sends h264 or hevc, not ffv1"),
    ],
)
def test_what_cannot_be_sent_is_refused(make: Callable[[], StreamOutput], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()
