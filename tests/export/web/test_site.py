"""`cgan-export --target web` writes a folder for any web server: its files, its engine, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import write_manifest, write_tiny_model
from tests.export.web.npm import stand_ins
from tests.export.web.static_server import served

from cgan_export.cli import main
from cgan_export.web.engine import Package, engine_files
from cgan_export.web.site import POLICY
from cgan_runtime.errors import ConfigError
from cgan_runtime.manifest import Manifest

ADDRESS = re.compile(rb"""(?:src|href|fetch\(|import\(|from|url\()[=("' ]*https?://""")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny.onnx")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stand_ins(tmp_path / "packages", monkeypatch)
    return tmp_path / "packages"


def export(*arguments: object) -> int | str | None:
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in ("--target", "web", *arguments)])
    return exit_.value.code


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_writes_a_site_that_knows_its_files(
    model: Path, packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "a" / "site"
    assert export(model, "-o", site, "--engine-from", packages) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{site}: ")
    assert "python -m http.server" in printed.out
    assert printed.err == f"writing {site}\n"
    files = files_of(site)
    assert files["model.onnx"] == model.read_bytes()
    assert files["ort-wasm-core.wasm"] == b"dist/ort-wasm-simd-threaded.wasm"
    found = re.search(rb"const FILES = (\{.*?\})", files["sw.js"], re.DOTALL)
    assert found is not None
    known = json.loads(found[1])
    assert known == {n: hashlib.sha256(d).hexdigest()[:16] for n, d in files.items() if n != "sw.js"}
    for name in ("index.html", "sw.js"):
        assert POLICY.encode() in files[name]
    about = json.loads(files["site.json"])
    assert about["model"]["inputs"] == [{"name": "lightness", "shape": ["n", 1, "h", "w"]}]
    assert about["sizes"]["model"] == model.stat().st_size


def test_every_file_that_the_page_names_is_there_and_none_is_elsewhere(
    model: Path, packages: Path, tmp_path: Path
) -> None:
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages, "-q") == 0
    files = files_of(tmp_path / "site")
    own = {name: data for name, data in files.items() if not name.startswith(("ort-", "mediabunny"))}
    for name, data in own.items():
        assert ADDRESS.search(data) is None, name
        imported = re.findall(rb"""(?:from|import\() ?"\./([^"]+)""", data)
        linked = re.findall(rb"""(?:href|src)="([a-z.]+)\"""", data) if name.endswith((".html", ".webmanifest")) else []
        assert {each.decode() for each in imported + linked} <= files.keys(), name


def test_the_page_has_every_element_that_its_modules_name(model: Path, packages: Path, tmp_path: Path) -> None:
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages, "-q") == 0
    files = files_of(tmp_path / "site")
    there = set(re.findall(rb'id="([\w-]+)"', files["index.html"]))
    assert b"<!-- shared" not in files["index.html"]  # the parts that the page has from the served one are put in
    for name, data in files.items():
        if name.endswith(".js") and not name.startswith(("ort-", "mediabunny")):
            assert set(re.findall(rb'\$\("([\w-]+)"\)', data)) <= there, name


def test_the_site_of_the_shipped_model_needs_no_pytorch(packages: Path, tmp_path: Path) -> None:
    assert export("-o", tmp_path / "site", "--engine-from", packages, "-q") == 0
    assert json.loads((tmp_path / "site" / "site.json").read_text())["model"]["name"] == "edge"


def test_a_checkpoint_is_exported_first(packages: Path, paper_checkpoint: Path, tmp_path: Path) -> None:
    assert export(paper_checkpoint, "-o", tmp_path / "site", "--engine-from", packages, "-q", "--no-verify") == 0
    about = json.loads((tmp_path / "site" / "site.json").read_text())
    assert about["model"]["name"] == "paper"
    assert about["sizes"]["model"] == (tmp_path / "site" / "model.onnx").stat().st_size


def test_replaces_a_site_only_if_that_is_asked_for(
    model: Path, packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "sw.js").write_text("mine")
    (site / "CNAME").write_text("example.org")
    assert export(model, "-o", site, "--engine-from", packages) == 1
    assert "exists; give --overwrite" in capsys.readouterr().err
    assert {path.name for path in site.iterdir()} == {"sw.js", "CNAME"}
    assert export(model, "-o", site, "--engine-from", packages, "--overwrite") == 0
    assert (site / "sw.js").read_text() != "mine"
    assert (site / "CNAME").read_text() == "example.org"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precision": "fp16", "weights": "fp16"}, "computes in half precision"),
        ({"engine": {"library": "tensorrt"}}, "an engine for one machine"),
    ],
)
def test_refuses_models_that_browsers_do_not_run(
    change: dict[str, object], message: str, model: Path, packages: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    path = Manifest.path_for(model)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_refuses_a_package_that_is_not_the_pinned_one(
    model: Path, packages: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (packages / "mediabunny-1.2.3.tgz").open("ab") as file:
        file.write(b"more")
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages) == 1
    assert "is not mediabunny 1.2.3 as it is pinned" in capsys.readouterr().err
    (packages / "mediabunny-1.2.3.tgz").unlink()
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages) == 1
    assert "npm pack onnxruntime-web@1.2.3 mediabunny@1.2.3" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


@pytest.fixture
def registry(packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A registry of npm with these packages, and an empty cache; yields what is asked for."""
    root = tmp_path / "registry"
    for file in packages.iterdir():
        name = file.name.rpartition("-")[0]
        (root / name / "-").mkdir(parents=True)
        (root / name / "-" / file.name).symlink_to(file)
    asked: list[str] = []
    with served(root, asked) as origin:
        monkeypatch.setenv("npm_config_registry", f"{origin}/")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield asked


def test_the_engine_is_fetched_once(registry: list[str], tmp_path: Path) -> None:
    first = engine_files()
    wanted = ["/onnxruntime-web/-/onnxruntime-web-1.2.3.tgz", "/mediabunny/-/mediabunny-1.2.3.tgz"]
    assert registry == wanted
    assert engine_files() == first
    assert registry == wanted
    (tmp_path / "cache" / "cgan" / "npm" / "mediabunny-1.2.3.tgz").write_bytes(b"cut off")
    assert engine_files() == first
    assert registry == [*wanted, wanted[1]]


def test_without_network_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("npm_config_registry", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert export(model, "-o", tmp_path / "site") == 1
    error = capsys.readouterr().err.strip()
    assert "cannot fetch http://127.0.0.1:9/onnxruntime-web/" in error
    assert "--engine-from" in error
    assert not (tmp_path / "site").exists()


def test_what_comes_is_checked_against_the_lock_file(registry: list[str], packages: Path) -> None:
    (packages / "mediabunny-1.2.3.tgz").write_bytes(b"something else")
    with pytest.raises(ConfigError, match=r"is not mediabunny 1\.2\.3"):
        engine_files()
    assert len(registry) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--fp16",), "--fp16 would have no effect with --target web"),
        (("x.onnx", "--no-verify", "--generator", "a.py:B"), "--generator, --no-verify would have no effect"),
    ],
)
def test_refuses_options_without_effect(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(*arguments) == 2
    assert message in capsys.readouterr().err.replace("\n", " ")


def test_the_engines_folder_is_for_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--engine-from", str(tmp_path)])
    assert "--engine-from is for a page" in capsys.readouterr().err


def test_the_lock_file_pins_what_package_json_names() -> None:
    from cgan_export.web.engine import packages as real

    assert all(isinstance(package, Package) and package.integrity.startswith("sha512-") for package in real())


def test_fixed_sizes_are_told_to_the_page(packages: Path, tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "fixed.onnx", shape=(64, 96))
    write_manifest(model, shape=(64, 96))
    assert export(model, "-o", tmp_path / "site", "--engine-from", packages, "-q") == 0
    assert json.loads((tmp_path / "site" / "site.json").read_text())["model"]["fixed"] == [64, 96]
