"""`cgan-bench` as a person meets it: a table, a JSON document, or one line on what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.checkpoints import EDGE, write_checkpoint

from cgan_benchmarks.cli import main
from cgan_export.parity import TOLERANCES
from cgan_runtime import __version__
from cgan_runtime.manifest import Manifest


def bench(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


@pytest.fixture(scope="module")
def found(checkpoint: Path) -> dict[str, Any]:
    """The document of a run without models: the checkpoint is exported in every form first."""
    path = checkpoint.parent / "bench.json"
    assert bench("--checkpoint", checkpoint, "--runs", 6, "--threads", 1, "--json", path) == 0
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def test_every_form_is_measured_in_every_back_end(found: dict[str, Any]) -> None:
    rows = [(row["model"], row["backend"]) for row in found["rows"]]
    assert rows[0] == ("checkpoint", "pytorch")
    forms = ("fp32", "fp16 weights", "fp16")
    assert set(rows[1:]) == {(form, name) for form in forms for name in ("onnxruntime", "openvino")}
    assert set(found["missing"]) <= {"tensorrt", "cuda"}


def test_rows_hold_speed_and_equality(found: dict[str, Any]) -> None:
    reference, *others = found["rows"]
    assert reference["speedup"] == 1
    assert reference["largest_difference"] == 0
    forms = {"fp32": "fp32", "fp16 weights": "fp16-weights", "fp16": "fp16"}
    for row in others:
        assert row["runs"] == 6
        assert 0 < row["p50_ms"] <= row["p90_ms"] <= row["p99_ms"]
        assert row["speedup"] == pytest.approx(reference["p50_ms"] / row["p50_ms"])
        assert 0 < row["largest_difference"] < TOLERANCES[forms[row["model"]]].largest
        assert 0 < row["mean_difference"] < TOLERANCES[forms[row["model"]]].mean
        assert row["device"] == "CPU, 1 thread"
    sizes = {row["model"]: row["megabytes"] for row in found["rows"]}
    assert sizes["fp16"] < 0.7 * sizes["fp32"]


def test_the_document_says_what_it_was_measured_on(found: dict[str, Any]) -> None:
    assert (found["format"], found["format_version"], found["version"]) == ("cgan-bench", 1, __version__)
    assert found["input_shape"] == [1, 1, 32, 32]
    assert found["machine"]["threads"] == 1
    assert found["machine"]["versions"]["torch"]
    assert len(found["method"]) > 1
    assert found["date"].endswith("+00:00")


def test_models_of_ones_own_are_taken_as_they_are(
    checkpoint: Path, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--checkpoint", checkpoint, "--threads", 1, "--runs", 3, "--backends", "onnxruntime")
    assert bench(*options, "--model", exported["fp32"], "--batch", 3, "--size", "32x48") == 0
    printed = capsys.readouterr()
    assert "paper, 48x32 px, batch 3, 1 thread," in printed.out
    rows = [line.split()[:2] for line in printed.out.splitlines()]
    assert ["checkpoint", "pytorch"] in rows
    assert ["paper", "onnxruntime"] in rows
    assert ["paper", "openvino"] not in rows
    assert max(map(len, printed.out.splitlines()[2:6])) <= 80
    assert "…" not in printed.out
    assert printed.err == ""


def test_a_back_end_that_is_missing_is_said(
    checkpoint: Path,
    exported: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "cgan_runtime.backends.openvino", raising=False)
    options = ("--checkpoint", checkpoint, "--threads", 1, "--runs", 2, "--model", exported["fp32"])
    assert bench(*options) == 0
    assert "not measured: openvino: not installed" in capsys.readouterr().out
    assert bench(*options, "--backends", "openvino") == 1
    assert "pip install openvino" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--checkpoint", "{nowhere}"), "no checkpoint at"),
        (("--model", "{nowhere}"), "no model file at"),
        (("--model", "{alone}"), "has no manifest"),
        (("--model", "{cut}"), "does not match its manifest"),
        (("--model", "{other}"), "was exported from other weights"),
        (("--model", "{fp32}", "--backends", "quantum"), "no back end is called 'quantum'; there are"),
        (("--model", "{fp32}", "--backends", ""), "no back end is called ''"),
        (("--model", "{fp32}", "--size", "40"), "give multiples of 16"),
        (("--model", "{fp32}", "--json", "{nowhere}/b.json"), "there is no folder"),
        (("--model", "{fp32}", "--json", "{folder}"), "cannot write"),
    ],
)
def test_bad_input_is_one_line(
    checkpoint: Path,
    exported: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    fp32 = exported["fp32"]
    (tmp_path / "folder").mkdir()
    alone, cut, other = (tmp_path / f"{name}.onnx" for name in ("alone", "cut", "other"))
    alone.write_bytes(fp32.read_bytes())
    for copy in (cut, other):
        copy.write_bytes(fp32.read_bytes())
        document = json.loads(Manifest.path_for(fp32).read_text()) | {"file": copy.name}
        document |= {"checkpoint_sha256": "0" * 64} if copy == other else {}
        Manifest.path_for(copy).write_text(json.dumps(document))
    cut.write_bytes(fp32.read_bytes()[:-10])
    places = {"nowhere": tmp_path / "nowhere", "alone": alone, "cut": cut, "other": other, "fp32": fp32}
    given = [argument.format(**places, folder=tmp_path / "folder") for argument in arguments]
    options = ["--checkpoint", checkpoint, "--threads", 1, "--runs", 1]
    assert bench(*options, *given) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert printed.count("\n") == 1
    assert not list(tmp_path.glob(".*"))


def test_a_checkpoint_that_cannot_be_exported_says_why(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter is a process of its own; its one line reaches the person."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "onnx.py").write_text("raise ImportError('this onnx is broken')")
    assert bench("--checkpoint", checkpoint, "--runs", 1) == 1
    printed = capsys.readouterr().err
    assert "could not be exported: " in printed
    assert "this onnx is broken" in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--runs", "5", "--quick"),
        ("--runs", "5", "--duration", "1"),
        ("--duration", "0"),
        ("--batch", "0"),
        ("--size", "x"),
        ("--threads", "-1"),
    ],
)
def test_wrong_options_are_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bench(*arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_machine_without_pytorch_is_told_what_to_install() -> None:
    hide = (
        "import importlib.util as util, sys\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a)\n"
        "sys.modules['torch'] = None\n"
        "from cgan_benchmarks.cli import main\n"
        "main(sys.argv[1:])"
    )
    for arguments, code in ((["--help"], 0), ([], 1)):
        done = subprocess.run(
            [sys.executable, "-c", hide, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stderr
    message = 'error: measuring against PyTorch needs torch; run: pip install "cgan[bench,cpu]"\n'
    assert done.stderr == message


@pytest.mark.benchmark
def test_exported_edge_takes_at_most_half_of_eager_pytorchs_time(tmp_path: Path) -> None:
    """256 px, batch 1, two threads, medians of the same run."""
    checkpoint = write_checkpoint(tmp_path / "edge", EDGE)
    assert bench("--checkpoint", checkpoint, "--json", tmp_path / "bench.json") == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["input_shape"] == [1, 1, 256, 256]
    assert document["machine"]["threads"] == 2
    for row in document["rows"][1:]:
        if row["backend"] == "onnxruntime" and row["precision"] == "fp32":
            assert row["speedup"] >= 2, row
