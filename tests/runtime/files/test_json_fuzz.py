"""Damaged, foreign and deep JSON: each file that a command reads gives one line and exit code 1, or works."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benchmarks.example_results import made_up

from cgan_benchmarks.cli import main as bench
from cgan_export.cli import main as export
from cgan_runtime.cli import main as run
from cgan_runtime.files.json_file import read_json
from cgan_runtime.image.read_write import write_image

TRIES = 150
ODD = (
    None, True, -1, 0, 0.5, 1e308, 5e-324, float("nan"), float("inf"), 10**400, "", "\ud800", "x" * 5000, [],
    {}, [[]], {"": None}, [1, 2], ["a", {}],
    json.loads("[" * 300 + "]" * 300), json.loads("[" * 60 + "]" * 60),
)  # fmt: skip


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(spot for key, item in items for spot in _spots(item, (*path, key)))]


def _damaged(document: Any, chance: random.Random) -> str:
    """The JSON text of a document with values replaced, left out or added, or with bytes changed."""
    whole = [copy.deepcopy(document)]
    for _ in range(chance.choice([1, 1, 1, 3])):
        path = chance.choice(_spots(whole[0]))
        holder: Any = whole
        for key in (0, *path)[:-1]:
            holder = holder[key]
        key, kind = (0, *path)[-1], chance.random()
        if kind < 0.7 or not path:
            holder[key] = copy.deepcopy(chance.choice(ODD))
        elif kind < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            holder[chance.choice(["", "format", "extra"])] = copy.deepcopy(chance.choice(ODD))
        else:
            holder.append(copy.deepcopy(chance.choice(ODD)))
    text = json.dumps(whole[0])
    if chance.random() < 0.1:
        text = text[: chance.randrange(len(text) + 1)] + chance.choice(["", "}", "[" * 100_000])
    return text


def _end(main: Callable[[list[str]], object], words: list[object]) -> object:
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    return left.value.code


def _commands(tmp_path: Path, model: Path) -> dict[str, tuple[Path, Any, Callable[[], object]]]:
    image, one, other = (tmp_path / name for name in ("in.png", "one.json", "other.json"))
    write_image(image, np.full((16, 16, 3), 90, np.uint8))
    other.write_text(json.dumps(made_up()))
    manifest = model.with_suffix(".json")
    words = ["--image", image, "-o", tmp_path / "out.png", "--overwrite", "-q", "--model", model]
    return {
        "manifest": (manifest, json.loads(manifest.read_text()), lambda: _end(run, words)),
        "verify": (manifest, json.loads(manifest.read_text()), lambda: _end(export, ["verify", model, model])),
        "compare": (one, made_up(), lambda: _end(bench, ["compare", one, other])),
        "compare new": (one, made_up(), lambda: _end(bench, ["compare", other, one, "--relative"])),
    }


@pytest.mark.parametrize("name", ["manifest", "verify", "compare", "compare new"])
def test_no_json_ends_in_a_traceback(
    name: str, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, document, command = _commands(tmp_path, tiny_model)[name]
    chance = random.Random(20)
    for number in range(TRIES):
        file.write_text(_damaged(document, chance))
        code = command()
        errors = capsys.readouterr().err
        assert code in (0, 1), f"{number}: {file.read_text()[:300]}"
        if code == 1:
            assert errors.count("\n") <= 1, errors
        assert len(errors) < 1500, errors


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 100_000, "nested too deep"),
        ("[" * 40 + "]" * 40, "nested too deep"),
        ('{"a": 1' + "0" * 30 + "}", "too large"),
        ('["\\ud800"]', "surrogates not allowed"),
        ("{", "Expecting"),
    ],
)
def test_what_later_code_would_stumble_over_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=reason):
        read_json(path)


def test_a_byte_order_mark_and_crlf_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'\xef\xbb\xbf{\r\n"a": 1}\r\n')
    assert read_json(path) == {"a": 1}
