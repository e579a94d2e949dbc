"""Variants of `edge`: each is built, trained for its time, measured on photos it has not seen, and timed."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
import torch
from tests.train.conftest import write_photos

from cgan_benchmarks import variants
from cgan_benchmarks.variants import VARIANTS, Variant, build, main


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_a_generator(variant: Variant) -> None:
    generator = build(variant).eval()
    with torch.inference_mode():
        chroma = generator(torch.zeros(1, 1, 64, 96))
        small = generator.predict(torch.zeros(1, 1, 64, 96))
    assert chroma.shape == (1, 2, 64, 96)
    assert small.shape[-1] == 96 // (1 if variant.seed else 2 ** (variant.finest + 1))


@pytest.mark.slow
def test_variants_are_trained_once_and_then_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = (next(v for v in VARIANTS if v.seed), next(v for v in VARIANTS if v.gan))
    monkeypatch.setattr(variants, "VARIANTS", few)
    monkeypatch.setattr(variants, "_BATCH", 2)
    monkeypatch.setattr(variants, "_ROUNDS", 2)
    write_photos(tmp_path / "photos", 45)
    table, picture = tmp_path / "variants.json", tmp_path / "variants.png"
    common = ("--data", tmp_path / "photos", "--state", tmp_path / "state", "--threads", 1)
    for more in (
        ("--cpu-seconds", 0.5),
        ("--cpu-seconds", 0.5),
        ("--time", "--json", table, "--picture", picture),
    ):
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in (*common, *more)])
        assert exit_.value.code == 0
    assert capsys.readouterr().out.count(" at chroma ") == 2, "the second time there is nothing to train"
    rows = json.loads(table.read_text())["rows"]
    assert [row["variant"]["name"] for row in rows] == [variant.name for variant in few]
    for row in rows:
        assert row["pictures"] == 2  # of 45, every 40th
        assert row["pictures_seen"] > 0
        assert row["ms"] > 0
    assert cv2.imread(str(picture)).shape[1] > 600
