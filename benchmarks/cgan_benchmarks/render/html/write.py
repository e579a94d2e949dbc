"""The page itself: headline, plots, table, method; nothing is fetched when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

from cgan_benchmarks.machine.describe import others_in_words
from cgan_benchmarks.render.html import plots
from cgan_benchmarks.render.html.canvas import engine_name
from cgan_benchmarks.render.html.waterfall import waterfall
from cgan_benchmarks.results.document import write_text
from cgan_benchmarks.speed.exported_forms import SHIPPED
from cgan_benchmarks.video.scenario import CGAN

_HERE = Path(__file__).parent
_VISIBLE = 1.0  # CIEDE2000
_TITLES = {
    "single-stream": "one image after another",
    "offline": "as many images as go",
    "startup": "from a fresh start to the first result",
}
_TIMES = {
    "single-stream": "latency, p50",
    "offline": "time an image, p50",
    "startup": "first result, p50",
}
_COLUMNS = {
    "p50 ms": ("p50_ms", ".1f"), "p90": ("p90_ms", ".1f"), "p95": ("p95_ms", ".1f"),
    "p99": ("p99_ms", ".1f"), "frames/s": ("frames_per_second", ".1f"), "× PyTorch": ("speedup", ".2f"),
    "interval": ("", ""), "CIEDE2000": ("ciede2000", ".3f"), "largest": ("largest_difference", ".0e"),
    "PSNR dB": ("psnr_db", ".0f"), "in flight/s": ("in_flight", ".1f"),
    "of peak": ("share_of_peak", ".0%"), "start s": ("to_result_s", ".2f"),
    "load s": ("load_s", ".2f"), "memory MB": ("host_mb", ".0f"), "file MB": ("megabytes", ".1f"),
}  # fmt: skip


def write_page(document: dict[str, Any], path: Path) -> None:
    """Write a result of cgan-bench as a page; it appears under its name only when complete.

    Args:
        document: As `Report.document` makes it.
        path: Of the page.

    Raises:
        ConfigError: The file cannot be written.
    """
    style = (_HERE / "style.css").read_text(encoding="utf-8")
    body = "\n".join(_body(document))
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>cgan-bench: {escape(document["recipe"])}</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
    write_text(text, path, "--html")


def _body(document: dict[str, Any]) -> Iterator[str]:
    rows = document["rows"]
    height, width = document["size"]
    machine = document["machine"]
    yield f"<h1>{escape(_headline(document))}</h1>"
    if not rows:
        where = f"{escape(machine['cpu'])}, {machine['threads']} threads; {document['date'][:10]}"
        yield f'<p class="soft">{where}</p>'
        yield from _video(document["video"])
        yield _method(document)
        yield _footer(document)
        return
    yield (
        f'<p class="soft">{escape(document["recipe"])}, {width} × {height} px, '
        f"{_TITLES[document['scenario']]}; {escape(machine['cpu'])}, {machine['threads']} threads; "
        f"{document['date'][:10]}</p>"
    )
    if warning := others_in_words(machine["others"]):
        yield f'<p class="warning">{escape(warning)}</p>'
    yield _facts(rows, _TIMES[document["scenario"]])
    yield _figure(
        "How many times as fast as PyTorch",
        plots.speedups(rows),
        "Dots: ratio of the medians. Bars: 95 % intervals, processes and rounds drawn anew. A bar that "
        "holds 1 is no difference.",
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
            "least that an eye sees. Further left and lower is better.",
        )
    yield from _video(document["video"])
    yield "<h2>All figures</h2>"
    yield _table(rows)
    yield _method(document)
    if document["missing"]:
        yield "<h2>Not measured</h2>"
        missing = (f"<li>{escape(name)}: {escape(why)}</li>" for name, why in document["missing"].items())
        yield "<ul>" + "".join(missing) + "</ul>"
    yield _footer(document)


def _video(video: dict[str, Any]) -> Iterator[str]:
    """The waterfall of a video, where one was measured."""
    if video:
        of_limit = video["ways"][CGAN]["of_limit"]
        yield _figure(
            "Where a video's time goes",
            waterfall(video),
            f"{video['file']}, {video['width']} × {video['height']} px: mean of each stage, then whole videos "
            "from file to file. Stages work at once. cgan-run makes "
            f"{of_limit:.0%} of the frames a second of decoding and encoding alone.",
        )


def _method(document: dict[str, Any]) -> str:
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in document["method"])
    return f"<h2>How this was measured</h2>\n<ul>{sentences}</ul>"


def _headline(document: dict[str, Any]) -> str:
    if not document["rows"]:
        rate = document["video"]["ways"][CGAN]["frames_per_second"]
        return f"{rate:.0f} frames a second, {document['video']['file']}"
    best = _best(document["rows"])
    if best is None or best["speedup_interval"][0] <= 1:
        return f"{document['recipe']}: no exported form is surely faster than PyTorch here"
    return f"{best['speedup']:.1f} times as fast as PyTorch, by {engine_name(best['backend'])}"


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """What ships, or the smallest file, among the fastest whose colors look the same."""
    same = [
        row
        for row in rows
        if row["model"] != "checkpoint" and row["ciede2000"] is not None and row["ciede2000"] < _VISIBLE
    ]
    surely = max((row["speedup_interval"][0] for row in same), default=0)
    fastest = [row for row in same if row["speedup_interval"][1] >= surely]
    return min(
        fastest, key=lambda row: (row["model"] != SHIPPED, row["megabytes"], -row["speedup"]), default=None
    )


def _facts(rows: Sequence[dict[str, Any]], time: str) -> str:
    best = _best(rows)
    if best is None:
        return ""
    reference = next(
        row
        for row in rows
        if f"{row['model']} / {row['backend']}" == best["reference"] and row["batch"] == best["batch"]
    )
    low, high = best["speedup_interval"]
    facts = [
        (time, f"{best['p50_ms']:.1f} ms", f"PyTorch {reference['p50_ms']:.1f} ms"),
        ("times PyTorch", f"{best['speedup']:.2f} ×", f"{low:.2f} to {high:.2f} with 95 %"),
        ("color difference", f"{best['ciede2000']:.3f}", "CIEDE2000; about 1 is visible"),
        ("file", f"{best['megabytes']:.1f} MB", f"PyTorch's weights {reference['megabytes']:.1f} MB"),
        ("memory", _megabytes(best["host_mb"]), f"PyTorch {_megabytes(reference['host_mb'])}"),
        ("first result", f"{best['to_result_s']:.1f} s", f"PyTorch {reference['to_result_s']:.1f} s"),
    ]
    cells = (
        f"<div><dt>{name}</dt><dd>{value}<small>{more}</small></dd></div>" for name, value, more in facts
    )
    which = escape(plots.name_of(best))
    return f'<p class="soft">Best row: {which}.</p>\n<dl class="facts">{"".join(cells)}</dl>'


def _megabytes(value: float | None) -> str:
    return "not told" if value is None else f"{value:.0f} MB"


def _figure(title: str, plot: str, caption: str) -> str:
    return (
        f"<h2>{escape(title)}</h2>\n"
        f'<figure role="img" aria-label="{escape(title)}">{plot}'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
    )


def _table(rows: Sequence[dict[str, Any]]) -> str:
    several = len({row["batch"] for row in rows}) > 1
    titles = ["model", "run by", *(["batch"] if several else []), *_COLUMNS]
    head = "".join(f"<th{_name(title)}>{title}</th>" for title in titles)
    lines = []
    for row in rows:
        cells = {"model": row["model"], "run by": engine_name(row["backend"]), "batch": str(row["batch"])}
        cells |= {title: _cell(row, title) for title in _COLUMNS}
        lines.append("".join(f"<td{_name(title)}>{escape(cells[title])}</td>" for title in titles))
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _name(title: str) -> str:
    return ' class="name"' if title in ("model", "run by") else ""


def _cell(row: dict[str, Any], title: str) -> str:
    key, form = _COLUMNS[title]
    itself = f"{row['model']} / {row['backend']}" == row["reference"]
    if title == "interval":
        low, high = row["speedup_interval"]
        return "" if itself else "no difference" if low <= 1 <= high else f"{low:.2f} to {high:.2f}"
    if itself and key in ("ciede2000", "largest_difference", "psnr_db"):
        return ""
    throughput = row["throughput"] or {}
    value = throughput.get("mean") if key == "in_flight" else row[key]
    return "" if value is None else format(value, form)


def _footer(document: dict[str, Any]) -> str:
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
