"""Tables on a narrow terminal: no word is broken, and no figure is lost."""

from __future__ import annotations

import io

import pytest
import rich.console
from tests.benchmarks.example_results import made_up, video

from cgan_benchmarks.render import tables
from cgan_benchmarks.render.tables import print_report


@pytest.mark.parametrize("columns", [50, 80, 160])
def test_no_word_is_broken(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(
        tables, "wide_console",
        lambda _: rich.console.Console(file=out, width=columns, force_terminal=True, no_color=True, highlight=False),
    )  # fmt: skip
    document = made_up() | {"video": video() | {"model": "edge.onnx", "backend": "openvino on CPU"}}
    document["rows"][2]["share_of_peak"] = 1.48
    print_report(document)
    lines = [line.replace("\x1b[1m", "").replace("\x1b[0m", "") for line in out.getvalue().splitlines()]
    assert max(map(len, lines)) <= columns
    heads = [line.split() for line in lines if line.startswith("model")]
    words = [word for head in heads for word in head]
    assert {"p50", "dE00", "concurrent", "peak", "MB"} <= set(words)
    assert all(head[:3] == ["model", "run", "by"] for head in heads)
    for head in heads:  # each part of the table has all rows
        at = next(index for index, line in enumerate(lines) if line.split() == head)
        assert [line.split()[0] for line in lines[at + 1 : at + 4]] == ["checkpoint", "fp32", "fp32"]
    text = " ".join(" ".join(lines).split())
    assert "148%" not in text
    assert "4.0 times as fast as PyTorch, by OpenVINO." in text
