"""Runs `cgan-run --webcam` and `--serve`: opens what the options name, shows it, closes it."""

from __future__ import annotations

import shlex
from contextlib import ExitStack

# OpenCV before PyAV: both ship parts of libxcb, and a window never opens when PyAV's are loaded first.
from cgan_runtime.live.window.window import Window, check_screen

# isort: split
from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.capture.devices import list_devices
from cgan_runtime.live.capture.feeds import is_file
from cgan_runtime.live.force_exit import force_exit_on_hang
from cgan_runtime.live.frame_colorizer import FrameColorizer
from cgan_runtime.live.setup import choices, feed_opener, finish_recording, open_recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.window.session import WindowSession, summary_text
from cgan_runtime.options.live import LiveOptions
from cgan_runtime.options.run import RunOptions


def run_live(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Show a camera in a window, or on a web page with `--serve`.

    CganError is raised when a camera, screen, file or library is missing or cannot be used.
    """
    if live.serve is None:
        _run_window(options, live, console)
        return
    try:
        from cgan_runtime.live.server.serve import serve
    except ModuleNotFoundError as error:
        raise ConfigError(f"--serve needs {error.name}; install it with: pip install 'cgan[live]'") from error
    serve(options, live, console)


def list_cameras(console: Console) -> None:
    """Print the cameras of this machine, one a line: device, name, sizes."""
    devices = list_devices()
    for device in devices:
        console.result(str(device))
    if not devices:
        console.result("this machine has no camera; a stream or a video can stand for one: --webcam rtsp://...")


def _run_window(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Show a camera in a window until it is closed."""
    check_screen(shlex.join(["cgan-run", "--webcam", *live.webcam, "--serve"]))
    source = choices(live)[0].source
    drop_frames = not is_file(source) or live.as_camera
    with ExitStack() as opened:
        opened.enter_context(force_exit_on_hang(console))
        virtual = opened.enter_context(VirtualCamera()) if live.virtual_camera else None
        recorder = open_recorder(options, live, console)
        if recorder is not None:
            opened.callback(recorder.close)
        camera = opened.enter_context(Camera(feed_opener(source, options, live), drop_frames=drop_frames))
        console.note(f"camera {source}: {camera.description}")
        colorizer = opened.enter_context(load_colorizer(options, console))
        console.note(f"back end: {colorizer.backend.name} on {colorizer.backend.device}")
        session = WindowSession(
            camera,
            FrameColorizer(colorizer, options.video.temporal),
            opened.enter_context(Window("cgan", split=live.split)),
            options.video.encoder,
            recorder=recorder,
            virtual=virtual,
        )
        try:
            session.run()
        finally:
            counts = camera.counts
            dropped = f"{counts.dropped} of {counts.read} frames dropped"
            reconnects = f", reconnected {counts.reconnects} times" if counts.reconnects else ""
            console.result(f"{summary_text(session.meter)}; {dropped}{reconnects}")
            if recorder is not None:
                finish_recording(recorder, console)
            for path in session.saved:
                if path.exists():  # a recording without a frame is not there
                    console.result(f"saved {path.absolute()}")
