"""The contract that every back end keeps, and the registry that opens them.

One suite runs over the fake and over each engine that is installed here.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.conftest import TINY_MULTIPLE, write_manifest, write_tiny_model
from tests.fakes import FakeBackend

from cgan_runtime import models
from cgan_runtime.backends import registry
from cgan_runtime.backends.base import Backend, FloatArray
from cgan_runtime.backends.registry import BACKENDS, BackendEntry, available_backends, open_backend, usable_backends
from cgan_runtime.errors import BackendUnavailable, ConfigError, InputShapeError, ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

ENGINES = usable_backends()
MAX_GROWTH = 130  # 10^6 bytes over 90 runs of 60 shapes; with its usual cache OpenVINO takes 230, ours 100
MISSING = BackendEntry("cgan_runtime.backends.no_such_engine", "NoBackend", "pip install no-such-engine")

Open = Callable[[], Backend]


def lightness(count: int = 1, height: int = 32, width: int = 48, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 1, height, width)).astype(np.float32)


@pytest.fixture(params=["fake", *ENGINES])
def backend_opener(request: pytest.FixtureRequest, tiny_model: Path) -> Open:
    name: str = request.param
    return FakeBackend if name == "fake" else lambda: open_backend(tiny_model, name, threads=1)


class TestContract:
    """What `cgan_runtime.backends.base` promises."""

    @pytest.mark.parametrize("shape", [(1, 32, 48), (1, 16, 16), (3, 48, 32)])
    def test_chroma_has_the_shape_of_the_lightness(self, backend_opener: Open, shape: tuple[int, int, int]) -> None:
        given = lightness(*shape)
        kept = given.copy()
        with backend_opener() as backend:
            chroma = backend.chroma(given)
        assert chroma.shape == (shape[0], 2, *shape[1:])
        assert chroma.dtype == np.float32
        assert 0 < np.abs(chroma).max() <= 1
        assert (given == kept).all()

    def test_an_image_gives_the_same_result_alone_and_in_a_batch(self, backend_opener: Open) -> None:
        given = lightness(3)
        with backend_opener() as backend:
            together = backend.chroma(given).copy()
            for index in range(3):
                assert backend.chroma(given[index : index + 1])[0] == pytest.approx(together[index], abs=1e-6)

    def test_sizes_may_change_from_call_to_call(self, backend_opener: Open) -> None:
        with backend_opener() as backend:
            first = backend.chroma(lightness()).copy()
            backend.chroma(lightness(1, 64, 16))
            assert (backend.chroma(lightness()) == first).all()

    def test_a_view_with_strides_is_taken(self, backend_opener: Open) -> None:
        wide = lightness(1, 32, 96)
        with backend_opener() as backend:
            from_view = backend.chroma(wide[..., ::2]).copy()
            assert (from_view == backend.chroma(wide[..., ::2].copy())).all()

    @pytest.mark.parametrize(
        "bad",
        [
            lightness()[0],
            lightness().astype(np.float64),
            lightness(1, 32, 40),
            lightness(1, 31, 48),
            lightness().repeat(3, axis=1),
            lightness()[:0],
            lightness()[..., :0],
        ],
    )
    def test_other_arrays_are_refused(self, backend_opener: Open, bad: npt.NDArray[np.float32]) -> None:
        with backend_opener() as backend, pytest.raises(InputShapeError, match=f"multiples of {TINY_MULTIPLE}"):
            backend.chroma(bad)

    def test_closing_twice_is_harmless_and_closed_is_closed(self, backend_opener: Open) -> None:
        backend = backend_opener()
        backend.close()
        backend.close()
        with pytest.raises(BackendUnavailable, match="is closed"):
            backend.chroma(lightness())

    def test_one_thread_at_a_time_uses_it(self) -> None:
        begun, go_on = Event(), Event()

        def wait(given: FloatArray) -> FloatArray:
            begun.set()
            go_on.wait(10)
            return given.repeat(2, axis=1)

        with FakeBackend(wait) as backend, ThreadPoolExecutor() as pool:
            first = pool.submit(backend.chroma, lightness())
            begun.wait(10)
            with pytest.raises(BackendUnavailable, match=r"another thread is .* open a Colorizer for each thread"):
                backend.chroma(lightness())
            go_on.set()
            assert first.result().shape == backend.chroma(lightness()).shape

    def test_it_describes_itself(self, backend_opener: Open) -> None:
        with backend_opener() as backend:
            assert backend.name in ("fake", *ENGINES)
            assert backend.device
            assert backend.manifest.size_multiple == TINY_MULTIPLE


@pytest.mark.parametrize("name", ENGINES)
class TestEngines:
    """What only real engines can get wrong."""

    def test_the_numbers_are_right(self, name: str, tiny_model: Path) -> None:
        given = lightness()
        padded = np.pad(given[0, 0], 1)
        left, middle, right = padded[1:-1, :-2], padded[1:-1, 1:-1], padded[1:-1, 2:]
        expected = np.tanh([0.3 * middle + 0.5 * (right - left), 0.4 * middle])
        with open_backend(tiny_model, name) as backend:
            assert backend.chroma(given)[0] == pytest.approx(expected, abs=1e-5)

    def test_a_second_input_is_fed_and_zeros_where_it_is_left_out(self, name: str, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "hinted.onnx", hints=True)
        given, hints = lightness(), np.zeros((1, 2, 32, 48), np.float32)
        with open_backend(path, name, threads=1) as backend:
            plain = backend.chroma(given).copy()
            assert (backend.infer({"lightness": given, "hints": hints})["chroma"] == plain).all()
            hints[:, 0, 8:16] = 0.5
            hinted = backend.infer({"lightness": given, "hints": hints})["chroma"]
            assert np.arctanh(hinted) == pytest.approx(np.arctanh(plain) + hints, abs=1e-4)
            assert backend.layers(given, runs=1)

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            ({"mask": lightness()}, "got an input 'mask'; this model takes lightness, hints"),
            ({"hints": lightness()}, "got no lightness"),
            ({"lightness": lightness(), "hints": lightness()}, r"expected float32 \(n, 2, h, w\)"),
            ({"lightness": lightness(), "hints": lightness(2).repeat(2, 1)}, r"expected \(1, 2, 32, 48\)"),
            ({"lightness": lightness(), "hints": lightness(1, 16).repeat(2, 1)}, r"expected \(1, 2, 32, 48\)"),
        ],
    )
    def test_other_inputs_are_refused(
        self, name: str, inputs: dict[str, FloatArray], message: str, tmp_path: Path
    ) -> None:
        path = write_tiny_model(tmp_path / "hinted.onnx", hints=True)
        with open_backend(path, name, threads=1) as backend, pytest.raises(InputShapeError, match=message):
            backend.infer(inputs)

    def test_a_folder_whose_name_is_not_text(self, name: str, tiny_model: Path, tmp_path: Path) -> None:
        folder = tmp_path / os.fsdecode(b"m\xff")
        try:
            folder.mkdir()
        except (OSError, UnicodeError):
            pytest.skip("this file system has no such names")
        for path in (tiny_model, Manifest.path_for(tiny_model)):
            (folder / path.name).write_bytes(path.read_bytes())
        with open_backend(folder / tiny_model.name, name) as backend:
            assert backend.chroma(lightness()).shape == (1, 2, *lightness().shape[2:])

    def test_threads_are_taken(self, name: str, tiny_model: Path) -> None:
        with open_backend(tiny_model, name, threads=1) as backend:
            assert backend.device == "CPU, 1 thread"

    def test_what_the_cpu_computes_in_is_said_and_near(self, name: str, tiny_model: Path) -> None:
        given = lightness()
        with open_backend(tiny_model, name, threads=1) as backend:
            exact = backend.chroma(given).copy()
        with open_backend(tiny_model, name, threads=1, precision="auto") as backend:
            rounded = backend.chroma(given).copy()
            said = backend.device
            assert (backend.chroma(given) == rounded).all()
        assert said in ("CPU, 1 thread", "CPU, 1 thread, bf16")
        assert ("bf16" in said) == bool((rounded != exact).any())
        assert rounded == pytest.approx(exact, abs=0.02)
        if "bf16" not in said:
            with pytest.raises(BackendUnavailable, match="leave --precision out"):
                open_backend(tiny_model, name, threads=1, precision="bf16")

    def test_layers_are_timed_and_the_answers_stay(self, name: str, tiny_model: Path) -> None:
        with open_backend(tiny_model, name, threads=1) as backend:
            before = backend.chroma(lightness()).copy()
            layers = backend.layers(lightness(), runs=3)
            assert any("conv" in layer.kind.lower() for layer in layers)
            assert all(layer.ms >= 0 and layer.name for layer in layers)
            assert 0 < sum(layer.ms for layer in layers) < 10_000
            assert (backend.chroma(lightness()) == before).all()
            with pytest.raises(InputShapeError):
                backend.layers(lightness(1, 31, 48), runs=1)

    def test_a_fixed_size_is_kept_to(self, name: str, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "fixed.onnx", shape=(32, 64))
        with open_backend(path, name) as backend:
            assert backend.chroma(lightness(1, 32, 64)).shape == (1, 2, 32, 64)
            with pytest.raises(InputShapeError, match="only"):
                backend.chroma(lightness(1, 64, 32))

    @pytest.mark.parametrize("damage", ["text", "empty", "truncated", "zeros"])
    def test_a_file_that_is_not_onnx_is_refused_in_one_line(
        self, name: str, damage: str, tiny_model: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        whole = tiny_model.read_bytes()
        broken = {
            "text": b"this is no model\n",
            "empty": b"",
            "truncated": whole[: len(whole) // 2],
            "zeros": bytes(500),
        }
        tiny_model.write_bytes(broken[damage])
        write_manifest(tiny_model)
        with pytest.raises(ModelFileError, match="export it again") as caught:
            open_backend(tiny_model, name)
        assert "\n" not in str(caught.value)
        assert capfd.readouterr() == ("", "")

    @pytest.mark.parametrize("change", [{"channels_out": 3}, {"output": "classes"}])
    def test_another_network_is_refused(self, name: str, change: dict[str, object], tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "other.onnx", **change)  # type: ignore[arg-type]
        with pytest.raises(ModelFileError, match="not the colorizer that the manifest describes"):
            open_backend(path, name)

    def test_a_size_fixed_behind_the_manifests_back_is_refused(self, name: str, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "fixed.onnx", shape=(32, 32))
        write_manifest(path)
        with pytest.raises(ModelFileError, match="its manifest says"):
            open_backend(path, name)

    def test_an_answer_of_another_size_is_refused(self, name: str, tmp_path: Path) -> None:
        path = write_tiny_model(tmp_path / "half.onnx", stride=2)
        with open_backend(path, name) as backend, pytest.raises(ModelFileError, match=r"\(1, 2, 16, 24\)"):
            backend.chroma(lightness())

    @pytest.mark.parametrize("seed", range(60))
    def test_damaged_bytes_never_reach_a_user_as_a_traceback(
        self, name: str, seed: int, tiny_model: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """Flipped bytes that a wrong manifest vouches for: refused, or a network that answers in shape."""
        rng = np.random.default_rng(seed)
        broken = bytearray(tiny_model.read_bytes())
        for position in rng.integers(0, len(broken), 3):
            broken[position] = rng.integers(0, 256)
        tiny_model.write_bytes(broken)
        write_manifest(tiny_model)
        said = ""
        try:
            with open_backend(tiny_model, name, threads=1) as backend:
                assert backend.chroma(lightness()).shape == (1, 2, 32, 48)
        except (ModelFileError, BackendUnavailable) as error:
            said = str(error)
        assert "\n" not in said
        assert capfd.readouterr() == ("", "")


class TestRegistry:
    def test_auto_takes_the_first_that_works(self, tiny_model: Path) -> None:
        with open_backend(tiny_model) as backend:
            assert backend.name == ENGINES[0]
            assert list(backend.passed_over) == list(BACKENDS)[: list(BACKENDS).index(ENGINES[0])]

    def test_auto_says_why_it_skipped_a_better_one(self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("onnxruntime")
        monkeypatch.setattr(registry, "BACKENDS", {"better": MISSING, **BACKENDS})
        with open_backend(tiny_model) as backend:
            assert backend.name == ENGINES[0]
            assert backend.passed_over["better"].startswith("better is not installed")
            assert "pip install no-such-engine" in backend.passed_over["better"]

    def test_a_named_back_end_is_never_replaced(self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(BACKENDS, "onnxruntime", MISSING)
        with pytest.raises(BackendUnavailable, match="pip install no-such-engine"):
            open_backend(tiny_model, "onnxruntime")

    def test_when_nothing_works_every_reason_is_given(self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry, "BACKENDS", {"one": MISSING, "two": MISSING})
        with pytest.raises(BackendUnavailable, match=r"one is not installed.*pip.*two is not installed.*pip") as caught:
            open_backend(tiny_model)
        assert "\n" not in str(caught.value)
        assert list(available_backends()) == ["one", "two"]
        assert all("pip install" in str(reason) for reason in available_backends().values())

    def test_who_has_no_gpu_is_not_told_how_to_install_its_engines(
        self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "_NVIDIA", ())
        monkeypatch.setattr(registry, "BACKENDS", {"for-gpus": replace(MISSING, gpu=True), "one": MISSING})
        with pytest.raises(BackendUnavailable, match=r"no back end works here: one is not installed"):
            open_backend(tiny_model)

    def test_a_file_that_no_engine_can_read_is_the_files_fault(self, tiny_model: Path) -> None:
        tiny_model.write_bytes(b"text")
        write_manifest(tiny_model)
        with pytest.raises(ModelFileError):
            open_backend(tiny_model)

    @pytest.mark.parametrize(("name", "threads"), [("tensorflow", None), ("auto", 0), ("auto", -2), ("auto", "2")])
    def test_bad_settings_are_refused(self, name: str, threads: Any, tiny_model: Path) -> None:
        with pytest.raises(ConfigError, match=r"take|give"):
            open_backend(tiny_model, name, threads=threads)

    def test_an_unknown_precision_is_refused(self, tiny_model: Path) -> None:
        with pytest.raises(ConfigError, match="take one of auto, fp32, bf16"):
            open_backend(tiny_model, precision="int4")

    def test_the_manifest_is_checked_before_any_engine_is_touched(
        self, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(registry, "BACKENDS", {"onnxruntime": MISSING})
        tiny_model.write_bytes(tiny_model.read_bytes() + b"\0")
        with pytest.raises(ModelFileError, match="does not match its manifest"):
            open_backend(tiny_model)
        Manifest.path_for(tiny_model).unlink()
        with pytest.raises(ModelFileError, match="no manifest"):
            open_backend(tiny_model)

    def test_every_engine_has_its_own_name(self) -> None:
        for name in ENGINES:
            assert BACKENDS[name].load().name == name  # type: ignore[attr-defined]


def test_the_bundled_model_is_there_or_its_absence_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_BUNDLED", tmp_path / "edge.onnx")
    with pytest.raises(ModelFileError, match="cgan-export"):
        bundled_model()
    path = write_tiny_model(tmp_path / "edge.onnx")
    assert bundled_model() == path


@pytest.mark.parametrize("name", ENGINES)
def test_nothing_is_sent_anywhere(name: str, tiny_model: Path, tmp_path: Path) -> None:
    """A process that opens a back end and infers makes no connection, starts no process, fills the cache only."""
    home = tmp_path / "home"
    home.mkdir()
    script = f"""
import os, sys
from pathlib import Path
def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.fork"):
        os.write(2, f"{{event}} {{arguments}}".encode()); os._exit(3)
sys.addaudithook(watch)
import numpy as np
from cgan_runtime.backends.registry import open_backend
with open_backend(Path({str(tiny_model)!r}), {name!r}) as backend:
    backend.chroma(np.zeros((1, 1, 32, 32), np.float32))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], env={"HOME": str(home)}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path for path in home.rglob("*") if path.is_file() and home / ".cache" / "cgan" not in path.parents] == []


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", [name for name in ENGINES if name in ("onnxruntime", "openvino")])
def test_memory_does_not_grow_with_every_new_shape(name: str) -> None:
    shapes = [(32 * rows, 32 * columns) for columns in range(1, 31) for rows in (1, 2)]
    with open_backend(bundled_model(), name, threads=1) as backend:
        used = []
        for height, width in [*shapes[::-1], *shapes]:
            backend.chroma(lightness(1, height, width))
            used.append(resident_megabytes())
    assert used[-1] - used[len(shapes) // 2] < MAX_GROWTH


def resident_megabytes() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
