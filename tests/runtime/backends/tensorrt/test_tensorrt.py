"""The TensorRT back end: what it asks of the library, what it refuses, and that all it takes is given back.

Without a GPU its own work is tested against stand-ins (tests/fake_gpu.py) and, where that was built, against
the real pycuda on a driver whose memory is the host's (tests/host_gpu.py).
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import random
import re
import signal
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.conftest import write_tiny_model
from tests.fake_gpu import BINDINGS, forget, install, make_driver, make_tensorrt
from tests.host_gpu import DRIVERS, KIT, on_host_gpu
from tests.paths import ROOT

from cgan_runtime.backends.registry import open_backend
from cgan_runtime.backends.tensorrt.build import BuildOptions, Profile, build_engine
from cgan_runtime.backends.tensorrt.inspector import check_half, check_int8, convolution_precisions
from cgan_runtime.backends.tensorrt.library import load_library
from cgan_runtime.errors import BackendUnavailable, CganError, ConfigError, InputShapeError, ModelFileError
from cgan_runtime.files.cache import cache_folder
from cgan_runtime.manifest import Manifest
from cgan_runtime.network_shape import network_shape

LIGHTNESS = np.linspace(-1, 1, 2 * 64 * 96, dtype=np.float32).reshape(2, 1, 64, 96)

pytest.importorskip("onnx")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[types.ModuleType, types.ModuleType]:
    """TensorRT 10.13 and pycuda as stand-ins, and an empty cache."""
    trt, driver = make_tensorrt(), make_driver()
    install(monkeypatch, trt, driver)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return trt, driver


def test_an_onnx_file_is_built_once_and_run(gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path) -> None:
    trt, driver = gpu
    reported: list[str] = []
    with open_backend(tiny_model, "tensorrt", progress=lambda phase, _part: reported.append(phase)) as backend:
        chroma = backend.chroma(LIGHTNESS).copy()
        np.testing.assert_array_equal(chroma[:, :1], LIGHTNESS * 0.5)
        np.testing.assert_array_equal(chroma[:, 1:], -LIGHTNESS)
        other = LIGHTNESS[:1, :, :, :64].copy()
        assert backend.chroma(other).shape == (1, 2, 64, 64)  # buffers follow the shape
        assert "Fake GPU" in backend.device
    backend.close()  # twice is harmless
    assert set(reported) == {"Building"}
    assert (driver.current, driver.memory, driver.detached) == (0, {}, 1)
    with open_backend(tiny_model, "tensorrt") as again:
        again.chroma(LIGHTNESS)
    assert len(trt.builds) == 1
    with pytest.raises(BackendUnavailable, match="closed"):
        again.chroma(LIGHTNESS)


def test_a_second_input_is_fed_and_zeros_where_it_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trt = make_tensorrt(computing=True)
    install(monkeypatch, trt, make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = write_tiny_model(tmp_path / "hinted.onnx", hints=True)
    hints = np.full((2, 2, 64, 96), 0.25, np.float32)
    with open_backend(model, "tensorrt") as backend:
        plain = backend.chroma(LIGHTNESS).copy()
        hinted = backend.infer({"lightness": LIGHTNESS, "hints": hints})["chroma"]
        np.testing.assert_allclose(np.arctanh(hinted), np.arctanh(plain) + hints, atol=1e-4)
    ((network, config),) = trt.builds
    assert [tensor.name for tensor in network.inputs] == ["lightness", "hints"]
    assert config.profiles


@pytest.mark.parametrize(("refusing", "what"), [("Builder", "build"), ("Runtime", "run")])
def test_cuda_that_does_not_start_is_told(
    refusing: str, what: str, gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As TensorRT 8.5 does on a driver that lacks what it needs."""
    trt, driver = gpu

    def refuse(logger: Any) -> None:
        logger.log(trt.ILogger.WARNING, "CUDA initialization failure with error: 36")
        raise TypeError("pybind11::init(): factory function returned nullptr")

    monkeypatch.setattr(trt, refusing, refuse)
    why = rf"cannot {what} here \(CUDA initialization failure with error: 36\); is the GPU's driver new enough"
    with pytest.raises(BackendUnavailable, match=why):
        open_backend(tiny_model, "tensorrt")
    assert (driver.current, driver.memory, driver.detached) == (0, {}, 1)


@pytest.mark.parametrize("version", ["8.5.3.1", "10.13.2.6"])
def test_the_clock_of_the_gpu_and_its_layers_are_reported(
    version: str, gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    _, driver = gpu
    install(monkeypatch, make_tensorrt(version), driver)
    with open_backend(tiny_model, "tensorrt") as backend:
        assert backend.engine_seconds is None
        backend.chroma(LIGHTNESS)
        assert backend.engine_seconds == pytest.approx(1e-3)  # between the two events
        layers = backend.layers(LIGHTNESS, runs=3)
        assert [(layer.name, layer.ms) for layer in layers] == [("conv1 + relu", 0.5), ("conv2", 0.25)]
        np.testing.assert_array_equal(backend.chroma(LIGHTNESS)[:, 1:], -LIGHTNESS)  # goes on as before
    assert (driver.current, driver.memory, driver.detached) == (0, {}, 1)


def test_another_gpu_or_version_builds_its_own(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for trt, driver in (
        gpu,
        (make_tensorrt(), make_driver(capability=(8, 9))),
        (make_tensorrt("11.4.0.106"), make_driver()),
    ):
        install(monkeypatch, trt, driver)
        open_backend(tiny_model, "tensorrt").close()
        assert len(trt.builds) == 1
    assert len(list((cache_folder() / "engines").glob("*.engine"))) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="the libraries have other names elsewhere")
@pytest.mark.parametrize(
    ("version", "installed", "asked"),
    [("8.5.3.1", (), 0b11000), ("8.5.3.1", ("libcudnn.so.8", "libcublas.so.12"), 0b11101), ("10.3.0", (), 0b11111)],
)
def test_version_8_asks_no_library_for_kernels_that_is_not_installed(
    version: str, installed: tuple[str, ...], asked: int, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> None:
        if name not in installed:
            raise OSError(name)

    trt = make_tensorrt(version)
    install(monkeypatch, trt, make_driver())
    monkeypatch.setattr(ctypes, "CDLL", load)
    build_engine(load_library(), tiny_model.read_bytes(), Profile.around((64, 64), 16), precision="fp32")
    assert trt.builds[0][1].sources == asked


@pytest.mark.parametrize("version", ["8.5.3.1", "10.3.0", "10.13.2.6", "11.4.0.106"])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_precision_is_asked_for_as_the_version_wants_it(
    version: str, precision: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import onnx

    from cgan_export.graph.precision import FORMS

    trt = make_tensorrt(version)
    install(monkeypatch, trt, make_driver())
    content = FORMS[precision].convert(onnx.load(tiny_model)).SerializeToString()
    library = load_library()
    assert build_engine(library, content, Profile.around((64, 64), 16), precision=precision).engine
    network, config = trt.builds[0]
    half = getattr(trt.BuilderFlag, "FP16", None)
    strong = version in ("10.13.2.6", "11.4.0.106")
    assert (half in config.flags_set) == (precision == "fp16" and not strong and half is not None)
    assert all(layer.precision in (None, trt.float16) for layer in network.layers)
    assert config.profiles[0].shapes == ((1, 1, 32, 32), (1, 1, 64, 64), (4, 1, 128, 128))


@pytest.mark.parametrize("version", ["8.5.3.1", "10.13.2.6"])
def test_an_engine_is_called_half_only_if_it_is(
    version: str, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(monkeypatch, make_tensorrt(version, engine_precision="fp32"), driver := make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    half_model(tiny_model)
    with pytest.raises(BackendUnavailable, match="1 of 1 convolutions"):
        open_backend(tiny_model, "tensorrt")
    assert (driver.current, driver.memory, driver.detached) == (0, {}, 1)


def test_a_half_engine_of_free_sizes_is_believed_by_its_weights(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As TensorRT 8.5.3.1 was seen to tell of its engine on an H200."""
    install(monkeypatch, make_tensorrt("8.5.3.1"), make_driver())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    half_model(tiny_model)
    with open_backend(tiny_model, "tensorrt") as backend:
        assert backend.chroma(LIGHTNESS).shape == (2, 2, 64, 96)


def test_a_float_file_with_a_manifest_that_says_half_is_refused(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path
) -> None:
    dataclasses.replace(Manifest.load(tiny_model), precision="fp16").save(tiny_model)
    with pytest.raises(ModelFileError, match="not in half precision"):
        open_backend(tiny_model, "tensorrt")


def half_model(model: Path) -> None:
    """Make the tiny model one of half precision, in place."""
    import onnx

    from cgan_export.graph.precision import FORMS
    from cgan_runtime.manifest import sha256_of

    manifest = Manifest.load(model)
    onnx.save(FORMS["fp16"].convert(onnx.load(model)), model)
    dataclasses.replace(manifest, precision="fp16", sha256=sha256_of(model)).save(model)


def built_engine(model: Path) -> Path:
    """An engine of the tiny model, from the cache, with its manifest."""
    open_backend(model, "tensorrt").close()
    (engine,) = (cache_folder() / "engines").glob("*.engine")
    return engine


@pytest.mark.parametrize(
    ("trt", "driver", "reported"),
    [
        (make_tensorrt("10.14.0"), make_driver(), "version 10.13.2.6, here is 10.14.0"),
        (make_tensorrt(), make_driver(name="Other GPU"), "GPU Fake GPU, here is Other GPU"),
        (make_tensorrt(), make_driver(capability=(9, 0)), "compute capability 8.7, here is 9.0"),
    ],
)
def test_an_engine_of_elsewhere_is_refused_before_it_is_loaded(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path, monkeypatch: pytest.MonkeyPatch,
    trt: types.ModuleType, driver: types.ModuleType, reported: str,
) -> None:  # fmt: skip
    engine = built_engine(tiny_model)
    install(monkeypatch, trt, driver)
    with pytest.raises(ModelFileError, match=reported) as caught:
        open_backend(engine)
    assert "cgan-export" in str(caught.value)
    assert trt.loaded == []


@pytest.mark.parametrize(
    ("kind", "version", "capability", "runs"),
    [
        ("version_compatible", "10.14.0", (8, 7), True),
        ("version_compatible", "10.9.0", (8, 7), False),
        ("version_compatible", "11.4.0", (8, 7), False),
        ("version_compatible", "10.13.2.6", (8, 9), False),
        ("hardware_compatible", "10.13.2.6", (8, 9), True),
        ("hardware_compatible", "10.13.2.6", (7, 5), False),
        ("hardware_compatible", "10.14.0", (8, 7), False),
    ],
)
def test_compatible_engines_run_where_they_may(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path, monkeypatch: pytest.MonkeyPatch,
    kind: str, version: str, capability: tuple[int, int], runs: bool,
) -> None:  # fmt: skip
    engine = built_engine(tiny_model)
    manifest = Manifest.load(engine)
    dataclasses.replace(manifest, engine=manifest.engine | {kind: True}).save(engine)
    install(monkeypatch, make_tensorrt(version), make_driver(capability=capability))
    if runs:
        open_backend(engine).close()
    else:
        with pytest.raises(ModelFileError, match="was built for"):
            open_backend(engine)


def test_an_engine_is_for_its_back_end_alone(gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path) -> None:
    engine = built_engine(tiny_model)
    with pytest.raises(ConfigError, match="is a TensorRT engine"):
        open_backend(engine, "onnxruntime")
    with open_backend(engine) as backend:
        assert backend.name == "tensorrt"
        with pytest.raises(InputShapeError, match="1 to 4 of 32x32 to 128x128"):
            backend.chroma(np.zeros((1, 1, 16, 64), np.float32))
        with pytest.raises(InputShapeError, match="expected"):
            backend.chroma(np.zeros((1, 1, 40, 64), np.float32))
        backend.chroma(LIGHTNESS)


def test_damage_never_reaches_the_library(gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path) -> None:
    trt, _ = gpu
    engine = built_engine(tiny_model)
    content, document = engine.read_bytes(), Manifest.path_for(engine).read_text()
    trt.loaded.clear()
    rng = random.Random(7)
    for _ in range(100):
        damaged, reported = bytearray(content), document
        if rng.random() < 0.7:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
            damaged = damaged[: rng.choice([0, 1, 100, len(damaged)])]
        else:
            place = rng.randrange(len(reported))
            reported = (
                reported[:place] + rng.choice(["", "{", "\x00", "9", '"']) + reported[place + rng.randrange(1, 60) :]
            )
        engine.write_bytes(damaged)
        Manifest.path_for(engine).write_text(reported)
        try:
            open_backend(engine).close()
        except CganError:
            continue
        # What was damaged says nothing that decides, such as the file's own history.
        assert bytes(damaged) == content
    assert all(seen == content for seen in trt.loaded)


def test_a_damaged_cache_is_built_anew(gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path) -> None:
    trt, _ = gpu
    engine = built_engine(tiny_model)
    engine.write_bytes(b"half an engine")
    open_backend(tiny_model, "tensorrt").close()
    assert len(trt.builds) == 2
    assert Manifest.load(engine).engine["library"] == "tensorrt"


def test_what_cannot_be_read_is_named(gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path) -> None:
    import onnx

    library = load_library()
    with pytest.raises(ModelFileError, match="no protobuf"):
        build_engine(library, b"no onnx", Profile.exactly(1, 64, 64), precision="fp32")
    model = onnx.load(tiny_model)
    model.graph.node[1].op_type = "StrangeTanh"
    with pytest.raises(ModelFileError, match="StrangeTanh no importer"):
        build_engine(library, model.SerializeToString(), Profile.exactly(1, 64, 64), precision="fp32")


@pytest.mark.parametrize(
    ("number", "raised", "code"),
    [
        (signal.SIGINT, KeyboardInterrupt, None),
        (signal.SIGTERM, SystemExit, 143),
        pytest.param(
            getattr(signal, "SIGHUP", None),
            SystemExit,
            129,
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP"),
        ),
    ],
)
def test_a_build_can_be_stopped_and_leaves_nothing(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path,
    number: signal.Signals, raised: type[BaseException], code: int | None,
) -> None:  # fmt: skip
    def interrupt(_phase: str, part: float) -> None:
        if part == 0:
            try:
                os.kill(os.getpid(), number)
            except SystemExit:
                pytest.fail("raised inside the library's call, where it is lost")

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    before = signal.getsignal(number)
    if number != signal.SIGINT:
        signal.signal(number, leave)  # as a command does
    try:
        with pytest.raises(raised) as caught:
            open_backend(tiny_model, "tensorrt", progress=interrupt)
    finally:
        signal.signal(number, before)
    assert getattr(caught.value, "code", None) == code
    assert not [path for path in cache_folder().rglob("*") if path.is_file()]
    assert gpu[1].detached == 1
    open_backend(tiny_model, "tensorrt").close()


def test_measured_timings_are_kept_and_foreign_ones_left_out(
    gpu: tuple[types.ModuleType, types.ModuleType], tiny_model: Path
) -> None:
    built_engine(tiny_model)
    (timings,) = cache_folder().glob("*.timing")
    assert timings.read_bytes() == b"measured"
    library, content = load_library(), tiny_model.read_bytes()
    for known, kept in ((b"known ", b"known measured"), (b"foreign", b"measured")):
        options = BuildOptions(timing_cache=known)
        built = build_engine(library, content, Profile.exactly(1, 64, 64), precision="fp32", options=options)
        assert built.timing_cache == kept


def test_missing_parts_are_reported(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pycuda", None)
    forget(monkeypatch)
    with pytest.raises(BackendUnavailable, match="pip install tensorrt pycuda"):
        open_backend(tiny_model, "tensorrt")
    with pytest.raises(BackendUnavailable, match="take tensorrt or tensorrt-rtx"):
        load_library("tensorflow")


def test_the_cuda_provider_is_never_taken_for_granted(tiny_model: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this onnxruntime has the CUDA provider; tests marked gpu run it")
    with pytest.raises(BackendUnavailable, match="no CUDA provider"):
        open_backend(tiny_model, "cuda")


def test_profiles_rise() -> None:
    wide = Profile.around((256, 384), 32)  # 320x320 has as many pixels
    assert wide.optimum == (1, 256, 384)
    for aspect in (1 / 4, 0.7, 1, 4):
        assert wide.takes((2, 1, *network_shape(aspect, 320, 32)))
    assert Profile.around((32, 1024), 32).takes((1, 1, 32, 1024))
    assert not Profile.around((256, 384), 32).takes((5, 1, 256, 384))
    assert Profile.exactly(1, 64, 64).takes((1, 1, 64, 64))
    with pytest.raises(ConfigError, match="must not fall"):
        Profile((1, 64, 64), (1, 32, 64), (1, 64, 64))


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("Channel major FP16 format where channel % 8 == 0", "fp16"),
        ("Half", "fp16"),
        ("Row major linear FP32", "fp32"),
        ("Thirty-two wide channel vectorized row major Int8 format", "int8"),
        ("E4M3", "other"),
    ],
)
def test_inspectors_of_all_versions_are_understood(words: str, found: str) -> None:
    conv = {"Name": "a", "LayerType": "Convolution", "Inputs": [{"Format/Datatype": words}]}
    other = {"Name": "b", "LayerType": "Reformat", "Inputs": [{"Format/Datatype": "Float"}]}
    information = json.dumps({"Layers": [conv, other, "a name alone"]})
    assert convolution_precisions(information) == {"a": found}
    if found == "int8":
        check_int8({"a": found, "b": "fp32"})
    else:
        with pytest.raises(BackendUnavailable, match="8 bits"):
            check_int8({"a": found})
    if found == "fp16":
        check_half({"a": found})
    else:
        with pytest.raises(BackendUnavailable, match="half"):
            check_half({"a": found})


@pytest.mark.parametrize(("weights", "found"), [("Half", "fp16"), ("Float", "fp32"), ("", "other")])
def test_where_formats_are_missing_the_type_of_the_weights_counts(weights: str, found: str) -> None:
    """TensorRT 8.5 on an H200, of an engine of free sizes."""
    layer: dict[str, Any] = {"Name": "a", "LayerType": "CaskConvolution"}
    layer["Inputs"] = [{"Name": "x", "Dimensions": [-1], "Format/Datatype": "N/A due to dynamic shapes"}]
    layer["Weights"] = {"Type": weights, "Count": 5760} if weights else 0
    assert convolution_precisions(json.dumps({"Layers": [layer]})) == {"a": found}
    for format_, reported in (("Row major linear FP32", "fp32"), ("Row major BF16", "other")):
        layer["Inputs"][0]["Format/Datatype"] = format_  # where it is reported it decides
        assert convolution_precisions(json.dumps({"Layers": [layer]})) == {"a": reported}


@pytest.mark.parametrize("information", ["", "[]", '{"Layers": []}', '{"Layers": ["a"]}'])
def test_an_inspector_that_reports_nothing_proves_nothing(information: str) -> None:
    with pytest.raises(BackendUnavailable, match="no convolution"):
        check_half(convolution_precisions(information))


@pytest.mark.parametrize("version", ["10.16.1.11", "11.4.0.106"])
def test_the_stand_in_offers_only_names_of_the_real_bindings(version: str) -> None:
    path = KIT / "api" / f"api-{version}.json"
    if not path.is_file():
        pytest.skip(f"no list of the names of TensorRT {version} at {path}")
    real, trt = json.loads(path.read_text()), make_tensorrt(version)
    for name in (name for name in vars(trt) if not name.startswith("_") and name not in ("builds", "loaded")):
        assert name in real or name in ("float16", "float32"), name
        offered = {part for part in getattr(getattr(trt, name), "__dict__", {}) if not part.startswith("_")}
        offered.discard("name")  # of every value of an enumeration
        if name in BINDINGS:
            assert offered <= set(real[name]["methods"]), name
        elif isinstance(real.get(name), list):
            assert offered <= set(real[name]), name


_ON_REAL_PYCUDA = """
import sys, numpy as np
from pathlib import Path
sys.path.insert(0, {root!r})
from tests.fake_gpu import make_tensorrt
import importlib.machinery
trt = make_tensorrt(); trt.__spec__ = importlib.machinery.ModuleSpec("tensorrt", None)
sys.modules["tensorrt"] = trt
from cgan_runtime.backends.registry import open_backend
x = np.linspace(-1, 1, 64 * 96, dtype=np.float32).reshape(1, 1, 64, 96)
for _ in range(3):
    with open_backend(Path({model!r}), "tensorrt") as backend:
        for side in (96, 64, 96):
            given = np.ascontiguousarray(x[..., :side])
            answer = backend.chroma(given)
            assert np.array_equal(answer[:, 1:], -given), "wrong answer"
            assert backend.layers(given, 2)
            assert backend.engine_seconds >= 0
        kept = answer
    backend.close()
    assert np.isfinite(kept).all()
print("ran on", backend.device, "after", len(trt.builds), "build")
"""


@pytest.mark.parametrize("driver", DRIVERS)
def test_it_runs_on_the_real_pycuda(tiny_model: Path, tmp_path: Path, driver: str) -> None:
    environment = on_host_gpu(tmp_path / "driver", driver)
    script = _ON_REAL_PYCUDA.format(root=str(ROOT), model=str(tiny_model))
    ran = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment | {"XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"ran on (Host memory|Null GPU), .* after 1 build", ran.stdout)
    assert "Warning" not in ran.stderr
    assert "Error" not in ran.stderr
    if driver == "own":
        reported = "left: 0 contexts, 0 on the device, 0 pinned, 0 streams, 0 events; 0 mistakes"
        assert ran.stderr.splitlines() == [f"host driver: {reported}"]


_WRONG = {
    "no context is current": "gpu = Gpu(); driver.mem_alloc(8)",
    "the context goes before what lives in it": (
        "gpu = Gpu(); gpu._context.push(); kept = driver.mem_alloc(8); gpu._context.pop(); gpu.close()"
    ),
    "left: 0 contexts, 1 on the device": (
        "gpu = Gpu(); gpu._context.push(); kept = driver.mem_alloc(8); gpu._context.pop(); gpu.close()"
    ),
}


@pytest.mark.parametrize("reported", _WRONG)
def test_the_driver_of_the_tests_detects_mistakes(tmp_path: Path, reported: str) -> None:
    imports = "from cgan_runtime.backends.tensorrt.device import Gpu; import pycuda.driver as driver"
    command = [sys.executable, "-c", f"{imports}; {_WRONG[reported]}"]
    environment = os.environ | on_host_gpu(tmp_path)
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert reported in ran.stderr
