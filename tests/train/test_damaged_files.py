"""No file that training reads may end in a traceback: each damaged one is one clear error."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import random
import shutil
import tarfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cgan_runtime.errors import CganError, ConfigError
from cgan_train import checkpoint
from cgan_train.config.overrides import apply_overrides, read_overrides
from cgan_train.config.recipes import recipe
from cgan_train.config.schema import TrainConfig
from cgan_train.data.sources import open_sources
from cgan_train.models import build_generator

TOML = b"""batch_size = 64
gan_loss = "hinge"
[discriminator]
widths = [8, 8]
[phases.gan]
feature_weight = 10.0
frozen_norm = true
"""
JUNK = [None, True, -1, 0, 1.5, 10**400, float("nan"), float("inf"), "x", [], {}, [1], {"a": 1}, [[]]]


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Content with bytes replaced, lost, inserted or cut off."""
    found = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20])):
        at = rng.randrange(len(found) or 1)
        what = rng.choice(["set", "set", "fill", "lose", "insert", "cut"])
        if what == "set" and found:
            found[at] = rng.randrange(256)
        elif what == "fill":
            found[at : at + 8] = rng.choice([b"\xff" * 8, b"-0000001", b"99999999", bytes(8)])
        elif what == "lose":
            del found[at : at + rng.choice([1, 512])]
        elif what == "insert":
            found[at:at] = rng.randbytes(rng.choice([1, 50]))
        elif what == "cut" and rng.random() < 0.3:
            del found[at:]
    return bytes(found)


def mutated(value: Any, rng: random.Random) -> Any:
    """A JSON value with a part removed, or replaced by one of another kind."""
    if rng.random() < 0.15 or not isinstance(value, dict | list) or not value:
        return rng.choice(JUNK)
    found = value.copy()
    key = rng.choice(list(found) if isinstance(found, dict) else range(len(found)))
    if rng.random() < 0.2:
        del found[key]
    else:
        found[key] = mutated(found[key], rng)
    return found


def read(action: Callable[[], object]) -> None:
    """Accept success, or an error that cgan reports in one line."""
    with suppress(CganError):
        action()


def test_toml(tmp_path: Path) -> None:
    rng, path = random.Random(1), tmp_path / "config.toml"
    deep = [b"x=" + b"[" * 50_000, b"a." * 3000 + b"a=1", b"x=" + b"{a=" * 9000]
    odd = [b"epochs=" + b"9" * 5000, b"epochs=nan", b"phases.0.lr=1" + b"0" * 400, b"epochs=1979-05-27"]
    odd += ['"phases.².lr"=1'.encode(), b"phases=[]", b"betas=[nan,inf]", b"generator=3", b"\xff"]
    for content in (*deep, *odd, *(damaged(TOML, rng) for _ in range(300))):
        path.write_bytes(content)
        read(lambda: apply_overrides(recipe("edge"), read_overrides(path)))
    for text in ("[" * 50_000, "9" * 5000, "{a=" * 9000, "1e999", "nan", "\0"):
        with pytest.raises(ConfigError):
            apply_overrides(recipe("edge"), {"phases.gan.lr": text})


@pytest.fixture
def epoch(tmp_path: Path, tiny: TrainConfig) -> Path:
    """A checkpoint with a small state, in a run that has the same within an epoch."""
    training = {"epochs_done": 1, "steps_done": 0, "seconds": 1.0, "config": tiny.to_json(), "before": {}}
    weights = build_generator(tiny.generator).state_dict()
    for name in ("epoch-0001", checkpoint.UNFINISHED):
        checkpoint.save_checkpoint(
            tmp_path / "run" / name, weights, tiny.generator, "tiny", training, {}, {"losses": {}}
        )
    return tmp_path / "run" / "epoch-0001"


def test_checkpoint_json(epoch: Path) -> None:
    rng = random.Random(2)
    good = (epoch / checkpoint.CONFIG).read_bytes()
    document = json.loads(good)
    contents = [b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000, b"\xff\xfe", b""]
    contents.append(good.replace(b'"before": {}', b'"before": ' + b"[" * 50_000 + b"]" * 50_000))
    contents += [json.dumps(mutated(document, rng)).encode() for _ in range(150)]
    contents += [damaged(good, rng) for _ in range(50)]
    for content in contents:
        for folder in (epoch, epoch.with_name(checkpoint.UNFINISHED)):
            (folder / checkpoint.CONFIG).write_bytes(content)
        for action in (checkpoint.load_checkpoint, checkpoint.newest_state, checkpoint.has_state):
            read(lambda action=action: action(epoch.parent))  # type: ignore[misc]
        read(lambda: checkpoint.load_state(epoch))


def test_checkpoint_weights_and_state(epoch: Path) -> None:
    rng = random.Random(3)
    weights, state = ((epoch / name).read_bytes() for name in (checkpoint.WEIGHTS, checkpoint.STATE))
    document = json.loads((epoch / checkpoint.CONFIG).read_text())
    for _ in range(60):
        content = damaged(weights[:600], rng) + weights[600:]
        (epoch / checkpoint.WEIGHTS).write_bytes(content)
        document["weights_sha256"] = hashlib.sha256(content).hexdigest()
        (epoch / checkpoint.CONFIG).write_text(json.dumps(document))
        read(lambda: checkpoint.load_checkpoint(epoch))
        (epoch / checkpoint.STATE).write_bytes(damaged(state, rng))
        read(lambda: checkpoint.load_state(epoch))


def test_shard(shard: Path) -> None:
    rng, good = random.Random(4), shard.read_bytes()
    with tarfile.open(fileobj=(long := io.BytesIO()), mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number in range(3):
            archive.addfile(tarfile.TarInfo("ä" * 150 + f"{number}.png"))
    chains = []
    for kind in (tarfile.GNUTYPE_LONGNAME, b"x"):  # headers of headers of headers
        header = tarfile.TarInfo("x")
        header.type = kind
        chains.append(header.tobuf(tarfile.GNU_FORMAT) * 3000 + bytes(1024))
    for content in (*chains, *(damaged(rng.choice([good, long.getvalue()]), rng) for _ in range(200))):
        shard.write_bytes(content)
        read(lambda: open_sources([shard])[0].fingerprint())


def test_cifar(cifar: Path, tmp_path: Path) -> None:
    rng, path = random.Random(5), cifar / "data_batch_1"
    good = path.read_bytes()
    rows = np.zeros((10, 3072), np.uint8)
    contents = [b"\x80\x02" + b"]" * 50_000 + b".", b"(" * 100_000, b"\x80\x04\x95" + b"\xff" * 8]
    for data, names in ((rows, 5), (rows[:0], []), (rows, []), (rows + np.nan, [b"a"] * 10), ([], [])):
        contents.append(pickle.dumps({b"data": data, b"filenames": names}))
    for _ in range(150):
        contents += [damaged(good[:300], rng) + good[300:], good[:-300] + damaged(good[-300:], rng)]
    for content in contents:
        path.write_bytes(content)
        read(lambda: open_sources([cifar])[0].fingerprint())
    path.write_bytes(good)
    archive = Path(shutil.make_archive(str(tmp_path / "cifar"), "gztar", cifar.parent, cifar.name))
    packed = archive.read_bytes()
    for _ in range(60):
        archive.write_bytes(damaged(packed, rng))
        read(lambda: open_sources([archive]))
