"""A window on the screen through OpenCV: the image, text over it, the line between gray and color, keys.

    check_screen("cgan-run --serve")
    with Window("cgan") as window:
        window.show(frame.bgr(), ["12 frames/s"])
        for key in window.keys(): ...

The mouse drags the line: `window.split` is the fraction of the width that is gray.
"""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import cv2

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.image.text import draw_text

SPLIT_STEP = 0.05  # of the width, for each key press

_PROBE = "import cv2; cv2.namedWindow('cgan'); cv2.waitKey(1)"
_PROBE_SECONDS = 20
_MAX_SIZE = (1280, 800)  # pixels, of a new window
_MIN_WIDTH = 480  # pixels, so that text fits; thermal cameras deliver 80 or 160
_LINE_COLOR = (245, 245, 245)  # BGR
_KEY_BITS = 0xFF
_MAX_KEYS = 8  # read per image


def check_screen(alternative: str) -> None:
    """Make sure that a window can be opened; without a screen, OpenCV would end the process.

    The MediaError suggests `alternative`, a command that works without a screen.
    """
    silence_qt_fonts()
    works = False
    if lacks_windows():
        raise MediaError(
            f"this OpenCV opens no windows; cgan-doctor --fix prints the command that adds them, or use a browser: "
            f"{alternative}"
        )
    if has_display():
        command = [sys.executable, "-c", _PROBE]
        with suppress(subprocess.TimeoutExpired):
            works = not subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS).returncode
    if not works:
        raise MediaError(f"there is no screen for a window; use a browser instead: {alternative}")


def has_display() -> bool:
    """Whether this process may find a screen."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))


def lacks_windows() -> bool:
    """Whether there may be a screen, but this OpenCV was built without windows ("headless")."""
    return has_display() and re.search(r"GUI:\s+NONE", cv2.getBuildInformation()) is not None


def silence_qt_fonts() -> None:
    """Stop OpenCV's Qt from warning about a font folder that its wheel names but does not contain.

    Other warnings stay on: when the screen disappears, Qt prints the reason and ends the process.
    """
    folder = os.environ.get("QT_QPA_FONTDIR")
    if folder is None or not Path(folder).is_dir():
        os.environ["QT_QPA_FONTDIR"] = str(Path(cv2.__file__).parent)


def use_x11_of_the_system() -> None:
    """Give OpenCV's Qt the libX11-xcb that belongs to the libX11 of this machine.

    OpenCV's wheel brings a libX11-xcb of its own, but no libX11, and the layout of what the two share has changed
    between their versions. Its XSetEventQueueOwner then has no effect, so that Xlib, too, takes events. When it takes
    the one that says that the window is on the screen, Qt never paints, and the window stays black. The first
    library that defines a function wins.
    """
    if sys.platform == "linux":
        with suppress(OSError):  # not installed, so that OpenCV's own is used
            ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)


class Window:
    """One window, used only by the thread that opened it."""

    def __init__(self, title: str, *, split: float = 0.0) -> None:
        """Prepare; the first image opens the window."""
        silence_qt_fonts()
        use_x11_of_the_system()
        self.split = split  # fraction of the width that is gray, 0 to 1
        self._title = title
        self._width = 0  # of the image as shown; 0: not open

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # runs the event loop, which closes it

    @property
    def open(self) -> bool:
        """Whether it is on the screen: false before the first image and after the user closed it."""
        return bool(self._width and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)

    def show(self, image: Plane, lines: Sequence[str] = ()) -> None:
        """Show an image, uint8 (H, W, 3) in BGR; text lines and the split line are drawn into it."""
        image = enlarge_small(image)
        height, width = image.shape[:2]
        if not self._width:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            scale = min(1.0, _MAX_SIZE[0] / width, _MAX_SIZE[1] / height)
            cv2.resizeWindow(self._title, round(width * scale), round(height * scale))
            cv2.setMouseCallback(self._title, self._on_mouse)
        self._width = width
        draw_split(image, self.split)
        draw_text(image, lines)
        cv2.imshow(self._title, image)

    def toggle_full_screen(self) -> None:
        """Fill the screen, or go back to a window of the size before."""
        if self._width:
            full = cv2.getWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN) == cv2.WINDOW_FULLSCREEN
            mode = cv2.WINDOW_NORMAL if full else cv2.WINDOW_FULLSCREEN
            cv2.setWindowProperty(self._title, cv2.WND_PROP_FULLSCREEN, mode)

    def keys(self, wait_ms: int = 1) -> Iterator[str]:
        """Process window events and yield the pressed keys; wait up to `wait_ms` for the first."""
        for _ in range(_MAX_KEYS):
            code = cv2.waitKey(wait_ms)
            if code < 0:
                return
            yield chr(code & _KEY_BITS)
            wait_ms = 1

    def _on_mouse(self, event: int, x: int, _y: int, flags: int, _param: object) -> None:
        dragged = event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON
        if event == cv2.EVENT_LBUTTONDOWN or dragged:
            self.split = min(max(x / self._width, 0.0), 1.0)


def enlarge_small(image: Plane) -> Plane:
    """Enlarge an image by a whole factor until text over it is readable."""
    factor = -(-_MIN_WIDTH // image.shape[1])
    return image if factor == 1 else cv2.resize(image, None, fx=factor, fy=factor)


def draw_split(image: Plane, split: float) -> None:
    """Draw the line between gray and color into an image, unless one side is empty."""
    height, width = image.shape[:2]
    x = round(split * width)
    if 0 < x < width:
        thickness = max(1, width // 640)
        cv2.line(image, (x, 0), (x, height), _LINE_COLOR, thickness, cv2.LINE_AA)
        cv2.circle(image, (x, height // 2), 6 * thickness, _LINE_COLOR, -1, cv2.LINE_AA)
