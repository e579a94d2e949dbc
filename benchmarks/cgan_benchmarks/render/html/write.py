"""A result as one HTML page: headline, plots, table, method. The page fetches nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path

from cgan_benchmarks.machine.describe import load_warning
from cgan_benchmarks.render.headline import best_row, engine_name, headline
from cgan_benchmarks.render.html import plots
from cgan_benchmarks.render.tables import NAMES, cell, is_reference, tables_of
from cgan_benchmarks.results.document import Document, write_text
from cgan_benchmarks.results.noise import load_of, too_noisy
from cgan_benchmarks.video.scenario import CGAN

_HERE = Path(__file__).parent
_SCENARIOS = {  # what is measured, and the name of a row's time
    "single-stream": ("one image after another", "latency, p50"),
    "offline": ("as many images as possible", "time an image, p50"),
    "startup": ("from a fresh start to the first result", "first result, p50"),
}


def write_page(document: Document, path: Path) -> None:
    """Write a result of cgan-bench as a page, complete or not at all, or raise ConfigError."""
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    body = "\n".join(_body(document))
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>cgan-bench: {escape(document["recipe"])}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
    write_text(text, path, "--html")


def _body(document: Document) -> Iterator[str]:
    rows, machine = document["rows"], document["machine"]
    where = f"{machine['cpu']}, {machine['threads']} threads; {document['date'][:10]}"
    yield f"<h1>{escape(headline(document))}</h1>"
    if rows:
        height, width = document["size"]
        what, time = _SCENARIOS[document["scenario"]]
        where = f"{document['recipe']}, {width} × {height} px, {what}; {where}"
    yield f'<p class="soft">{escape(where)}</p>'
    if rows:
        if warning := load_warning(machine["others"]):
            yield f'<p class="warning">{escape(warning)}</p>'
        yield _facts(document, time)
        yield from _plots(document)
    yield from _video(document["video"])
    if rows:
        yield "<h2>All figures</h2>"
        yield _table(document)
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in document["method"])
    yield f"<h2>How this was measured</h2>\n<ul>{sentences}</ul>"
    if document["missing"]:
        missing = (f"<li>{escape(name)}: {escape(why)}</li>" for name, why in document["missing"].items())
        yield f"<h2>Not measured</h2>\n<ul>{''.join(missing)}</ul>"
    yield _footer(document)


def _plots(document: Document) -> Iterator[str]:
    rows = document["rows"]
    if not load_of(document):
        yield _figure(
            "How many times as fast as PyTorch",
            plots.speedups(rows),
            "Dots: ratio of the medians. Bars: 95 % intervals by a bootstrap over processes and rounds. A bar "
            "that contains 1 is no difference.",
        )
    if document["scenario"] == "single-stream":
        yield _figure(
            "Latency of every run",
            plots.latencies(rows),
            "Dot: median. Line: to the 99th percentile. Shape: how often a run took that long.",
        )
        yield _figure(
            "What speed costs in color",
            plots.quality(rows),
            "Mean color difference of colored photographs from those of PyTorch float32. About 1 is the "
            "smallest visible difference. Further left and lower is better.",
        )


def _video(video: Document) -> Iterator[str]:
    """The stages of a video, where one was measured."""
    if video:
        of_limit = video["ways"][CGAN]["of_limit"]
        yield _figure(
            "Where a video's time goes",
            plots.waterfall(video),
            f"{video['file']}, {video['width']} × {video['height']} px: mean of each stage, then whole "
            "videos from file to file. Stages work at the same time. cgan-run makes "
            f"{of_limit:.0%} of the frames a second of decoding and encoding alone.",
        )


def _facts(document: Document, time: str) -> str:
    """The best row beside PyTorch; empty where there is none."""
    rows = document["rows"]
    best = best_row(rows)
    if best is None:
        return ""
    references = (row for row in rows if is_reference(row) and row["reference"] == best["reference"])
    reference = next(row for row in references if row["batch"] == best["batch"])
    low, high = best["speedup_interval"]
    noisy = too_noisy(document, best)
    facts = [
        (time, f"{best['p50_ms']:.1f} ms", f"PyTorch {reference['p50_ms']:.1f} ms"),
        ("times PyTorch", "?" if noisy else f"{best['speedup']:.2f} ×", noisy or f"{low:.2f} to {high:.2f} with 95 %"),
        ("color difference", f"{best['ciede2000']:.3f}", "CIEDE2000; about 1 is visible"),
        ("file", f"{best['megabytes']:.1f} MB", f"PyTorch's weights {reference['megabytes']:.1f} MB"),
        ("memory", _megabytes(best["host_mb"]), f"PyTorch {_megabytes(reference['host_mb'])}"),
        ("first result", f"{best['to_result_s']:.1f} s", f"PyTorch {reference['to_result_s']:.1f} s"),
    ]
    cells = (f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>" for name, value, more in facts)
    best_name = escape(plots.name_of(best))
    return f'<p class="soft">Best row: {best_name}.</p>\n<dl class="facts">{"".join(cells)}</dl>'


def _megabytes(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.0f} MB"


def _figure(title: str, plot: str, caption: str) -> str:
    return (
        f"<h2>{escape(title)}</h2>\n"
        f'<figure role="img" aria-label="{escape(title)}">{plot}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(document: Document) -> str:
    rows = document["rows"]
    several = len({row["batch"] for row in rows}) > 1
    titles = [*NAMES[: 3 if several else 2], *itertools.chain(*tables_of(document))]

    def line(tag: str, cells: Iterable[str]) -> str:
        kinds = (' class="name"' if title in NAMES[:2] else "" for title in titles)
        texts = (f"<{tag}{kind}>{escape(text)}</{tag}>" for kind, text in zip(kinds, cells, strict=True))
        return f"<tr>{''.join(texts)}</tr>"

    body = "".join(line("td", [_cell(row, title) for title in titles]) for row in rows)
    head = line("th", titles)
    return f'<div class="scroll"><table><thead>{head}</thead><tbody>{body}</tbody></table></div>'


def _cell(row: Document, title: str) -> str:
    return engine_name(row["backend"]) if title == "run by" else cell(row, title)


def _footer(document: Document) -> str:
    machine = document["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    peaks = "; ".join(
        f"{device}: {peak['gflops']:.0f} GFLOP/s, {peak['gbytes']:.0f} GB/s"
        for device, peak in document["peaks"].items()
    )
    parts = [
        f"cgan {document['version']}, weights {document['checkpoint_sha256'][:12]}, {machine['system']}",
        versions,
        f"Peak in this run: {peaks}" if peaks else "",
        *(f"GPU: {state}" for state in machine["gpus"]),
    ]
    return "<footer>" + "<br>".join(escape(part) for part in parts if part) + "</footer>"
