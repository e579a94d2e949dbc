"""A window on the screen, by OpenCV: the image, the line between gray and color, words over it, keys.

    check_screen()
    with Window("cgan") as window:
        window.show(image.bgr(), ["12 frames/s"])
        for key in window.keys(): ...

The line is dragged with the mouse: `window.split` is the share of the width that is gray.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

import cv2

from cgan_runtime.color.encoding import Plane
from cgan_runtime.errors import MediaError
from cgan_runtime.image.text import _WHITE, draw_words

SPLIT_STEP = 0.05  # of the width, for each press of a key

_PROBE = "import cv2; cv2.namedWindow('cgan'); cv2.waitKey(1)"
_PROBE_SECONDS = 20
_LARGEST = (1280, 800)  # pixels, of a window as it opens
_LEAST = 480  # pixels wide, so that words fit; thermal cameras give 80 or 160
_KEY_BITS = 0xFF
_MOST_KEYS = 8  # taken for each image


def check_screen(instead: str) -> None:
    """Make sure that a window can be opened; OpenCV would end the whole program where not.

    Args:
        instead: The command that does without.

    Raises:
        MediaError: There is no screen.
    """
    quiet_fonts()
    needs = sys.platform == "linux"
    there = not needs or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if there:
        try:
            there = not subprocess.run(
                [sys.executable, "-c", _PROBE], capture_output=True, timeout=_PROBE_SECONDS, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            there = False
    if not there:
        raise MediaError(f"there is no screen here to open a window on; see it in a browser with: {instead}")


def quiet_fonts() -> None:
    """OpenCV's Qt complains of the folder of fonts that its wheel names and lacks; nothing of ours needs any.

    Its warnings stay on: when the screen goes away, Qt says so and ends the program without asking anybody.
    """
    folder = os.environ.get("QT_QPA_FONTDIR")
    if folder is None or not Path(folder).is_dir():
        os.environ["QT_QPA_FONTDIR"] = str(Path(cv2.__file__).parent)


class Window:
    """One window. The thread that opens it does everything with it.

    Attributes:
        split: Share of the width that is gray.
    """

    def __init__(self, title: str, *, split: float = 0.0) -> None:
        """Prepare; it opens with the first image."""
        quiet_fonts()
        self.split = split
        self._title = title
        self._width = 0  # of the image as it is shown; 0: not open

    def __enter__(self) -> Window:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._width:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # lets it happen

    @property
    def open(self) -> bool:
        """Whether it is on the screen: false before the first image, and after somebody has closed it."""
        return bool(self._width and cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1)

    def show(self, image: Plane, lines: Sequence[str] = ()) -> None:
        """Put an image on the screen.

        Args:
            image: uint8 (H, W, 3), BGR. Words and the line are drawn into it.
            lines: Words for its corner.
        """
        image = large_enough(image)
        height, width = image.shape[:2]
        if not self._width:
            cv2.namedWindow(self._title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            shrink = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
            cv2.resizeWindow(self._title, round(width * shrink), round(height * shrink))
            cv2.setMouseCallback(self._title, self._moved)
        self._width = width
        draw_split(image, self.split)
        draw_words(image, lines)
        cv2.imshow(self._title, image)

    def keys(self, wait_ms: int = 1) -> Iterator[str]:
        """Let the window live, and give the keys that were pressed.

        Args:
            wait_ms: How long to wait for the first.
        """
        for _ in range(_MOST_KEYS):
            code = cv2.waitKey(wait_ms)
            if code < 0:
                return
            yield chr(code & _KEY_BITS)
            wait_ms = 1

    def _moved(self, event: int, x: int, _y: int, flags: int, _param: object) -> None:
        if event == cv2.EVENT_LBUTTONDOWN or (
            event == cv2.EVENT_MOUSEMOVE and flags & cv2.EVENT_FLAG_LBUTTON
        ):
            self.split = min(max(x / self._width, 0.0), 1.0)


def large_enough(image: Plane) -> Plane:
    """An image of so many pixels, in whole multiples, that words over it can be read."""
    times = -(-_LEAST // image.shape[1])
    return image if times == 1 else cv2.resize(image, None, fx=times, fy=times)


def draw_split(image: Plane, split: float) -> None:
    """Draw the line between gray and color into an image, where there is one to see."""
    height, width = image.shape[:2]
    x = round(split * width)
    if 0 < x < width:
        thickness = max(1, width // 640)
        cv2.line(image, (x, 0), (x, height), _WHITE, thickness, cv2.LINE_AA)
        cv2.circle(image, (x, height // 2), 6 * thickness, _WHITE, -1, cv2.LINE_AA)
