"""Back ends, tried with the model that ships; and what is said where one is missing or broken."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from cgan_runtime.backends.registry import BACKENDS, BackendEntry, open_backend
from cgan_runtime.doctor.finding import MISSING, OK, PROBLEM, Finding
from cgan_runtime.doctor.probes import backends, colors
from cgan_runtime.errors import BackendUnavailable, ModelFileError
from cgan_runtime.manifest import Manifest
from cgan_runtime.models import bundled_model

MANIFEST = Manifest.load(bundled_model())


def probe(name: str) -> Finding:
    (found,) = backends.backend(name)
    return found


def test_a_back_end_that_works() -> None:
    pytest.importorskip("onnxruntime")
    found = probe("onnxruntime")
    assert found.state == OK, found
    assert found.text.endswith("colors as expected")
    assert found.figures["ms"] > 0
    assert found.figures["difference"] < 0.05


def test_expected_colors_are_those_of_the_model_that_ships() -> None:
    """If another model ships: scripts/ship_model.py writes them."""
    expected = json.loads(colors.EXPECTED.read_text(encoding="utf-8"))
    assert expected["sha256"] == MANIFEST.sha256
    ab = np.asarray(expected["ab"])
    assert ab.shape == (2, 16, 16)
    assert np.linalg.norm(ab, axis=0).max() > 10  # it is no gray image
    with pytest.raises(ModelFileError, match="for another model"):
        colors.difference(np.zeros((1, 2, 64, 64), np.float32), dataclasses.replace(MANIFEST, sha256="0" * 64))


def test_wrong_colors_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr(colors, "test_inputs", lambda side: {"lightness": np.zeros((1, 1, side, side), np.float32)})
    found = probe("onnxruntime")
    assert (found.state, "wrong colors" in found.text) == (PROBLEM, True)


def missing(_entry: BackendEntry) -> None:
    raise BackendUnavailable("not installed; install it with: pip install it")


@pytest.mark.parametrize(
    ("name", "here", "installed", "command"),
    [
        ("openvino", True, (), "openvino"),
        ("onnxruntime", True, (), "onnxruntime"),
        ("onnxruntime", True, ("openvino",), None),  # another engine runs on the processor
        ("cuda", True, (), "onnxruntime-gpu"),
        ("cuda", True, ("onnxruntime",), None),  # the two exclude each other
        ("cuda", False, (), None),
        ("tensorrt", True, (), "tensorrt"),
        ("tensorrt", False, (), None),
    ],
)
def test_a_back_end_that_is_not_installed(
    name: str, here: bool, installed: tuple[str, ...], command: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BackendEntry, "load", missing)
    monkeypatch.setattr(BackendEntry, "has_hardware", property(lambda _entry: here))
    monkeypatch.setattr(backends, "version_of", lambda *names: "1" if set(names) & set(installed) - {name} else None)
    found = probe(name)
    assert (found.state, found.text) == (MISSING, "not installed" if here else "needs an NVIDIA GPU")
    assert [command in line for line in found.commands] == ([True] if command else [])
    assert name == "tensorrt" or "pip install" not in found.advice  # the command says it


def test_one_that_is_installed_and_cannot_be_loaded_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_entry: BackendEntry) -> None:
        raise BackendUnavailable("not usable here (no libcudnn); install it with: pip install it")

    monkeypatch.setattr(BackendEntry, "load", broken)
    monkeypatch.setattr(BackendEntry, "has_hardware", True)
    monkeypatch.setattr(backends, "version_of", lambda *_names: "1.2")
    found = probe("cuda")
    assert (found.state, found.text) == (PROBLEM, "not usable here (no libcudnn)")


def test_where_nothing_works() -> None:
    assert "Install one" in backends.nothing_works([Finding("G", "openvino", MISSING, "")]).advice
    assert "Mend one" in backends.nothing_works([Finding("G", "openvino", PROBLEM, "")]).advice


def test_the_error_without_back_ends_names_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BackendEntry, "load", missing)
    with pytest.raises(BackendUnavailable, match="cgan-doctor says what to do"):
        open_backend(bundled_model())
    assert set(BACKENDS) >= set(backends._EXTRAS)
