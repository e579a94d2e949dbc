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


@pytest.mark.parametrize(("others", "interval"), [(0.82, [3.9, 4.1]), (0.0, [1.0, 9.0])])
def test_no_ratio_where_it_is_too_noisy_to_judge(
    others: float, interval: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    document = made_up()
    document["machine"] |= {"others": others}
    for row in document["rows"][1:]:
        row["speedup_interval"] = interval
    print_report(document)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    first = next(index for index, line in enumerate(lines) if line[:1] == ["model"])
    head, rows = lines[first], lines[first + 1 : first + 4]
    assert ("x" in head) == (others == 0)  # under load, no row can be compared
    assert ["?" in row for row in rows] == [False, others == 0, others == 0]
    assert not any("4.00" in row for row in rows)
