"""The perceptual loss: it tells the colors that things have from others, and a phase can be trained with it."""

from __future__ import annotations

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.train.conftest import one_phase
from tests.train.training.conftest import quiet

from cgan_runtime.errors import ConfigError
from cgan_train.color import lab_of_rgb, split_lab
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import TrainConfig
from cgan_train.data.sources import ImageSource
from cgan_train.evaluation.comparison_photos import comparison_photos
from cgan_train.training.loop import Trainer
from cgan_train.training.losses import PerceptualLoss


@pytest.mark.parametrize("bf16", [False, True])
def test_true_colors_cost_nothing_and_wrong_ones_more_than_none(bf16: bool) -> None:
    photos = np.stack(comparison_photos())[:, ::2, ::2]
    lightness, chroma = split_lab(lab_of_rgb(torch.from_numpy(photos).permute(0, 3, 1, 2) / 255))
    loss = PerceptualLoss(torch.device("cpu"), bf16=bf16)
    assert float(loss(lightness, chroma, chroma)) == 0
    half, none, wrong = (float(loss(lightness, share * chroma, chroma)) for share in (0.5, 0.0, -1.0))
    assert 0 < half < none < wrong


def test_the_gradient_leads_to_the_true_colors() -> None:
    photos = np.stack(comparison_photos())[:2, ::4, ::4]
    lightness, truth = split_lab(lab_of_rgb(torch.from_numpy(photos).permute(0, 3, 1, 2) / 255))
    loss, given = PerceptualLoss(torch.device("cpu")), (0.3 * truth).requires_grad_()
    (gradient,) = torch.autograd.grad(loss(lightness, given, truth), given)
    assert float((gradient * (truth - given.detach())).sum()) < 0


def test_a_phase_is_trained_with_it(source: ImageSource, tmp_path: Path, tiny: TrainConfig) -> None:
    config = one_phase(tiny, 0, {"perceptual_weight": 1.0}, epochs=1)
    Trainer.start(config, source, tmp_path / "run").run(quiet)
    with (tmp_path / "run" / "log.csv").open(newline="") as stream:
        assert float(next(csv.DictReader(stream))["loss_perceptual"]) > 0


def test_gray_codes_have_no_lightness_for_it() -> None:
    paper = recipe("paper")
    with pytest.raises(ConfigError, match="perceptual_weight needs lightness"):
        one_phase(paper, 0, {"perceptual_weight": 1.0}, generator=dataclasses.replace(paper.generator, gray="codes"))
