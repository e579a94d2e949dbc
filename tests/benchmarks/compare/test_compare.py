"""`cgan-bench compare`: what counts as slower, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.benchmarks.example_results import changed, made_up, written

from cgan_benchmarks.cli import main
from cgan_benchmarks.compare.compare import compare


def run(tmp_path: Path, old: dict[str, Any], new: dict[str, Any], *options: str) -> int | str | None:
    files = written(old, tmp_path / "old.json"), written(new, tmp_path / "new.json")
    with pytest.raises(SystemExit) as exit_:
        main(["compare", *map(str, files), *options])
    return exit_.value.code


def test_only_what_exceeds_noise_is_a_change() -> None:
    found = compare(made_up(), made_up(pytorch=20.3, openvino=6.0, onnxruntime=5.0))
    verdicts = {change.backend: change.verdict for change in found.changes}
    assert verdicts == {"pytorch": "no difference", "openvino": "slower", "onnxruntime": "faster"}
    slower = next(change for change in found.changes if change.backend == "openvino")
    assert slower.slower == pytest.approx(1.2)
    assert slower.interval[0] < 1.2 < slower.interval[1]


def test_the_exit_code_says_whether_it_got_slower_by_too_much(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, made_up(), made_up(openvino=5.75)) == 0
    assert "slower" in capsys.readouterr().out
    assert run(tmp_path, made_up(), made_up(openvino=5.75), "--fail-over", "20%") == 0
    assert run(tmp_path, made_up(), made_up(openvino=5.75), "--fail-over", "10%") == 1
    printed = capsys.readouterr().out
    assert "slower by more than 10%: fp32 / openvino" in printed
    assert "+15.0%" in printed
    assert run(tmp_path, made_up(), made_up(openvino=2.0), "--fail-over", "0") == 0  # faster never fails


def test_noise_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = made_up(openvino=5.75)
    new["rows"][1]["p50_interval_ms"] = [4.0, 7.5]
    assert not any(change.fails(0.1) for change in compare(made_up(), new).changes)
    assert run(tmp_path, made_up(), new) == 0
    assert run(tmp_path, made_up(), new, "--fail-over", "10%") == 1
    printed = capsys.readouterr().out
    assert "too noisy to judge: fp32 / openvino: the interval is 4 to 7.5" in printed
    assert "not judged; measure again on a quiet machine" in printed


def test_a_result_under_load_is_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = made_up()
    old["machine"] |= {"others": 0.82}
    assert run(tmp_path, old, made_up(), "--fail-over", "10%") == 1
    why = "while the old result was measured, other programs took 82 % of the processor"
    assert f"too noisy to judge: {why}" in capsys.readouterr().out


def test_other_machines_are_compared_by_times_pytorch_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = made_up(pytorch=40.0, openvino=10.0, onnxruntime=18.0)  # half as fast; one engine fell behind
    new["machine"]["cpu"] = "Another Processor"
    assert run(tmp_path, made_up(), new) == 1
    assert "different cpu (Some Processor and Another Processor)" in capsys.readouterr().err
    assert run(tmp_path, made_up(), new, "--relative", "--fail-over", "10") == 1
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[-1] for line in lines if line[:2] == ["fp32", "onnxruntime"]] == ["slower"]
    assert [line[-2:] for line in lines if line[:2] == ["fp32", "openvino"]] == [["no", "difference"]]
    assert not any(line[:1] == ["checkpoint"] for line in lines)  # PyTorch by itself says nothing


def test_what_else_differs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, made_up(), made_up()) == 0
    assert capsys.readouterr().err == ""
    new = changed(made_up(), checkpoint_sha256="1" * 64, version="0.0.1")
    new["machine"] |= {"others": 0.4, "gpus": ["name B, driver_version 2, clocks.sm 5"]}
    new["machine"]["versions"] |= {"torch": "2.1", "openvino": "2026"}
    assert run(tmp_path, made_up(), new) == 0
    assert capsys.readouterr().err.splitlines() == [
        f"warning: the results differ in {difference}"
        for difference in (
            "weights: 000000000000 and 111111111111", "cgan: 0.0.0 and 0.0.1", "torch: 2.0 and 2.1",
            "openvino: unknown and 2026", "GPU: unknown and name B, driver_version 2",
            "load of other programs: 0% and 40% of the processor",
        )
    ]  # fmt: skip
    new["machine"] |= {"cpu": "Another Processor", "versions": None, "others": None}
    assert run(tmp_path, made_up(), new, "--relative") == 0
    assert "cpu: Some Processor and Another Processor" in capsys.readouterr().err


def test_times_pytorch_depend_on_the_threads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = made_up()
    new["machine"]["threads"] = 1
    assert run(tmp_path, made_up(), new, "--relative") == 1
    assert "of 2 and 1 threads; measure both alike" in capsys.readouterr().err


def test_a_row_that_is_gone_fails_where_slower_ones_do(tmp_path: Path) -> None:
    new = made_up()
    del new["rows"][1]
    assert run(tmp_path, made_up(), new) == 0
    assert run(tmp_path, made_up(), new, "--fail-over", "10%") == 1
    assert run(tmp_path, new, made_up(), "--fail-over", "10%") == 0  # more rows are no harm


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = made_up()
    document["rows"][1]["model"] = "edge[red]-1[/x]"
    assert run(tmp_path, document, document) == 0
    assert "edge[red]-1[/x]" in capsys.readouterr().out


def damaged(**fields: Any) -> dict[str, Any]:
    document = made_up()
    document["rows"][1] |= fields
    return document


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (damaged(p50_ms=0), "row 2 has no p50_ms with an interval"),
        (damaged(p50_ms=None), "row 2 has no p50_ms with an interval"),
        (damaged(speedup=float("nan")), "row 2 has no speedup with an interval"),
        (damaged(p50_interval_ms=[1.0]), "row 2 has no p50_ms with an interval"),
        (damaged(model=None), "row 2 does not say what it is of"),
        (damaged(batch="x"), "row 2 has no batch"),
        (changed(made_up(), rows=None), "no rows"),
        (changed(made_up(), rows=[1]), "row 1 has no batch"),
        (changed(made_up(), machine={}), "no cpu of its machine"),
    ],
)
def test_a_damaged_result_is_one_line(
    document: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, made_up(), document) == 1
    printed = capsys.readouterr().err
    assert f"is damaged ({message}" in printed
    assert printed.count("\n") == 1


def test_rows_that_one_result_lacks_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = made_up(tensorrt=1.0)
    del new["rows"][1]
    assert run(tmp_path, made_up(), new) == 0
    printed = capsys.readouterr().out
    assert "only in the old result: fp32 openvino 1" in printed
    assert "only in the new result: fp32 tensorrt 1" in printed


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"format_version": 1}, "is of format 1, this cgan-bench reads 2; measure again"),
        ({"format": "cgan-quality"}, "is no result of cgan-bench"),
        ({"size": [128, 128]}, "different size ([256, 256] and [128, 128])"),
        ({"scenario": "offline"}, "different scenario (single-stream and offline)"),
        ({"recipe": "paper"}, "different recipe (edge and paper)"),
        ({"rows": []}, "no row in common"),
        ({"scenario": "video", "rows": []}, "results of --scenario video have no rows"),
        ({"format": "cgan-video"}, "is a result of videos"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    fields: dict[str, Any], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, made_up(), changed(made_up(), **fields)) == 1
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1


def test_files_that_are_none_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.json").write_text("not JSON")
    good = written(made_up(), tmp_path / "good.json")
    for bad, message in (("nowhere.json", "cannot read"), ("text.json", "is no JSON")):
        with pytest.raises(SystemExit) as exit_:
            main(["compare", str(good), str(tmp_path / bad)])
        assert exit_.value.code == 1
        printed = capsys.readouterr().err
        assert message in printed
        assert printed.count("\n") == 1
    with pytest.raises(SystemExit) as exit_:
        main(["compare", str(good), str(good), "--fail-over", "much"])
    assert exit_.value.code == 2
