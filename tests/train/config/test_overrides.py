"""Overrides from the command line and from TOML files."""

from __future__ import annotations

from pathlib import Path

import pytest

from cgan_runtime.errors import ConfigError
from cgan_train.config.overrides import apply_overrides, read_overrides
from cgan_train.config.recipes import recipe


def test_text_is_read_as_toml() -> None:
    config = apply_overrides(
        recipe("edge"),
        {
            "ema": "0.5",
            "epochs": "3",
            "shade": "false",
            "gan_loss": "hinge",
            "generator.widths": "[8, 8, 16, 16]",
            "phases.gan.lr": "1e-5",
            "phases.0.crop": "64",
            "discriminator.spectral_norm": "true",
            "discriminator_rate": "2",
        },
    )
    assert (config.ema, config.epochs, config.shade, config.gan_loss) == (0.5, 3, False, "hinge")
    assert config.generator.widths == (8, 8, 16, 16)
    assert config.phases[-1].lr == 1e-5
    assert config.phases[0].crop == 64
    assert config.discriminator.spectral_norm
    assert config.discriminator_rate == 2.0


@pytest.mark.parametrize("text", ["8,8,16,16", "[8, 8, 16, 16]", " 8, 8, 16, 16 "])
def test_a_list_needs_no_brackets(text: str) -> None:
    changes = {"generator.widths": text, "discriminator.widths": "16", "betas": "0.5,0.9"}
    config = apply_overrides(recipe("edge"), changes)
    assert config.generator.widths == (8, 8, 16, 16)
    assert config.discriminator.widths == (16,)
    assert config.betas == (0.5, 0.9)


def test_tables_of_a_file_are_parts_of_the_config(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("""epochs = 7\n[augmentation]\nfilm = 0.25\n[phases.gan]\npixel_weight = 50\n""")
    config = apply_overrides(recipe("edge"), read_overrides(path))
    assert (config.epochs, config.augmentation.film, config.phases[-1].pixel_weight) == (7, 0.25, 50.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("tempo", "3", "tempo"),
        ("phases.gann.lr", "1", "gann"),
        ("phases.9.lr", "1", "9"),
        ("epochs", "many", "many"),
        ("epochs", "true", "True"),
        ("epochs", "0", "at least 1"),
        ("augmentation", "3", "augmentation"),
        ("ema.x", "3", "ema"),
        ("gan_loss", "wasserstein", "wasserstein"),
        ("generator.widths", '["a"]', "generator"),
        ("generator.widths", "wide", "generator"),
        ("generator", "edge", r"give one of its parts, such as generator\.name=guided"),
        ("shade", "3", r"give shade=true"),
        ("phases", "3", r"give one of its parts, such as phases\.decoder\.lr=0\.002"),
    ],
)
def test_wrong_overrides_are_named(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        apply_overrides(recipe("edge"), {name: value})


def test_bad_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("epochs = = 3")
    with pytest.raises(ConfigError, match=r"bad\.toml"):
        read_overrides(path)
    with pytest.raises(ConfigError, match=r"none\.toml"):
        read_overrides(tmp_path / "none.toml")
