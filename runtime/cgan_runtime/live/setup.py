"""What the window and the web page both open from the options: the camera and the recorder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cgan_runtime.console import Console
from cgan_runtime.live.capture.feeds import Feed, open_feed
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions


def open_recorder(options: RunOptions, live: LiveOptions) -> Recorder | None:
    """Open the recorder of `--record`; None without that option."""
    if live.record is None:
        return None
    return Recorder(live.record, options.video.encoder, overwrite=options.files.overwrite)


def feed_opener(live: LiveOptions) -> Callable[[], Feed]:
    """Return the function that opens the camera of `--webcam`; `Camera` calls it again to reconnect."""
    return partial(open_feed, live.webcam or DEFAULT_CAMERA, live.camera_size, live.camera_rate)


def finish_recording(recorder: Recorder, console: Console) -> None:
    """Close the recorder and report what it recorded."""
    recorder.close()
    if recorder.failure:
        console.warn(recorder.failure)
    elif recorder.frames:
        dropped = f", {recorder.dropped} dropped because the encoder was too slow" if recorder.dropped else ""
        console.result(f"{recorder.path}: {recorder.frames} frames recorded{dropped}")
    else:
        console.result(f"{recorder.path}: nothing was recorded")
