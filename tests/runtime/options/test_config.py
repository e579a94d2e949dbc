"""`--config`: the options of a file count like those of the command line, and errors name line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cgan_runtime.errors import ConfigError
from cgan_runtime.options.config import config_option
from cgan_runtime.options.groups import SizeType, given


@click.command()
@config_option
@click.option("--size", type=click.IntRange(1, 4096))
@click.option("--strength", "--saturation", "saturation", type=float, default=1.0)
@click.option("--frame-size", type=SizeType())
@click.option("--serve", is_flag=False, flag_value="127.0.0.1:8000")
@click.option("--webcam", multiple=True)
@click.option("--token", envvar="CGAN_TOKEN")
@click.option("--overwrite", is_flag=True)
@click.option("--adapt/--no-adapt", default=None)
def command(**values: Any) -> dict[str, Any]:
    """Return what came, and the options that count as given."""
    return {**values, "given": given(click.get_current_context())}


def run(folder: Path, text: str, *options: str, token: str | None = None) -> dict[str, Any]:
    path = folder / "cgan.toml"
    path.write_text(text)
    result = CliRunner().invoke(
        command, ["--config", str(path), *options], standalone_mode=False, env={"CGAN_TOKEN": token}
    )
    if result.exception is not None:
        raise result.exception
    return dict(result.return_value)


def test_a_file_gives_options_of_every_kind(tmp_path: Path) -> None:
    found = run(
        tmp_path,
        'size = 192\nstrength = 1.5\nframe-size = "3x4"\nserve = true\noverwrite = true\n'
        'webcam = [\n  "rtsp://a/s",\n  "1",\n]\n',
    )
    assert (found["size"], found["saturation"]) == (192, 1.5)
    assert found["frame_size"] == (3, 4)
    assert found["serve"] == "127.0.0.1:8000"
    assert found["webcam"] == ("rtsp://a/s", "1")
    assert found["overwrite"] is True
    assert {"--size", "--saturation", "--frame-size", "--serve", "--webcam", "--overwrite"} <= set(found["given"])


def test_what_is_off_or_not_in_the_file_has_its_default(tmp_path: Path) -> None:
    found = run(tmp_path, "overwrite = false\nadapt = false\nserve = false\nwebcam = 0\n")
    assert found["overwrite"] is False
    assert found["adapt"] is False
    assert found["serve"] is None
    assert found["saturation"] == 1.0
    assert found["webcam"] == ("0",)
    assert "--serve" not in found["given"]


def test_command_line_and_environment_count_more(tmp_path: Path) -> None:
    text = 'size = 192\nserve = ":9"\nwebcam = ["1", "2"]\ntoken = "of the file"\n'
    found = run(tmp_path, text, "--size", "64", "--webcam", "7", token="of the environment")
    assert (found["size"], found["serve"], found["webcam"]) == (64, ":9", ("7",))
    assert found["token"] == "of the environment"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("\nsize = 0\n", "cgan.toml, line 2: size: 0 is not in the range"),
        ('# size = 3\n\n"size" = "big"\n', "cgan.toml, line 3: size: 'big' is no whole number"),
        ('strength = "abc"\n', "cgan.toml, line 1: strength: 'abc' is no number"),
        ("frame_size = 3\n", "cgan.toml, line 1: there is no option frame_size; did you mean frame-size?"),
        ("zzz = 3\n", "the keys are the long options without their --"),
        ('config = "other.toml"\n', "there is no option config"),
        ("size = true\n", "cgan.toml, line 1: size: it needs a value, not true"),
        ("overwrite = 1\n", "overwrite: it is a switch; give true or false, not 1"),
        ("size = [1, 2]\n", "size: it takes one value, not a list"),
        ("[camera]\nsize = 3\n", "[camera] is a table"),
        ("size = \n", "cgan.toml is no TOML: Invalid value (at line 1, column 8)"),
        ("size = 1\nsize = 2\n", "is no TOML: Cannot overwrite a value (at line 2"),
    ],
)
def test_errors_name_file_line_and_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        run(tmp_path, text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--config", str(tmp_path / "no.toml")], standalone_mode=False)
    assert isinstance(result.exception, ConfigError)
    assert "no.toml cannot be read (No such file or directory)" in str(result.exception)
