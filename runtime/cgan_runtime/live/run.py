"""What `cgan-run --webcam` and `--serve` do: open all that is asked for, show it, close it.

exit_code = run_live(options, live, console)
"""

from __future__ import annotations

import shlex
from contextlib import ExitStack
from pathlib import Path

# OpenCV before PyAV: both bring parts of libxcb, and where PyAV's come first a window never opens.
from cgan_runtime.live.window.window import Window, check_screen

# isort: split
from cgan_runtime.commands.open_model import load_colorizer
from cgan_runtime.console import Console
from cgan_runtime.errors import ConfigError
from cgan_runtime.live.capture.camera import Camera
from cgan_runtime.live.capture.feeds import is_file
from cgan_runtime.live.force_exit import leaving_promptly
from cgan_runtime.live.frame_colorizer import Painter
from cgan_runtime.live.setup import feed_opener, open_recorder, tell_what_was_recorded
from cgan_runtime.live.sinks.recorder import Recorder
from cgan_runtime.live.sinks.virtual_camera import VirtualCamera
from cgan_runtime.live.window.session import LiveFiles, Session, percentile_text
from cgan_runtime.options.live import DEFAULT_CAMERA, LiveOptions
from cgan_runtime.options.run import RunOptions
from cgan_runtime.temporal.filter import TemporalSettings

_TITLE = "cgan"


def run_window(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Show a camera in a window until it is closed.

    Raises:
        CganError: There is no such camera, no screen, or a file cannot be written.
    """
    source = live.webcam or DEFAULT_CAMERA
    check_screen(shlex.join(["cgan-run", "--webcam", source, "--serve"]))
    files = LiveFiles(Path(), options.encoder)
    drops = not is_file(source) or live.as_camera
    with ExitStack() as opened:
        opened.enter_context(leaving_promptly(console))
        virtual = opened.enter_context(VirtualCamera()) if live.virtual_camera else None
        recorder = open_recorder(options, live)
        if recorder is not None:
            opened.callback(recorder.close)
        camera = opened.enter_context(Camera(feed_opener(live), drops=drops))
        console.note(f"camera {source}: {camera.description}")
        colorizer = opened.enter_context(load_colorizer(options, console))
        backend = colorizer.backend
        console.note(f"back end: {backend.name} on {backend.device}")
        painter = Painter(colorizer, TemporalSettings(options.video.temporal, options.video.every))
        window = opened.enter_context(Window(_TITLE, split=live.split))
        session = Session(camera, painter, window, files, recorder=recorder, virtual=virtual)
        try:
            session.run()
        finally:
            tell_what_was_reached(session, camera, recorder, console)


def tell_what_was_reached(
    session: Session, camera: Camera, recorder: Recorder | None, console: Console
) -> None:
    """Say at the end how fast it was, and what was recorded."""
    counts = camera.counts
    came_back = f", opened again {counts.reconnects} times" if counts.reconnects else ""
    console.result(
        f"{percentile_text(session.meter)}; {counts.dropped} of {counts.read} frames dropped{came_back}"
    )
    if recorder is not None:
        tell_what_was_recorded(recorder, console)


def run_live(options: RunOptions, live: LiveOptions, console: Console) -> None:
    """Show a camera in a window, or on a page where one is asked for.

    Raises:
        CganError: It cannot be done.
    """
    _check(options, live)
    if live.serve is None:
        run_window(options, live, console)
        return
    try:
        from cgan_runtime.live.server.serve import serve
    except ModuleNotFoundError as error:
        raise ConfigError(f"--serve needs {error.name}; install it with: pip install 'cgan[live]'") from error
    serve(options, live, console)


def _check(options: RunOptions, live: LiveOptions) -> None:
    """Refuse what would silently do nothing."""
    if options.files.output is not None:
        raise ConfigError("-o is for videos and images; record a camera with --record")
    hosts = live.allow_host or None
    page = {"--token": live.token, "--cert": live.cert, "--key": live.key, "--allow-host": hosts}
    if live.serve is None and (given := [name for name, value in page.items() if value is not None]):
        raise ConfigError(f"{' and '.join(given)} is for the page; give it with --serve")
