"""`--preset`: what a word stands for, and that what is given counts more."""

from __future__ import annotations

from dataclasses import replace

from cgan_runtime.options.model import ModelOptions
from cgan_runtime.options.presets import PRESETS, apply_preset
from cgan_runtime.options.run import RunOptions
from cgan_runtime.pipeline.settings import VideoSettings
from cgan_runtime.temporal.settings import TemporalSettings


def test_fast_is_a_small_network_now_and_then_and_a_fast_encoder() -> None:
    options = apply_preset("fast", RunOptions(), [])
    assert (options.model.size, options.video.temporal.every) == (192, 3)
    assert options.video.encoder.options("libx264")["preset"] == "superfast"
    assert options.video.encoder.options("libsvtav1")["preset"] == "12"
    assert "preset" not in options.video.encoder.options("libvpx-vp9")


def test_balanced_is_what_there_is_without_it() -> None:
    assert apply_preset("balanced", RunOptions(), []) == RunOptions()


def test_best_takes_a_slow_encoder() -> None:
    assert apply_preset("best", RunOptions(), []).video.encoder.options("libx265")["preset"] == "medium"


def test_what_is_given_counts_more() -> None:
    given = replace(RunOptions(), model=ModelOptions(size=256), video=VideoSettings(temporal=TemporalSettings(every=1)))
    options = apply_preset("fast", given, ["--size", "--every"])
    assert (options.model.size, options.video.temporal.every) == (256, 1)


def test_an_encoders_own_preset_is_taken_as_it_is() -> None:
    options = apply_preset("veryslow", RunOptions(), [])
    assert options.video.encoder.options("libx264")["preset"] == "veryslow"
    assert options.model == RunOptions().model


def test_every_word_is_a_preset() -> None:
    assert set(PRESETS) == {"fast", "balanced", "best"}
