"""Finds damage in an image that its decoder only warns of, and keeps the warnings off the terminal.

    problem = find_damage(encoded)      # "" if the image decodes without a complaint

libjpeg makes an image even of damaged data: what is missing becomes gray, and a line goes to stderr. The line
belongs to no thread, so a child process decodes the image first and returns what was written. This file, run
as a program, is the child. A child that crashes takes nothing else with it.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys

_HEAD = 8  # bytes of the length that comes before each image
_idle: list[subprocess.Popen[bytes]] = []  # children that wait; each thread takes one or starts one


def find_damage(encoded: bytes) -> str:
    """Say in one line what is wrong with an encoded image; empty if nothing is.

    Raises:
        OSError: No process can be started.
    """
    for _ in range(2):  # a child that somebody killed says nothing about the image
        child = _idle.pop() if _idle else _start()
        assert child.stdin
        assert child.stdout
        try:
            child.stdin.write(len(encoded).to_bytes(_HEAD, "big") + encoded)
            child.stdin.flush()
            answer = child.stdout.readline()
        except OSError:
            answer = b""
        if answer:
            _idle.append(child)
            return answer.decode().strip()
        _end(child)
    return "the decoder crashes"


def _start() -> subprocess.Popen[bytes]:
    """Start a child, in a session of its own: Ctrl-C is not for it."""
    command = [sys.executable, os.path.abspath(__file__)]  # noqa: PTH100 (the child loads no pathlib)
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, start_new_session=True)


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    with child:
        pass


@atexit.register
def _end_all() -> None:
    while _idle:
        _end(_idle.pop())


def _serve() -> None:
    """Decode images from stdin, each after its length, and answer each with a line, until stdin ends."""
    import cv2
    import numpy as np

    messages, stderr = os.pipe()
    for end in (messages, stderr):
        os.set_blocking(end, False)  # nobody waits: too many messages are dropped
    os.dup2(stderr, sys.__stderr__.fileno() if sys.__stderr__ else 2)
    while head := sys.stdin.buffer.read(_HEAD):
        encoded = sys.stdin.buffer.read(int.from_bytes(head, "big"))
        try:
            image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        except cv2.error:
            image = None
        try:
            lines = os.read(messages, 65536).decode(errors="replace").splitlines()
        except BlockingIOError:
            lines = []
        jpeg = encoded.startswith(b"\xff\xd8")  # PNG and TIFF have warnings that do not concern the pixels
        damage = [line for line in lines if jpeg or "error" in line.lower()]
        answer = "not an image that can be decoded" if image is None else (damage or [""])[0]
        sys.stdout.buffer.write(answer.encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
