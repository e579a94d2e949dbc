"""Settings: their checks, their JSON form, and the phases of a run."""

from __future__ import annotations

import dataclasses
import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgan_runtime.errors import ConfigError
from cgan_train.config.recipes import RECIPES, only_gan, recipe
from cgan_train.config.schema import Augmentation, DiscriminatorConfig, Phase, TrainConfig, generator_from_json
from cgan_train.config.stretches import extended, stretches


@pytest.mark.parametrize("name", RECIPES)
def test_json_round_trip(name: str) -> None:
    config = recipe(name)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@given(epochs=st.integers(1, 300), shares=st.lists(st.floats(0.05, 1.0), min_size=1, max_size=5))
def test_phases_cover_all_epochs(epochs: int, shares: list[float]) -> None:
    total = sum(shares)
    phases = tuple(Phase(str(i), share=share / total, crop=32, lr=1e-3) for i, share in enumerate(shares))
    config = recipe("paper", epochs=epochs, phases=phases)
    for epoch in range(epochs):
        _, first, last = config.phase_at(epoch)
        assert first <= epoch < last <= epochs
    with pytest.raises(ConfigError, match="beyond"):
        config.phase_at(epochs)


@given(
    epochs=st.integers(1, 60), steps=st.integers(1, 40), shares=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=6)
)
def test_stretches_cover_all_steps_and_all_phases(epochs: int, steps: int, shares: list[float]) -> None:
    total = sum(shares)
    phases = tuple(Phase(str(i), share=share / total, crop=32, lr=1e-3) for i, share in enumerate(shares))
    config = recipe("paper", epochs=epochs, phases=phases)
    found = stretches(config, steps)
    assert found[0].first == 0
    assert found[-1].last == epochs * steps
    assert all(one.last == other.first for one, other in pairwise(found))
    if epochs * steps >= 50 * len(shares):
        assert len(found) == len(phases)
    if not config.skipped_phases():
        assert all(stretch.first == config.phase_at(stretch.first // steps)[1] * steps for stretch in found)


@given(
    epochs=st.integers(1, 60), more=st.integers(1, 40), shares=st.lists(st.floats(0.02, 1.0), min_size=1, max_size=6)
)
def test_a_longer_run_goes_on_with_its_last_phase(epochs: int, more: int, shares: list[float]) -> None:
    total = sum(shares)
    phases = tuple(Phase(str(i), share=share / total, crop=32, lr=1e-3) for i, share in enumerate(shares))
    config = recipe("paper", epochs=epochs, phases=phases)
    longer = extended(config, epochs + more)
    before, after = stretches(config, 10), stretches(longer, 10)
    assert after[-1].last == 10 * (epochs + more)
    if not config.skipped_phases():
        assert [s.first for s in before] == [s.first for s in after]
    with pytest.raises(ConfigError, match=f"a run of {epochs} epochs"):
        extended(config, epochs)


@pytest.mark.parametrize(
    "change",
    [
        {"epochs": 0},
        {"batch_size": 0},
        {"phases": ()},
        {"phases": (Phase("half", share=0.5, crop=32, lr=1e-3),)},
        {"phases": (Phase("zero", share=1.0, crop=32, lr=0.0),)},
        {"ema": 1.0},
        {"label_smoothing": 0.5},
        {"augmentation": Augmentation(paste=1.5)},
        {"augmentation": Augmentation(zoom=(0.9, 0.5))},
        {"augmentation": Augmentation(zoom=(-3.0, 1.0))},
        {"augmentation": Augmentation(zoom=(0.5,))},  # type: ignore[arg-type]
        {"augmentation": Augmentation(zoom=("a", "b"))},  # type: ignore[arg-type]
        {"betas": (1.5, 0.9)},
        {"betas": (0.5,)},
        {"discriminator": DiscriminatorConfig("patch", ())},
        {"discriminator": DiscriminatorConfig("patch", (8.5,))},  # type: ignore[arg-type]
        {"smooth_beta": -1.0},
        {"discriminator_rate": -1.0},
        {"sampling": -5},
        {"seed": -1},
        {"phases": (Phase("nan", share=float("nan"), crop=32, lr=1e-3),)},
        {"phases": (Phase("warm", share=1.0, crop=32, lr=1e-3, discriminator_warmup=-3),)},
    ],
)
def test_values_out_of_range_are_refused(change: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="paper"):
        recipe("paper", **change)


@pytest.mark.parametrize(
    ("change", "known"),
    [
        ({"encoder_weights": "foo"}, "imagenet, none"),
        ({"gan_loss": "wgan"}, "bce, hinge"),
        ({"phases": (Phase("x", 1.0, 32, 1e-3, schedule="linear"),)}, "phase 'x': .*constant, cosine, stair"),  # type: ignore[arg-type]
    ],
)
def test_unknown_values_are_refused_with_the_known_ones(change: dict[str, object], known: str) -> None:
    with pytest.raises(ConfigError, match=known):
        recipe("paper", **change)


def test_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="edge"):
        recipe("egde")


def test_unknown_field_is_refused() -> None:
    values = recipe("edge").to_json() | {"tempo": 3}
    with pytest.raises(ConfigError, match="tempo"):
        TrainConfig.from_json(values)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"name": "edge", "size": 256},
        {"name": "edge", "size": -1, "widths": [8]},
        {"name": "edge", "size": 256, "widths": ["8"]},
        {"name": "edge", "size": 256, "widths": [10**9]},
        {"name": 3, "size": 256, "widths": [8]},
    ],
)
def test_bad_generator_config_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="generator"):
        generator_from_json(values)


def test_only_gan_keeps_the_phases_with_a_discriminator() -> None:
    config = only_gan(recipe("edge", epochs=5))
    assert [phase.name for phase in config.phases] == ["gan"]
    assert config.phase_at(0)[1:] == (0, 5)
    plain = dataclasses.replace(config, phases=(dataclasses.replace(config.phases[0], gan=False),))
    with pytest.raises(ConfigError, match="no phase"):
        only_gan(plain)
