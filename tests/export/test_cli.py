"""`cgan-export` as a person meets it: files and a few lines, or one line on what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cgan_export.cli import main
from cgan_runtime.manifest import Manifest
from cgan_train.evaluation.comparison_photos import BUNDLED


def export(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    return exit_.value.code


def test_writes_a_model_and_says_how_equal_it_is(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(paper_checkpoint, "-o", tmp_path / "a" / "b", "--fixed") == 0
    printed = capsys.readouterr()
    model = tmp_path / "a" / "b" / "paper.onnx"
    assert Manifest.load(model).parity["photographs"] == "8 that come with cgan"
    heading, *engines, last = printed.out.splitlines()
    assert heading.startswith(f"{model}: ")
    assert "operators" in heading
    assert [line.split()[0] for line in engines] == ["openvino", "onnxruntime"]
    assert "real photographs" in last
    assert printed.err.splitlines() == ["tracing the generator", "comparing paper.onnx with PyTorch"]


def test_half_precision_says_that_no_engine_was_built(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("--fp32", "--fp16", "--weights", "fp16", "--name", "x", "--no-verify")
    assert export(paper_checkpoint, "-o", tmp_path, *arguments) == 0
    printed = capsys.readouterr()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "x-fp16.json", "x-fp16.onnx", "x.json", "x.onnx",
    ]  # fmt: skip
    assert Manifest.load(tmp_path / "x.onnx").weights == "fp16"
    assert printed.out.count("not compared with PyTorch") == 2
    assert printed.err.startswith("tracing the generator\nnote: no TensorRT engine was built")
    assert f"trtexec --onnx={tmp_path / 'x-fp16.onnx'}" in printed.err
    assert "--maxShapes=lightness:4x1x64x64" in printed.err
    assert printed.err.count("\n") == 3


def test_compares_on_photos_of_the_users(paper_checkpoint: Path, tmp_path: Path) -> None:
    shutil.copytree(BUNDLED, tmp_path / "mine")
    (tmp_path / "mine" / "coffee.jpg").unlink()
    assert export(paper_checkpoint, "-o", tmp_path, "--fixed", "-q", "--data", tmp_path / "mine") == 0
    assert Manifest.load(tmp_path / "paper.onnx").parity["photographs"] == "7 of mine"


def spoil(checkpoint: Path, target: Path, key: str, value: object) -> Path:
    shutil.copytree(checkpoint, target)
    document = json.loads((target / "config.json").read_text())
    document[key] = value
    (target / "config.json").write_text(json.dumps(document))
    return target


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("{nowhere}",), "no checkpoint at"),
        (("{text}",), "no checkpoint at"),
        (("{wrong_config}",), "no generator 'unheard'"),
        (("{wrong_widths}",), "do not fit its config.json"),
        (("{cut}",), "does not match its config.json"),
        (("{newer}",), "has version 99; this cgan reads 1"),
        (("{good}", "--size", "40"), "the nearest are 32x32 or 48x48"),
        (("{good}", "--name", "../x"), "cannot be the name of a file"),
        (("{good}", "--data", "{nowhere}"), "no photos at"),
        (("{good}", "-o", "{text}/out"), "cannot write to"),
        (("{good}", "-o", "{text}"), "cannot write to"),
    ],
)
def test_bad_input_is_one_line_and_no_file(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    text = tmp_path / "text"
    text.write_text("no checkpoint")
    cut = tmp_path / "cut"
    shutil.copytree(paper_checkpoint, cut)
    (cut / "generator.safetensors").write_bytes((cut / "generator.safetensors").read_bytes()[:-100])
    unheard = {"name": "unheard", "size": 32, "widths": [8, 8]}
    thin = {"name": "paper", "size": 32, "widths": [8, 8, 8]}
    places = {
        "nowhere": tmp_path / "nowhere",
        "text": text,
        "good": paper_checkpoint,
        "cut": cut,
        "newer": spoil(paper_checkpoint, tmp_path / "newer", "version", 99),
        "wrong_config": spoil(paper_checkpoint, tmp_path / "config", "generator", unheard),
        "wrong_widths": spoil(paper_checkpoint, tmp_path / "widths", "generator", thin),
    }
    out = tmp_path / "out"
    assert export("-o", out, *(argument.format(**places) for argument in arguments)) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert message in printed.err
    assert printed.err.count("\n") == 1
    assert not out.exists() or not list(out.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("--batch", "4"),
        ("--fp16", "--weights", "fp16"),
        ("--all", "--weights", "fp16"),
        ("--no-verify", "--data", "x"),
        ("--calibration", "x"),
        ("--target", "tensorrt-rtx"),
        ("--fp16", "--no-engine", "--version-compatible"),
        ("--hardware-compatible",),
        ("--workspace", "7"),
        ("--fp16", "--workspace", "9999999"),
        ("--triton", __file__),
        ("-q", "verify", "a", "b"),
        ("verify", "a", "b", "--tolerance", "nan"),
        ("--int8", "--weights", "fp16"),
        ("--engine", "--target", "tensorrt-rtx", "--triton", "x"),
        ("--size", "256x"),
        ("--size", "0"),
        ("--size", "-32"),
        ("--size", "twelve"),
        ("--fixed", "--batch", "0"),
        ("--fixed", "--batch", "1:2:4"),
        ("--unheard",),
        ("edge.onnx",),
        ("edge.onnx", "--triton", "x", "--fp16"),
    ],
)
def test_options_that_exclude_each_other_are_a_usage_error(
    arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*arguments) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1


def test_nothing_is_replaced_silently(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "paper.json").write_text("mine")
    arguments = (paper_checkpoint, "-o", tmp_path, "--fixed", "--no-verify")
    with monkeypatch.context() as patch:
        patch.setattr("cgan_export.onnx_files.to_onnx", pytest.fail)  # before the work
        assert export(*arguments) == 1
    message = f"error: {tmp_path / 'paper.json'} exists; give --overwrite to replace it, or another --name or -o\n"
    assert capsys.readouterr().err == message
    assert (tmp_path / "paper.json").read_text() == "mine"
    assert export(*arguments, "--overwrite") == 0
    assert Manifest.load(tmp_path / "paper.onnx")


def test_a_full_folder_is_found_before_the_work(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cgan_export.onnx_files.to_onnx", pytest.fail)
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10**6, 10**6 - 10, 10))
    assert export(paper_checkpoint, "-o", tmp_path / "out") == 1
    assert "has 1 kB free, the files take about " in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("w.pt", "holds weights alone; export their network with cgan-export my_net.py:Net --weights "),
        ("no-config/generator.safetensors", "holds weights alone"),
        ("no-config", "has no config.json, which belongs to its generator.safetensors"),
        ("no-weights", "has no generator.safetensors"),
        ("exported", "holds exported models, no checkpoint; color with one by cgan-run --model "),
    ],
)
def test_what_is_no_checkpoint_is_told_what_it_is(
    name: str, message: str, paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "exported").mkdir()
    for path in (tmp_path / "w.pt", tmp_path / "exported" / "edge.onnx"):
        path.touch()
    for folder, file in (("no-config", "config.json"), ("no-weights", "generator.safetensors")):
        shutil.copytree(paper_checkpoint, tmp_path / folder)
        (tmp_path / folder / file).unlink()
    assert export(tmp_path / name, "-o", tmp_path / "out") == 1
    assert message in capsys.readouterr().err


def test_a_size_is_height_by_width(paper_checkpoint: Path, tmp_path: Path) -> None:
    assert export(paper_checkpoint, "-o", tmp_path, "--fixed", "-q", "--no-verify", "--size", "32x48") == 0
    manifest = Manifest.load(tmp_path / "paper.onnx")
    assert manifest.input.shape == (1, 1, 32, 48)
    assert manifest.parity == {"verified": False}


def test_a_folder_that_stands_where_the_manifest_goes_leaves_no_model(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paper.json").mkdir()
    assert export(paper_checkpoint, "-o", tmp_path, "--fixed", "--no-verify", "--overwrite") == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["paper.json"]


def test_without_pytorch_the_message_says_what_to_install(tmp_path: Path) -> None:
    """In a fresh interpreter that cannot find torch: help works, exporting says what is missing."""
    hide = (
        "import importlib.util as util, sys\n"
        "find = util.find_spec\n"
        "util.find_spec = lambda name, *a: None if name == 'torch' else find(name, *a)\n"
        "sys.modules['torch'] = None\n"
        "from cgan_export.cli import main\n"
        "main(sys.argv[1:])"
    )
    for arguments, code in ((["--help"], 0), (["verify", "--help"], 0), (["-o", str(tmp_path / "out")], 1)):
        done = subprocess.run([sys.executable, "-c", hide, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    assert done.stderr == 'error: exporting needs torch; run: pip install "cgan[export,cpu]"\n'
    assert list(tmp_path.iterdir()) == []


def test_the_terminal_of_a_real_run_is_clean(paper_checkpoint: Path, tmp_path: Path) -> None:
    """What loggers and native code print on their own is seen in a process of its own alone."""
    command = [sys.executable, "-m", "cgan_export.cli", str(paper_checkpoint), "-o", str(tmp_path), "-q"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "paper.onnx").is_file()
