"""The page of a result in a real browser: all plots there, nothing fetched, readable in both schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from tests.benchmarks.browser import chromium
from tests.benchmarks.example_results import changed, made_up, video

from cgan_benchmarks.render.html.plots import _difference
from cgan_benchmarks.render.html.write import write_page

PLOTS = ("How many times as fast as PyTorch", "Latency of every run", "What speed costs in color")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "bench.html"
    write_page(made_up(), path)
    return path


def opened(browser: Browser, file: Path, *, width: int = 1100, scheme: Any = "light") -> tuple[Page, list[str]]:
    """The page, and all that it complained of or asked the network for."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("request", lambda request: heard.append(request.url))
    page.goto(file.as_uri())
    return page, heard


@pytest.mark.parametrize("width", [1100, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_plots_are_seen_and_nothing_is_fetched(browser: Browser, page_file: Path, width: int, scheme: str) -> None:
    page, heard = opened(browser, page_file, width=width, scheme=scheme)
    assert heard == [page_file.as_uri()]
    for title in PLOTS:
        figure = page.get_by_role("img", name=title)
        drawings = [svg for svg in figure.locator("svg").all() if svg.is_visible()]
        assert len(drawings) == 1  # the wide one or the narrow one
        box = drawings[0].bounding_box()
        assert box is not None
        assert box["width"] > 0.75 * min(width, 960) - 40
        assert drawings[0].locator("text").count() > 5
        assert drawings[0].get_by_text("OpenVINO").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    sizes = page.evaluate(
        "[...document.querySelectorAll('figure svg text')].map(text => text.getBoundingClientRect().height)"
        ".filter(height => height > 0)"
    )
    assert min(sizes) >= 8  # pixels: readable
    page.close()


@pytest.mark.parametrize("rows", [True, False], ids=["beside-models", "alone"])
def test_the_stages_of_a_video_are_shown(browser: Browser, tmp_path: Path, rows: bool) -> None:
    document = changed(made_up(), video=video())
    if not rows:
        document |= {"rows": [], "scenario": "video"}
    write_page(document, tmp_path / "bench.html")
    page, heard = opened(browser, tmp_path / "bench.html", width=390)
    assert len(heard) == 1
    figure = page.get_by_role("img", name="Where a video's time goes")
    (drawing,) = [svg for svg in figure.locator("svg").all() if svg.is_visible()]
    for word in ("decode", "color", "encode", "cgan-run", "decode and encode alone"):
        assert drawing.get_by_text(word, exact=True).is_visible()
    assert "cgan-run makes 60% of the frames a second" in figure.inner_text()
    assert page.get_by_role("img", name=PLOTS[0]).count() == rows
    if not rows:
        assert page.locator("h1").inner_text() == "60 frames a second, some <video>.mp4"
    page.close()


def test_ids_within_the_page_are_its_own(browser: Browser, page_file: Path) -> None:
    page, _ = opened(browser, page_file)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(ids) == len(set(ids))
    page.close()


def test_colors_follow_the_scheme(browser: Browser, page_file: Path) -> None:
    colors = {}
    for scheme in ("light", "dark"):
        page, _ = opened(browser, page_file, scheme=scheme)
        colors[scheme] = page.evaluate(
            "[getComputedStyle(document.body).backgroundColor,"
            " getComputedStyle(document.querySelector('figure .wide text')).fill]"
        )
        page.close()
    assert colors["light"][0] != colors["dark"][0]
    assert colors["light"][1] != colors["dark"][1]


def test_texts_of_a_result_are_no_markup(browser: Browser, tmp_path: Path) -> None:
    document = changed(made_up(), scenario="startup", recipe="<script>alert(1)</script>")
    write_page(document, tmp_path / "bench.html")
    page, heard = opened(browser, tmp_path / "bench.html")
    assert len(heard) == 1
    assert page.get_by_text("<script>alert(1)</script>").count() >= 1
    assert page.get_by_text("Measured by <imagination>.").is_visible()
    page.close()


def test_the_best_row_stands_beside_pytorch_of_its_own_batch(tmp_path: Path) -> None:
    document = changed(made_up(), scenario="offline")
    more = [row | {"batch": 4, "p50_ms": row["p50_ms"] / 2} for row in made_up(openvino=1.0)["rows"]]
    document["rows"] += more
    write_page(document, tmp_path / "bench.html")
    text = (tmp_path / "bench.html").read_text(encoding="utf-8")
    assert "Best row: fp32, OpenVINO, batch 4." in text
    fact = "<dt>time an image, p50</dt><dd>0.5 ms<small>PyTorch 10.0 ms</small></dd>"
    assert fact in text
    assert "latency" not in text


def test_any_difference_has_its_place() -> None:
    row = made_up()["rows"][1]
    places = [_difference(row | {"ciede2000": found}) for found in (0.0, 0.02, 9.0, None)]
    assert places == [1e-3, 0.02, 4.0, 4.0]


def test_names_in_any_bytes_are_written(tmp_path: Path) -> None:
    document = changed(made_up(), video=video() | {"file": "\udcff.mp4"}, rows=[], scenario="video")
    write_page(document, tmp_path / "bench.html")
    assert [path.name for path in tmp_path.iterdir()] == ["bench.html"]
    assert "\\udcff.mp4" in (tmp_path / "bench.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(("others", "seen"), [(0.01, 0), (0.23, 1)], ids=["quiet", "busy"])
def test_a_busy_machine_is_reported(others: float, seen: int, tmp_path: Path) -> None:
    document = changed(made_up(), scenario="startup")  # one plot only: plots take time
    document["machine"] |= {"others": others}
    write_page(document, tmp_path / "bench.html")
    text = (tmp_path / "bench.html").read_text(encoding="utf-8")
    assert text.count("Other programs took 23% of the processor") == seen
    assert text.count("<h1>edge: too noisy to judge: other programs took 23 % of the processor</h1>") == seen
    assert ("4.00 ×" in text) != bool(seen)


def test_a_result_in_which_nothing_is_faster_says_so(tmp_path: Path) -> None:
    document = changed(made_up(openvino=30.0, onnxruntime=40.0), scenario="startup")
    write_page(document, tmp_path / "bench.html")
    title = "<h1>edge: no exported form is certainly faster than PyTorch here</h1>"
    assert title in (tmp_path / "bench.html").read_text(encoding="utf-8")
