"""`cgan-bench` as users run it: a table, a JSON document, or one line on what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.checkpoints import EDGE, write_checkpoint

from cgan_benchmarks.cli import main
from cgan_benchmarks.machine.process import untuned_environment
from cgan_benchmarks.speed import scenarios, session
from cgan_benchmarks.speed.subjects import exported_forms, torch_variants
from cgan_export.parity.against_pytorch import TOLERANCES
from cgan_runtime import __version__
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

SCRIPT = Path(__file__).with_name("ratio_in_a_few_lines.py")


def bench(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def do_not_compile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave torch.compile out, which takes a minute; a slow test has it."""
    monkeypatch.setattr(torch_variants, "why_not_compiled", lambda _device: "no time for it here")


def measure_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PEAK_SECONDS", 0.02)
    monkeypatch.setattr(scenarios, "_CONCURRENT_SECONDS", 0.05)


@pytest.fixture(autouse=True)
def _brief(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    if request.node.get_closest_marker("benchmark") is None:
        measure_briefly(monkeypatch)


SHORT = ("--runs", 6, "--duration", 0.01, "--processes", 1, "--threads", 1)


def take_exports(monkeypatch: pytest.MonkeyPatch, exported: dict[str, Path], cache: Path) -> None:
    """Export the checkpoint once for all tests."""
    labels = {"--fp32": ("fp32",), "--all": ("fp32", "fp16 weights", "fp16"), "--int8": ("int8",)}
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    monkeypatch.setattr(
        exported_forms, "export_forms", lambda _checkpoint, _folder, forms, _generator: {
            label: exported[label] for form in forms for label in labels[form]
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def found(checkpoint: Path, exported: dict[str, Path]) -> dict[str, Any]:
    """The document of a run without models."""
    path = checkpoint.parent / "bench.json"
    with pytest.MonkeyPatch.context() as monkeypatch:
        do_not_compile(monkeypatch)
        measure_briefly(monkeypatch)
        take_exports(monkeypatch, exported, path.with_name("cache"))
        assert bench("--checkpoint", checkpoint, "--all", *SHORT, "--json", path) == 0
    document: dict[str, Any] = json.loads(path.read_text())
    return document


@pytest.mark.slow
def test_every_form_is_measured_in_every_back_end(found: dict[str, Any]) -> None:
    rows = [(row["model"], row["backend"]) for row in found["rows"]]
    assert rows[0] == ("checkpoint", "pytorch")
    every = ("fp32", "fp16 weights", "fp16")
    engines = {(model, name) for model, name in rows if model != "checkpoint"}
    assert engines >= {(form, name) for form in every for name in ("onnxruntime", "openvino")}
    assert ("fp16 weights", "openvino bf16") in engines or (
        "no instructions for bfloat16" in found["missing"]["fp16 weights / openvino bf16"]
    )
    of_torch = {name for model, name in rows if model == "checkpoint"}
    of_torch |= {name.replace(" on the CPU,", "") for name in found["missing"]}
    assert of_torch >= {"pytorch", "pytorch compiled", "pytorch bf16"}  # measured, or said why not
    assert {"tensorrt", "cuda", "pytorch on a GPU"} & set(found["missing"])
    assert "--precision fp32,int8" in found["missing"]["int8"]


@pytest.mark.slow
def test_rows_hold_speed_and_equality(found: dict[str, Any]) -> None:
    reference, *others = found["rows"]
    assert reference["speedup"] == 1
    assert reference["speedup_interval"] == [1, 1]
    assert reference["largest_difference"] == 0
    tolerances = {"fp32": "fp32", "fp16 weights": "fp16-weights", "fp16": "fp16"}
    for row in others:
        assert np.shape(row["samples_ms"]) == (1, 5, row["runs"] // 5)
        assert row["runs"] >= 6
        assert 0 < row["p50_ms"] <= row["p90_ms"] <= row["p95_ms"] <= row["p99_ms"]
        assert row["p50_ms"] == pytest.approx(float(np.median(row["samples_ms"])), rel=1e-3)
        assert row["speedup"] == pytest.approx(reference["p50_ms"] / row["p50_ms"])
        low, high = row["speedup_interval"]
        assert low <= row["speedup"] <= high
        if row["model"] == "checkpoint" or row["precision"] == "bf16":
            continue
        assert 0 < row["largest_difference"] < TOLERANCES[tolerances[row["model"]]].largest
        assert 0 < row["mean_difference"] < TOLERANCES[tolerances[row["model"]]].mean
        assert row["psnr_db"] > 40
        assert row["device"] == "CPU, 1 thread"
    sizes = {row["model"]: row["megabytes"] for row in found["rows"]}
    assert sizes["fp16"] < 0.7 * sizes["fp32"]


@pytest.mark.slow
def test_rows_hold_the_cost_of_an_engine(found: dict[str, Any]) -> None:
    rows = {(row["model"], row["backend"]): row for row in found["rows"]}
    torch, onnx = rows["checkpoint", "pytorch"], rows["fp32", "onnxruntime"]
    for row in (torch, onnx):
        assert 0 < row["load_s"] < row["to_result_s"]
        assert 0 < row["first_run_s"] < row["to_result_s"]
        assert row["throughput"]["least"] <= row["throughput"]["mean"] <= row["throughput"]["most"]
        assert row["gflops"] == pytest.approx(row["gflop"] / row["p50_ms"] * 1e3)
        assert row["share_of_peak"] > 0
        assert row["device_mb"] is None
    assert torch["host_mb"] > onnx["host_mb"] + 100  # no PyTorch in the engine's process
    assert 0.001 < torch["gflop"] < 10
    assert found["peaks"]["cpu"]["gflops"] > 1


@pytest.mark.slow
def test_the_document_describes_the_machine(found: dict[str, Any]) -> None:
    assert (found["format"], found["format_version"], found["version"]) == ("cgan-bench", 2, __version__)
    assert found["size"] == [32, 32]
    assert {row["batch"] for row in found["rows"]} == {1}
    assert found["machine"]["threads"] == 1
    assert found["machine"]["versions"]["torch"]
    assert len(found["method"]) > 1
    assert found["date"].endswith("+00:00")


def test_given_models_are_measured_without_an_export(
    checkpoint: Path, exported: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--checkpoint", checkpoint, *SHORT, "--backends", "onnxruntime")
    assert bench(*options, "--model", exported["fp32"], "--batch", 3, "--size", "32x48") == 0
    printed = capsys.readouterr()
    assert "paper, single-stream, 48x32 px, batch 3, 1 thread," in printed.out
    rows = [line.split()[:2] for line in printed.out.splitlines()]
    assert ["checkpoint", "pytorch"] in rows
    assert ["paper", "onnxruntime"] in rows
    assert ["paper", "openvino"] not in rows
    assert ["checkpoint", "pytorch", "compiled"] not in [line.split()[:3] for line in printed.out.splitlines()]
    assert max(map(len, printed.out.splitlines()[2:5])) <= 100
    assert "…" not in printed.out
    first = [line.partition(": ")[0] for line in printed.err.splitlines()]
    assert set(first) == {"checkpoint / pytorch", "paper / onnxruntime"}  # before all is measured


def test_int8_is_measured_on_request(
    checkpoint: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_exports(monkeypatch, exported, tmp_path)
    asked = ("--precision", "int8", "--backends", "onnxruntime", "--json", tmp_path / "bench.json")
    assert bench("--checkpoint", checkpoint, *SHORT, *asked) == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    rows = [(row["model"], row["backend"], row["precision"]) for row in document["rows"]]
    assert rows == [("checkpoint", "pytorch", "fp32"), ("int8", "onnxruntime", "int8")]
    assert document["missing"] == {}
    assert document["rows"][1]["share_of_peak"] is None  # no peak was measured in 8 bits


def test_a_missing_back_end_is_reported(
    checkpoint: Path, exported: dict[str, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    do_not_compile(monkeypatch)
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "cgan_runtime.backends.openvino", raising=False)
    options = ("--checkpoint", checkpoint, *SHORT, "--model", exported["fp32"])
    assert bench(*options, "--precision", "fp32") == 0
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
        (("--model", "{fp32}", "--backends", "quantum"), "pytorch (works here), tensorrt (not "),
        (("--model", "{fp32}", "--precision", "fp32,int7"), "nothing here computes in int7; there are "),
        (("--model", "{fp32}", "--size", "42"), "give multiples of 4"),
        (("--model", "{fp32}", "--html", "{nowhere}/b.html"), "no folder"),
        (("--model", "{fp32}", "--json", "{nowhere}/b.json"), "no folder"),
        (("--model", "{fp32}", "--json", "{folder}"), "cannot write"),
        (("--model", "{fp32}", "--json", "/proc/b.json"), "cannot write into /proc"),
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
    options = ["--checkpoint", checkpoint, *SHORT]
    assert bench(*options, *given) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert message in printed
    assert printed.count("\n") == 1
    assert not list(tmp_path.glob(".*"))


def test_the_reason_why_a_checkpoint_cannot_be_exported_is_shown(
    tmp_path: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exporter is a process of its own; its error reaches the user."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "onnx.py").write_text("raise ImportError('this onnx is broken')")
    assert bench("--checkpoint", checkpoint, *SHORT) == 1
    printed = capsys.readouterr().err
    assert "could not be exported: " in printed
    assert "this onnx is broken" in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize(
    ("scenario", "batches", "column"), [("offline", "1,4", "frames/s"), ("startup", "1", "first result s")]
)
def test_other_scenarios_have_rows_and_tables_of_their_own(
    scenario: str,
    batches: str,
    column: str,
    checkpoint: Path,
    exported: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = ("--checkpoint", checkpoint, *SHORT, "--model", exported["fp32"], "--backends", "onnxruntime")
    options += ("--scenario", scenario, "--processes", 2)
    path = tmp_path / "bench.json"
    assert bench(*options, "--batch", batches, "--json", path) == 0
    document = json.loads(path.read_text())
    assert document["scenario"] == scenario
    rows = [(row["backend"], row["batch"]) for row in document["rows"]]
    wanted = [(name, int(batch)) for batch in batches.split(",") for name in ("pytorch", "onnxruntime")]
    assert rows == wanted
    for row in document["rows"]:
        assert row["speedup_interval"][0] <= row["speedup"] <= row["speedup_interval"][1]
        if scenario == "startup":
            assert row["p50_ms"] == pytest.approx(row["to_result_s"] * 1e3)
            assert len(row["samples_ms"]) == 2
            assert row["gflops"] is row["share_of_peak"] is None
        else:
            # of a run of all images there are so many operations, and p50 is the time of one
            assert row["gflops"] == pytest.approx(row["gflop"] / row["batch"] / row["p50_ms"] * 1e3)
            assert row["throughput"]["least"] <= row["frames_per_second"] <= row["throughput"]["most"]
    printed = capsys.readouterr().out
    assert column in printed
    assert ("batch" in printed.splitlines()[2]) == ("," in batches)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--runs", "5", "--quick"),
        ("--quick", "--processes", "2"),
        ("--duration", "0"),
        ("--duration", "nan"),
        ("--duration", "inf"),
        ("--scenario", "offline", "--processes", "1"),
        ("--scenario", "video", "--video", "in.mp4", "--quick"),
        ("--scenario", "video", "--video", "in.mp4", "--checkpoint", "runs/mine"),
        ("--scenario", "video", "--video", "in.mp4", "--backends", "onnxruntime,openvino"),
        ("--json", "all.json", "layers"),
        ("--threads", "1", "quality", "--data", "photos"),
        ("quality", "--data", "photos", "--checkpoint", "runs/mine", "--backend", "onnxruntime"),
        ("--batch", "0"),
        ("--batch", "1,,4"),
        ("--scenario", "marathon"),
        ("--size", "x"),
        ("--threads", "-1"),
    ],
)
def test_wrong_options_are_a_usage_error(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert bench(*arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_without_pytorch_it_is_said_what_to_install() -> None:
    hide = (
        "import importlib.util as util, sys\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a)\n"
        "sys.modules['torch'] = None\n"
        "from cgan_benchmarks.cli import main\n"
        "main(sys.argv[1:])"
    )
    for arguments, code in ((["--help"], 0), ([], 1)):
        done = subprocess.run([sys.executable, "-c", hide, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    message = 'error: measuring against PyTorch needs torch; run: pip install "cgan[bench,cpu]"\n'
    assert done.stderr == message


@pytest.mark.slow
def test_pytorch_compiled_stands_beside_eager(
    checkpoint: Path, exported: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if why := torch_variants.why_not_compiled("cpu"):
        pytest.skip(why)
    monkeypatch.setenv("TORCHINDUCTOR_VEC_ISA_OK", "1")  # else its instructions are tried by six compilations
    path = tmp_path / "bench.json"
    options = ("--checkpoint", checkpoint, *SHORT, "--model", exported["fp32"], "--backends", "pytorch")
    assert bench(*options, "--precision", "fp32", "--json", path) == 0
    rows = {row["backend"]: row for row in json.loads(path.read_text())["rows"]}
    assert set(rows) == {"pytorch", "pytorch compiled"}
    assert 0 < rows["pytorch compiled"]["largest_difference"] < 1e-4


@pytest.mark.benchmark
def test_exported_edge_takes_at_most_half_of_eager_pytorchs_time(tmp_path: Path) -> None:
    """256 px, batch 1, two threads, medians of the same run."""
    checkpoint = write_checkpoint(tmp_path / "edge", EDGE)
    assert bench("--checkpoint", checkpoint, "--json", tmp_path / "bench.json") == 0
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["size"] == [256, 256]
    assert document["machine"]["threads"] == 2
    for row in document["rows"][1:]:
        if row["backend"] == "onnxruntime" and row["precision"] == "fp32":
            assert row["speedup_interval"][0] >= 2, row


@pytest.mark.benchmark
def test_the_ratio_is_that_of_a_short_script(tmp_path: Path) -> None:
    """Within ten percent, of a loop that shares no line with cgan-bench."""
    command = [sys.executable, SCRIPT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=untuned_environment())
    options = ("--model", bundled_model(), "--backends", "onnxruntime", "--json", tmp_path / "bench.json")
    assert bench(*options) == 0
    row = json.loads((tmp_path / "bench.json").read_text())["rows"][1]
    assert row["backend"] == "onnxruntime"
    assert row["speedup"] == pytest.approx(float(done.stdout), rel=0.1)
