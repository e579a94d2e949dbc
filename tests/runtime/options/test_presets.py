"""`--preset`: what a word stands for, and that what is given counts more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cgan_runtime.errors import ConfigError
from cgan_runtime.options.model import ModelOptions
from cgan_runtime.options.presets import PRESETS, apply_preset
from cgan_runtime.options.run import RunOptions


def test_fast_is_a_smaller_input_of_any_model() -> None:
    assert apply_preset("fast", RunOptions()).model == ModelOptions(size=192)
    own = replace(RunOptions(), model=ModelOptions(model=Path("my.onnx")))
    assert apply_preset("fast", own).model == ModelOptions(model=Path("my.onnx"), size=192)


def test_fast_is_a_fast_encoder() -> None:
    options = apply_preset("fast", RunOptions())
    assert options.video.encoder.options("libx264")["preset"] == "superfast"
    assert options.video.encoder.options("libsvtav1")["preset"] == "12"
    assert "preset" not in options.video.encoder.options("libvpx-vp9")


def test_balanced_is_what_there_is_without_it() -> None:
    assert apply_preset("balanced", RunOptions()) == RunOptions()


def test_best_takes_a_slow_encoder() -> None:
    assert apply_preset("best", RunOptions()).video.encoder.options("libx265")["preset"] == "medium"


def test_a_word_that_no_encoder_knows_is_refused() -> None:
    assert apply_preset("veryslow", RunOptions()).video.encoder.preset == "veryslow"
    with pytest.raises(ConfigError, match="no preset 'fastest'; choose fast, balanced or best"):
        apply_preset("fastest", RunOptions())


def test_what_is_given_counts_more() -> None:
    given = replace(RunOptions(), model=ModelOptions(size=256))
    assert apply_preset("fast", given).model.size == 256


def test_an_encoders_own_preset_is_taken_as_it_is() -> None:
    options = apply_preset("veryslow", RunOptions())
    assert options.video.encoder.options("libx264")["preset"] == "veryslow"
    assert options.model == RunOptions().model


def test_every_word_is_a_preset() -> None:
    assert set(PRESETS) == {"fast", "balanced", "best"}
