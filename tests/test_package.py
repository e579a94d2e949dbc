"""What is installed: the wheel's files, what it requires, the pinned versions, and the sample video."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import zipfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, entry_points, requires

import av
import numpy as np
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from tests.paths import ROOT

PACKAGES = {"cgan_runtime", "cgan_train", "cgan_export", "cgan_benchmarks"}
SCRIPTS = {
    "cgan-run": "cgan_runtime.__main__:main",
    "cgan-doctor": "cgan_runtime.doctor.__main__:main",
    "cgan-train": "cgan_train.__main__:main",
    "cgan-export": "cgan_export.__main__:main",
    "cgan-bench": "cgan_benchmarks.__main__:main",
}
DATA = {f"{package}/py.typed" for package in PACKAGES} | {
    "cgan_runtime/models/edge.onnx",
    "cgan_runtime/models/edge.json",
    "cgan_runtime/models/edge-vivid.onnx",
    "cgan_runtime/models/edge-vivid.json",
    "cgan_runtime/doctor/probes/expected.json",
    "cgan_train/checkpoints/edge/config.json",
    "cgan_train/checkpoints/edge/generator.safetensors",
    "cgan_train/checkpoints/edge-vivid/config.json",
    "cgan_train/checkpoints/edge-vivid/generator.safetensors",
    "cgan_benchmarks/render/html/style.css",
    "cgan_benchmarks/turing/page.html",
    "cgan_export/web/package.json",
    "cgan_export/web/package-lock.json",
}
PAGE = re.compile(r"(cgan_runtime/live/server|cgan_export/web)/page/[a-z_]+\.(html|css|js|svg|txt|webmanifest)")
PHOTOS = re.compile(r"cgan_train/evaluation/photos/([a-z-]+\.jpg|README\.md)")
OPENCV = "opencv-python-headless" if sys.platform == "linux" else "opencv-python"
EDGE = {"av", "click", "numpy", OPENCV, "pillow", "rich"}
NEVER_AT_THE_EDGE = {"torch", "tensorrt", "pycuda", "onnx", "onnxscript", "safetensors"}
PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SAMPLE_LIMIT = 1_000_000  # bytes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_wheel_holds_the_four_packages_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == PACKAGES
    assert {
        name for name in names if not name.endswith(".py") and not PHOTOS.fullmatch(name) and not PAGE.fullmatch(name)
    } == DATA


def test_wheel_carries_the_license(wheel: zipfile.ZipFile) -> None:
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel.namelist())


def test_wheel_has_the_commands(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    lines = wheel.read(name).decode().splitlines()
    assert set(lines) - {""} == {"[console_scripts]", *(f"{k} = {v}" for k, v in SCRIPTS.items())}


@pytest.mark.parametrize("script", SCRIPTS)
def test_command_can_be_loaded(script: str) -> None:
    (entry,) = entry_points(group="console_scripts", name=script)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert callable(entry.load())
    finally:  # an entry point takes Ctrl-C as soon as it is imported
        signal.signal(signal.SIGINT, before)


def test_plain_install_is_the_edge_runtime(metadata: Message) -> None:
    requirements = map(Requirement, metadata.get_all("Requires-Dist", []))
    plain = {r.name for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert plain == EDGE


def test_run_environment_never_holds_a_framework(metadata: Message) -> None:
    needed = closure(metadata, "cpu", python=PYTHONS[1])
    assert {"onnxruntime", "numpy"} < needed
    assert needed & NEVER_AT_THE_EDGE == set()


def test_no_pin_names_a_place() -> None:
    for pin in pins():
        assert re.fullmatch(r"==[0-9.]+(post\d+)?", str(pin.specifier)), pin
        assert pin.url is None


def test_torch_is_the_one_release_that_is_tested() -> None:
    assert [str(pin) for pin in pins() if pin.name == "torch"] == ["torch==2.13.0"]


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_that_is_installed_is_pinned_once(metadata: Message, python: str) -> None:
    # What a build of torch for CUDA brings, torch pins itself.
    accelerator = ("nvidia-", "cuda-", "triton")
    needed = {n for n in closure(metadata, "dev", python=python) - {"cgan"} if not n.startswith(accelerator)}
    valid = [canonicalize_name(pin.name) for pin in pins() if holds(pin, "", python)]
    assert len(valid) == len(set(valid))
    assert needed - set(valid) == set()


def test_pins_lie_within_the_ranges_of_the_project(metadata: Message) -> None:
    own = map(Requirement, metadata.get_all("Requires-Dist", []))
    ranges = {canonicalize_name(r.name): r for r in own if r.name != "cgan"}
    for pin in pins():
        if wanted := ranges.get(canonicalize_name(pin.name)):
            (version,) = (spec.version for spec in pin.specifier)
            assert wanted.specifier.contains(version), f"{pin} is not within {wanted}"


def test_sample_video_is_small_gray_and_has_sound() -> None:
    path = ROOT / "samples" / "sample.mp4"
    assert path.stat().st_size < SAMPLE_LIMIT
    with av.open(str(path)) as container:
        assert len(container.streams.audio) == 1
        frames = [frame.to_ndarray() for frame in container.decode(video=0)]
    height = frames[0].shape[0] * 2 // 3  # the luma rows of yuv420p; U and V follow
    assert len(frames) > 100
    assert {int(value) for frame in frames for value in np.unique(frame[height:])} == {128}
    assert float(np.std(frames[len(frames) // 2][:height])) > 20


def pins() -> list[Requirement]:
    """The lines of constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def holds(requirement: Requirement, extra: str, python: str) -> bool:
    """Whether a requirement counts for an extra, on this platform but another Python."""
    environment = {"extra": extra, "python_version": python, "python_full_version": f"{python}.0"}
    return requirement.marker is None or requirement.marker.evaluate(environment)


def closure(metadata: Message, extra: str, *, python: str) -> set[str]:
    """All that cgan with one extra needs, itself included, by the metadata of what is installed here.

    A package that only another Python needs, and so is not installed, counts but is not looked into.
    """
    found: set[tuple[str, str]] = set()
    ahead = {("cgan", ""), ("cgan", extra)}
    while ahead:
        found |= ahead
        ahead = set().union(*(needs(*item, metadata, python) for item in ahead)) - found
    return {package for package, _ in found}


def needs(package: str, extra: str, metadata: Message, python: str) -> set[tuple[str, str]]:
    """What a package with one extra asks for: names, each with every extra asked of it and with none."""
    try:
        lines = metadata.get_all("Requires-Dist", []) if package == "cgan" else requires(package) or []
    except PackageNotFoundError:
        return set()
    asked = [requirement for requirement in map(Requirement, lines) if holds(requirement, extra, python)]
    return {(canonicalize_name(r.name), more) for r in asked for more in ("", *r.extras)}
