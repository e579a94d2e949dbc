"""`python -m cgan_benchmarks.studies.chroma_upsampling`: the figures, on images whose answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cgan_benchmarks.studies import chroma_upsampling
from cgan_benchmarks.studies.chroma_upsampling import SIDES, WAYS, compare, near_edges
from cgan_runtime.image.read_write import write_image


def two_halves(height: int = 96, width: int = 128) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Dark red left of a slanted edge, bright blue right of it."""
    right = np.add.outer(np.arange(height) // 4, np.arange(width)) > width // 2 + 7
    return np.where(right[..., None], (150, 180, 250), (110, 30, 20)).astype(np.uint8)


def test_color_ends_nearer_to_the_edge_where_the_luma_guides() -> None:
    for ways in compare(two_halves(), 16, 32).values():
        assert ways["guided"]["edges"] < ways["bilinear"]["edges"]
        assert ways["guided"]["all"] < ways["bilinear"]["all"] < ways["bilinear"]["edges"]


def test_edges_are_where_lightness_is_steep() -> None:
    lightness = np.zeros((40, 60), np.float32)
    lightness[:, 30:] = 1
    near = near_edges(lightness)
    assert near[:, 28:32].all()
    assert not near[:, :20].any()
    assert not near[:, 40:].any()


def test_the_command_writes_what_it_prints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "a.png", two_halves())
    write_image(tmp_path / "flat.png", np.full((64, 64, 3), 90, np.uint8))  # has no edges, and is not counted
    with pytest.raises(SystemExit) as left:
        chroma_upsampling.main(["--photos", str(tmp_path), "--json", str(tmp_path / "edges.json")])
    assert left.value.code == 0
    document = json.loads((tmp_path / "edges.json").read_text())
    assert document["photos"] == 1
    assert set(document["enlarged"]) == set(SIDES)
    for ways in document["enlarged"].values():
        assert set(ways) == set(WAYS)
        assert all(np.isfinite(list(figures.values())).all() for figures in ways.values())


def test_images_without_edges_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "flat.png", np.full((64, 64, 3), 90, np.uint8))
    with pytest.raises(SystemExit) as left:
        chroma_upsampling.main(["--photos", str(tmp_path)])
    assert left.value.code == 1
    assert "has edges; give photographs" in capsys.readouterr().err
