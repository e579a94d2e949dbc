"""Decodes images that may be damaged: finds what the decoder only warns of, and keeps that off the terminal.

    pixels, quiet = decode(encoded)     # DataError says what is wrong with it

libjpeg makes an image even of damaged data: what is missing becomes gray, and a line goes to stderr. The line
belongs to no thread, so a child process decodes the image, and returns its pixels if nothing was written. This
file, run as a program, is the child. A child that crashes takes nothing else with it.
"""

from __future__ import annotations

import atexit
import io
import os
import subprocess
import sys
from contextlib import suppress
from typing import cast

import numpy as np
import numpy.typing as npt

from cgan_runtime.errors import DataError

Image = npt.NDArray[np.uint8]

_HEAD = 8  # bytes of the length that comes before each image
_NO_IMAGE = "not an image that can be decoded"
_idle: list[subprocess.Popen[bytes]] = []  # children that wait; each thread takes one or starts one


def decode(encoded: bytes) -> tuple[Image, bool]:
    """Decode an image, uint8 RGB (H, W, 3).

    Returns:
        The image, and whether the decoder wrote nothing: it may then be decoded anywhere.

    Raises:
        DataError: It is damaged, or no image; the message says in one line how.
        OSError: No process can be started.
    """
    for again in (False, True):  # a child that somebody killed says nothing about the image; all may have been
        child = _idle.pop() if _idle and not again else _start()
        try:
            height, width, quiet, damage = _ask(child, encoded)
            pixels = np.empty((height, width, 3), np.uint8)
            if cast(io.BufferedReader, child.stdout).readinto(pixels.data) < pixels.nbytes:
                raise EOFError
        except (OSError, EOFError):
            _end(child)
            continue
        _idle.append(child)
        if damage:
            raise DataError(damage)
        return pixels, bool(quiet)
    raise DataError("the decoder crashes")


def _start() -> subprocess.Popen[bytes]:
    """Start a child, in a session of its own: Ctrl-C is not for it."""
    command = [sys.executable, os.path.abspath(__file__)]  # noqa: PTH100 (the child loads no pathlib)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True)


def _ask(child: subprocess.Popen[bytes], encoded: bytes) -> tuple[int, int, int, str]:
    """Send an image to a child; height, width, whether it was quiet, and damage. Without that, pixels follow."""
    assert child.stdin
    assert child.stdout
    child.stdin.write(len(encoded).to_bytes(_HEAD, "big"))
    child.stdin.write(encoded)
    child.stdin.flush()
    line = child.stdout.readline().decode()
    if not line:
        raise EOFError
    height, width, quiet, damage = line.rstrip("\n").split(" ", 3)
    return int(height), int(width), int(quiet), damage


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with suppress(OSError), child:  # what it has not read is lost
        pass


@atexit.register
def _end_all() -> None:
    while _idle:
        _end(_idle.pop())


def _serve() -> None:
    """Decode images from stdin, each after its length, and answer each, until stdin ends."""
    messages, stderr = os.pipe()
    for end in (messages, stderr):
        os.set_blocking(end, False)  # nobody waits: too many messages are dropped
    os.dup2(stderr, sys.__stderr__.fileno() if sys.__stderr__ else 2)
    out = sys.stdout.buffer
    while head := sys.stdin.buffer.read(_HEAD):
        encoded = sys.stdin.buffer.read(int.from_bytes(head, "big"))
        image, lines = _decode_here(encoded, messages)
        jpeg = encoded.startswith(b"\xff\xd8")  # PNG and TIFF have warnings that do not concern the pixels
        damage = [line for line in lines if jpeg or "error" in line.lower()]
        if image is None or damage:
            out.write(f"0 0 0 {damage[0] if damage else _NO_IMAGE}\n".encode())
        else:
            out.write(f"{image.shape[0]} {image.shape[1]} {int(not lines)} \n".encode())
            out.write(image.data)
        out.flush()


def _decode_here(encoded: bytes, messages: int) -> tuple[Image | None, list[str]]:
    """An image, if it can be decoded, and what the decoder wrote."""
    import cv2

    rgb = None
    with suppress(cv2.error):
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        rgb = None if image is None else np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)
    try:
        return rgb, os.read(messages, 65536).decode(errors="replace").splitlines()
    except BlockingIOError:
        return rgb, []


if __name__ == "__main__":
    _serve()
