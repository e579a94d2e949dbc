"""The page of a visual Turing test: it shows the images and takes the answers.

It listens on the loopback address only. It refuses other host names and answers from other origins, so that
no foreign page can reach it.
"""

from __future__ import annotations

import json
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cgan_benchmarks.turing.trials import Answer, Score, Trial
from cgan_runtime.errors import ConfigError

_PAGE = Path(__file__).with_name("page.html")
_HOST = "127.0.0.1"
_MAX_BYTES = 1000  # of an answer
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 0.3  # for the page to fetch the score


class TuringServer:
    """A test that runs in a browser at `url`, with the `answers` so far."""

    def __init__(self, trials: Sequence[Trial], *, delay: float, port: int = 0) -> None:
        """Start to listen, or raise ConfigError; a `delay` of 0 shows a trial for as long as it takes."""
        self.answers: list[Answer] = []
        self.trials, self.delay = list(trials), delay
        self._done = threading.Event()
        self._lock = threading.Lock()
        try:
            self._http = ThreadingHTTPServer((_HOST, port), _handler_of(self))
        except OSError as error:
            raise ConfigError(f"cannot listen on port {port} ({error.strerror}); give another --port") from error
        self._http.daemon_threads = True
        self.hosts = {f"{name}:{self._http.server_port}" for name in (_HOST, "localhost")}
        self.origins = {f"http://{host}" for host in self.hosts}
        self.url = f"http://{_HOST}:{self._http.server_port}/"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return when every image has its answer."""
        while not self._done.wait(_POLL_SECONDS):  # Ctrl-C does not end an endless wait on every system
            pass
        time.sleep(_GRACE_SECONDS)

    def state(self) -> dict[str, Any]:
        """What the page shows next: the number of an image, or the score."""
        with self._lock:
            done, total = len(self.answers), len(self.trials)
            if done < total:
                return {"number": done, "total": total, "delay": self.delay}
            return {"number": None, "total": total, "score": asdict(Score.of(self.answers))}

    def take(self, number: int, said_true: bool, seconds: float) -> bool:
        """Take an answer; False if it is not for the image that is shown."""
        with self._lock:
            if number != len(self.answers) or number >= len(self.trials):
                return False
            trial = self.trials[number]
            self.answers.append(Answer(trial.photo, trial.colored, said_true, round(seconds, 3)))
            if len(self.answers) == len(self.trials):
                self._done.set()
            return True

    def close(self) -> None:
        """Stop listening."""
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> TuringServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _handler_of(server: TuringServer) -> type[BaseHTTPRequestHandler]:
    images = {str(number): trial.jpeg for number, trial in enumerate(server.trials)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].strip("/")
            if self.headers.get("Host") not in server.hosts:
                self.send_error(HTTPStatus.FORBIDDEN)
            elif name == "":
                self._send(_PAGE.read_bytes(), "text/html; charset=utf-8")
            elif name == "state":
                self._send(json.dumps(server.state()).encode(), "application/json")
            elif name in images:
                self._send(images[name], "image/jpeg")
            else:
                self.send_error(HTTPStatus.NOT_FOUND)

        def do_POST(self) -> None:
            origin = self.headers.get("Origin")  # browsers name it, other programs need not
            known = self.headers.get("Host") in server.hosts and origin in (None, *server.origins)
            if not known or self.path != "/answer":
                self.send_error(HTTPStatus.FORBIDDEN)
                return
            try:
                length = int(self.headers["Content-Length"])
                said = json.loads(self.rfile.read(length)) if 0 <= length <= _MAX_BYTES else {}
                seconds = float(said["seconds"])
                if not 0 <= seconds < math.inf:
                    raise ValueError(f"{seconds} seconds")
                taken = server.take(int(said["number"]), bool(said["true"]), seconds)
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                self.send_error(HTTPStatus.BAD_REQUEST)
                return
            if not taken:
                self.send_error(HTTPStatus.CONFLICT)
                return
            self._send(json.dumps(server.state()).encode(), "application/json")

        def _send(self, content: bytes, kind: str) -> None:
            self.send_response(HTTPStatus.OK)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Security-Policy", "default-src 'self' 'unsafe-inline'; img-src 'self' data:")
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:
            """Log nothing: the terminal is for the result."""

    return Handler
