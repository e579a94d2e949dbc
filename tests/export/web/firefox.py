"""Headless Firefox, driven by WebDriver BiDi (https://w3c.github.io/webdriver-bidi), which it speaks without a driver.

    with firefox(tmp_path) as page:
        page.goto("http://localhost:8000")
        page.set_input_files("#file", photo)

The methods are named as those of Playwright, which drives other builds of Firefox only.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

_PREFERENCES = {
    "media.navigator.streams.fake": True,  # a camera that shows colored bars
    "media.navigator.permission.disabled": True,
    "remote.active-protocols": 1,  # WebDriver BiDi
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.download.folderList": 2,  # the folder that is named here, without a question
    "browser.download.useDownloadDir": True,
}
_LISTENING = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
_EVENTS = ["network.beforeRequestSent", "log.entryAdded"]
_PATIENCE = 60.0  # seconds that an answer may take
_LOOK = 0.05  # seconds between two looks
_LONGEST = 400.0  # seconds that a page may take to do something


class FirefoxPage:
    """The one page of a Firefox, with all that it has asked for and complained about."""

    def __init__(self, address: str) -> None:
        self.requests: list[str] = []
        self.errors: list[str] = []
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._loop = asyncio.new_event_loop()  # in a thread, for a test may have another loop
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._run(self._connect(address))
        self._send("session.new", capabilities={})
        self._send("session.subscribe", events=_EVENTS)
        self._context = self._send("browsingContext.getTree")["contexts"][0]["context"]

    def goto(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self._send("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, function: str, argument: Any = None) -> Any:
        """What a JavaScript function answers, which may be a promise; all values pass as JSON."""
        code = f"async (argument) => JSON.stringify((await ({function})(JSON.parse(argument))) ?? null)"
        text = {"type": "string", "value": json.dumps(argument)}
        return json.loads(self._call(code, [text])["value"])

    def wait_for_function(self, function: str) -> None:
        """Wait until a JavaScript function answers yes. Errors do not count at first: the page may be loading."""
        end = time.monotonic() + _LONGEST
        while True:
            try:
                if self.evaluate(f"async () => Boolean(await ({function})())"):
                    return
            except (AssertionError, RuntimeError):
                if time.monotonic() > end:
                    raise
            assert time.monotonic() < end, f"it takes too long: {function}"
            time.sleep(_LOOK)

    def set_input_files(self, selector: str, path: Path) -> None:
        """Choose a file as a person would."""
        found = self._call(f"() => document.querySelector({json.dumps(selector)})", [])
        element = {"sharedId": found["sharedId"]}
        self._send("input.setFiles", context=self._context, element=element, files=[str(path.resolve())])

    def close(self) -> None:
        """End the session; the browser goes on."""
        self._run(self._disconnect())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, function: str, arguments: Sequence[Any]) -> Any:
        answer = self._send(
            "script.callFunction", functionDeclaration=function, arguments=arguments, awaitPromise=True,
            target={"context": self._context}, userActivation=True,
        )  # fmt: skip
        assert answer["type"] == "success", answer["exceptionDetails"]["text"]
        return answer["result"]

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def _send(self, method: str, **parameters: Any) -> Any:
        return self._run(self._asked(method, parameters))

    async def _asked(self, method: str, parameters: dict[str, Any]) -> Any:
        number = len(self._answers)
        self._answers[number] = self._loop.create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        return await self._answers[number]

    async def _connect(self, address: str) -> None:
        self._client = aiohttp.ClientSession()
        self._socket = await self._client.ws_connect(f"{address}/session", max_msg_size=0)
        self._reader = asyncio.create_task(self._read())

    async def _disconnect(self) -> None:
        await self._socket.close()
        await self._reader
        await self._client.close()

    async def _read(self) -> None:
        async for message in self._socket:
            said = json.loads(message.data)
            if said["type"] == "event":
                self._note(said["method"], said["params"])
            elif said["type"] == "success":
                self._answers[said["id"]].set_result(said["result"])
            else:
                self._answers[said["id"]].set_exception(RuntimeError(said["message"]))

    def _note(self, kind: str, said: dict[str, Any]) -> None:
        if kind == "network.beforeRequestSent":
            self.requests.append(said["request"]["url"])
        elif said["level"] in ("error", "warn"):
            self.errors.append(said["text"])


@contextmanager
def firefox(profile: Path) -> Iterator[FirefoxPage]:
    """Start Firefox with a new profile in this folder; skips the test where there is none."""
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("no Firefox is installed")
    profile.mkdir(exist_ok=True)
    preferences = _PREFERENCES | {"browser.download.dir": str(profile)}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    with (
        (profile / "said.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.PIPE, text=True) as process,
    ):
        try:
            assert process.stderr is not None
            address = next(found[1] for line in process.stderr if (found := _LISTENING.search(line)))
            threading.Thread(target=process.stderr.read, daemon=True).start()  # or Firefox would wait for a reader
            page = FirefoxPage(address)
            try:
                yield page
            finally:
                page.close()
        finally:
            process.terminate()
