"""The visual Turing test: the trials, the score, and the page in a real browser."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
import urllib.parse
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page
from tests.benchmarks.browser import chromium
from tests.fakes import FakeBackend

from cgan_benchmarks.turing.server import TuringServer
from cgan_benchmarks.turing.trials import Answer, Rate, Score, Trial, make_trials
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.errors import ConfigError, DataError
from cgan_train.data.sources import PhotoSource, open_photos
from cgan_train.evaluation.comparison_photos import BUNDLED

JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 120, np.uint8))[1].tobytes()
NO_NUMBERS = [('"x"', 1), ("1e999", 1), ("0", "NaN"), ("0", "Infinity"), ("0", -1)]
TRIALS = [Trial(f"photo{number}", number % 2 == 0, JPEG) for number in range(4)]


def test_half_of_the_photos_are_colored_and_the_order_is_the_seeds() -> None:
    with Colorizer(FakeBackend(size=64)) as colorizer:
        trials = make_trials(open_photos(BUNDLED), colorizer, count=6, seed=1)
        again = make_trials(open_photos(BUNDLED), colorizer, count=6, seed=1)
        other = make_trials(open_photos(BUNDLED), colorizer, count=6, seed=2)
    assert sum(trial.colored for trial in trials) == 3
    assert len({trial.photo for trial in trials}) == 6
    assert trials == again
    assert [trial.photo for trial in trials] != [trial.photo for trial in other]
    for trial in trials:
        shown = cv2.imdecode(np.frombuffer(trial.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert shown is not None
        assert max(shown.shape[:2]) <= 640
        truth = cv2.imread(str(BUNDLED / trial.photo), cv2.IMREAD_COLOR)
        assert truth is not None
        apart = float(np.abs(shown.astype(int) - truth.astype(int)).mean())
        assert (apart > 6) == trial.colored


def test_too_few_photos_are_no_test() -> None:
    with Colorizer(FakeBackend()) as colorizer, pytest.raises(DataError, match="two photos at least"):
        make_trials(PhotoSource([], []), colorizer, count=None, seed=0)


@pytest.mark.parametrize(
    ("count", "of", "low", "high"), [(0, 10, 0.0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1.0), (0, 0, 0.0, 1.0)]
)
def test_intervals_are_wilsons(count: int, of: int, low: float, high: float) -> None:
    found = Rate.wilson(count, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_the_score_counts_colored_and_true_ones_apart() -> None:
    said = [(True, True), (True, False), (True, True), (False, True), (False, False)]
    score = Score.of([Answer("x", colored, said_true, 1.0) for colored, said_true in said])
    assert (score.fooled.count, score.fooled.of) == (2, 3)
    assert (score.recognized.count, score.recognized.of) == (1, 2)


def ask(server: TuringServer, method: str, path: str, body: str | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", urllib.parse.urlparse(server.url).port or 0)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    content = reply.status, reply.read()
    connection.close()
    return content


def test_only_the_next_image_is_answered_and_strangers_are_refused() -> None:
    with TuringServer(TRIALS, delay=1) as server:
        good = json.dumps({"number": 0, "true": True, "seconds": 0.5})
        assert ask(server, "GET", "/state", Host="evil.example")[0] == 403
        assert ask(server, "POST", "/answer", good, Host="evil.example")[0] == 403
        assert ask(server, "GET", "/9")[0] == ask(server, "GET", "/page.html")[0] == 404
        assert ask(server, "GET", "/0") == (200, JPEG)
        assert ask(server, "GET", f"/{'1' * 5000}")[0] == 404
        assert ask(server, "POST", "/answer", good, Origin="http://evil.example")[0] == 403
        assert ask(server, "POST", "/answer", good, Origin="null")[0] == 403
        numbers = (f'{{"number": {number}, "true": 1, "seconds": {seconds}}}' for number, seconds in NO_NUMBERS)
        for bad in ("{", "[]", "{}", "[" * 1000, *numbers):
            assert ask(server, "POST", "/answer", bad)[0] == 400
        for length in ("-1", "1001", "many"):
            assert ask(server, "POST", "/answer", good, **{"Content-Length": length})[0] == 400
        assert ask(server, "POST", "/answer", good.replace("0,", "2,"))[0] == 409
        assert server.answers == []
        assert ask(server, "POST", "/answer", good, Origin=server.url.rstrip("/"))[0] == 200
        assert ask(server, "POST", "/answer", good)[0] == 409  # twice is once
        assert server.answers == [Answer("photo0", True, True, 0.5)]
        with pytest.raises(ConfigError, match="cannot listen on port"):
            TuringServer(TRIALS, delay=1, port=urllib.parse.urlparse(server.url).port or 0)


def answered(page: Page, server: TuringServer, count: int) -> None:
    deadline = time.monotonic() + 20
    while len(server.answers) < count and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    assert len(server.answers) == count


def test_a_person_with_a_keyboard_takes_the_test() -> None:
    with chromium() as browser, TuringServer(TRIALS, delay=0.4) as server:
        page = browser.new_page(viewport={"width": 390, "height": 800})
        heard: list[str] = []
        page.on("console", lambda message: heard.append(message.text))
        page.on("request", lambda request: heard.append(urllib.parse.urlparse(request.url).netloc))
        page.goto(server.url)
        assert "4 photographs, one at a time, each for 0.4 seconds" in page.inner_text("#rules")
        assert page.get_by_role("button", name="True").is_disabled()
        page.keyboard.press("ArrowLeft")  # nothing is shown yet
        page.keyboard.press("Enter")
        image = page.locator("#image")
        image.wait_for(state="visible")
        image.wait_for(state="hidden")  # its time is over, an answer still wanted
        assert page.inner_text("#count") == "1 of 4"
        page.keyboard.press("ArrowLeft")
        answered(page, server, 1)
        for number, key in enumerate(("c", "t", "ArrowRight"), start=1):
            page.get_by_text(f"{number + 1} of 4").wait_for()
            page.get_by_role("button", name="True", disabled=False).wait_for()
            page.keyboard.press(key)
            answered(page, server, number + 1)
        page.get_by_text("100 % of the colored ones fooled you").wait_for()
        assert "2 of 2; with 95 % the rate lies from 34 % to 100 %" in page.inner_text("#rules")
        assert [answer.said_true for answer in server.answers] == [True, False, True, False]
        assert server.answers[0].seconds > 0.4
        assert all(0 < answer.seconds < 60 for answer in server.answers)
        server.wait()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert set(heard) == {urllib.parse.urlparse(server.url).netloc}
        page.reload()  # the score is still there
        page.get_by_text("100 % of the colored ones fooled you").wait_for()


def test_the_command_waits_for_the_answers_and_prints_the_score(tiny_model: Path, tmp_path: Path) -> None:
    result = tmp_path / "turing.json"
    command = [
        sys.executable, "-m", "cgan_benchmarks.cli", "turing", BUNDLED, "--model", tiny_model, "--count", "4",
        "--no-open", "--seed", "3", "--backend", "onnxruntime", "--json", result,
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = urllib.parse.urlparse(process.stdout.readline().split()[-1]).port
        for number in range(4):
            connection = http.client.HTTPConnection("127.0.0.1", port or 0)
            body = json.dumps({"number": number, "true": number < 3, "seconds": 1})
            connection.request("POST", "/answer", body)
            assert connection.getresponse().status == 200
            connection.close()
        printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    document = json.loads(result.read_text())
    assert document["format"] == "cgan-turing"
    assert len(document["answers"]) == 4
    score = document["score"]
    assert score["fooled"]["of"] == score["recognized"]["of"] == 2
    assert score["fooled"]["count"] + score["recognized"]["count"] == 3
    assert f"{score['fooled']['count']} of 2" in printed


def test_no_photos_are_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cgan_benchmarks.cli", "turing", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
