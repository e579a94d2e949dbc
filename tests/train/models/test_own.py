"""Generators of one's own, from a file that the user names."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from torch import nn

from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_train.config.schema import GeneratorConfig
from cgan_train.foreign import foreign_checkpoint
from cgan_train.models import build_generator, own
from cgan_train.models.own import load_own, parse_own

HEAD = "import torch\nfrom torch import nn\n"
UNET = (
    HEAD
    + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(1, 4, 4, 4)
        self.up = nn.ConvTranspose2d(4, 2, 4, 4)

    def forward(self, lightness):
        return torch.tanh(self.up(torch.relu(self.down(lightness))))
"""
)


def write(folder: Path, body: str, name: str = "my_net.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(body, encoding="utf-8")
    return folder / name


def config_of(path: Path, name: str = "Net", **changes: object) -> GeneratorConfig:
    values = {"size": 64, "widths": (), "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return GeneratorConfig(name, **(values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["my_net.py", "Net", "my_net.py:", "my_net.py:a b", "C:/x/edge", "my.net:Net"])
def test_other_texts_are_no_own_generators(text: str) -> None:
    assert parse_own(text) is None


def test_a_windows_path_is_parsed() -> None:
    assert parse_own("C:/nets/my_net.py:Net") == (Path("C:/nets/my_net.py"), "Net")


def test_build_finds_the_multiple_of_the_size(tmp_path: Path) -> None:
    path = write(tmp_path, UNET)
    load_own(f"{path}:Net")
    generator = build_generator(config_of(path))
    assert generator.size_multiple == 4
    assert generator.eval()(torch.zeros(2, 1, 12, 20)).shape == (2, 2, 12, 20)


def test_nothing_runs_unless_it_was_named(tmp_path: Path) -> None:
    path = write(tmp_path, "raise SystemExit('run')")
    with pytest.raises(ConfigError, match=r"is run; if you trust it, name it with --generator FILE\.py:Unseen"):
        build_generator(config_of(path, "Unseen"))


def test_a_file_that_changed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "_LOADED", {})  # as in a new process
    load_own(f"{write(tmp_path, UNET, 'other.py')}:Net")  # the same code under another name, which is not meant
    another = write(tmp_path, f"# another\n{UNET}", "another.py")
    load_own(f"{another}:Net")
    before = config_of(write(tmp_path, f"# before\n{UNET}"))
    load_own(f"{write(tmp_path, UNET)}:Net")
    with pytest.raises(
        ConfigError, match=r"my_net\.py has changed: .* has a copy, such as --generator RUN/my_net\.py:Net"
    ):
        build_generator(before)


def test_neighbors_can_be_imported(tmp_path: Path) -> None:
    write(tmp_path, UNET, "blocks_of_mine.py")
    path = write(tmp_path, "from blocks_of_mine import Net\n")
    load_own(f"{path}:Net")
    assert build_generator(config_of(path)).size_multiple == 4


def test_widths_go_to_a_class_that_takes_them(tmp_path: Path) -> None:
    body = (
        HEAD
        + "def make(widths=(3,)):\n    return nn.Sequential(nn.Conv2d(1, widths[0], 1), nn.Conv2d(widths[0], 2, 1))\n"
    )
    path = write(tmp_path, body)
    own = load_own(f"{path}:make")
    assert own.takes_widths
    for widths, count in (((), 3), ((5,), 5)):
        generator = build_generator(config_of(path, "make", widths=widths))
        assert next(generator.parameters()).shape[0] == count


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("", "has no class or function 'Net'"),
        ("Net = 3", "has no class or function 'Net'"),
        ("import nothing_like_this", "cannot be run .*nothing_like_this"),
        ("class Net(", "cannot be run .SyntaxError"),
        ("def Net(a): pass", "cannot be made .TypeError"),
        ("def Net(): return 3", "makes int; it has to make a torch module"),
        (f"{HEAD}def Net(): return nn.Conv2d(3, 2, 1)", r"fails on \(1, 1, .*; it has to be a torch module"),
        (f"{HEAD}def Net(): return nn.Conv2d(1, 3, 1)", r"returns \(1, 3, "),
        (f"{HEAD}def Net(): return nn.Conv2d(1, 2, 3)", r"returns \(1, 2, "),
    ],
)
def test_what_does_not_keep_the_contract_is_one_line(body: str, message: str, tmp_path: Path) -> None:
    path = write(tmp_path, body)

    def build() -> None:
        load_own(f"{path}:Net")
        build_generator(config_of(path))

    with pytest.raises(ConfigError, match=message) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.py cannot be read"):
        load_own(f"{tmp_path}/nowhere.py:Net")
    with pytest.raises(ConfigError, match=r"names no generator; .* such as my_net\.py:Net"):
        load_own("my_net.py")


def test_a_stated_size_is_the_only_one(tmp_path: Path) -> None:
    body = UNET.replace("super().__init__()", "super().__init__(); self.size_multiple = self.size = 96")
    checkpoint = foreign_checkpoint(f"{write(tmp_path, body)}:Net", None)
    assert (checkpoint.config.size, checkpoint.generator.size_multiple) == (96, 96)


@pytest.mark.parametrize("nested", ["plain", "state_dict", "parallel", "safetensors"])
def test_weights_of_elsewhere(nested: str, tmp_path: Path) -> None:
    spec = f"{write(tmp_path, UNET)}:Net"
    torch.manual_seed(7)
    network: nn.Module = load_own(spec).make()
    weights, path = network.state_dict(), tmp_path / "w.pt"
    if nested == "safetensors":
        from safetensors.torch import save_file

        path = tmp_path / "w.safetensors"
        save_file(weights, path)
    else:
        prefixed = {f"module.{name}": tensor for name, tensor in weights.items()}
        torch.save(
            {"plain": weights, "state_dict": {"state_dict": weights, "epoch": 3}, "parallel": prefixed}[nested], path
        )
    checkpoint = foreign_checkpoint(spec, path)
    assert (checkpoint.name, checkpoint.config.size) == ("Net", 256)
    lightness = torch.rand(1, 1, 8, 8) * 2 - 1
    assert torch.equal(checkpoint.generator(lightness), network.eval()(lightness))


def test_weights_that_do_not_fit_are_one_line(tmp_path: Path) -> None:
    spec = f"{write(tmp_path, UNET)}:Net"
    cases = {
        "no file": (lambda path: None, "no weights at"),
        "damaged": (lambda path: path.write_bytes(b"no weights"), "is no file of weights alone"),
        "module": (lambda path: torch.save(nn.Conv2d(1, 1, 1), path), "since a pickled module could run code"),
        "list": (lambda path: torch.save([torch.zeros(1)], path), "holds no state dict"),
        "names": (lambda path: torch.save({"down.weight": torch.zeros(1)}, path), "it lacks down.bias"),
        "strange": (lambda path: torch.save({"x": torch.zeros(1)}, path), "the module has no"),
    }
    for name, (make, message) in cases.items():
        path = tmp_path / f"{name}.pt"
        make(path)  # type: ignore[no-untyped-call]
        with pytest.raises(ModelFileError, match=message):
            foreign_checkpoint(spec, path)
    weights = load_own(spec).make().state_dict()
    torch.save(weights | {"down.bias": torch.zeros(9)}, tmp_path / "shape.pt")
    with pytest.raises(ModelFileError, match=r"down\.bias is \(9,\), expected \(4,\)"):
        foreign_checkpoint(spec, tmp_path / "shape.pt")


def test_chroma_in_another_scale_is_found(tmp_path: Path) -> None:
    body = UNET.replace("return torch.tanh(", "return 110 + 110 * torch.tanh(")
    with pytest.raises(ConfigError, match=r"returns values up to .*; \(a\*, b\*\)/110 lies within -1 and 1"):
        foreign_checkpoint(f"{write(tmp_path, body)}:Net", None)
