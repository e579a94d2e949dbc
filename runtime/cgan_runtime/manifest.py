"""The manifest: a JSON file beside every model file that says what the model is and what it takes.

`edge.onnx` has its manifest in `edge.json`. It is read and checked before any native library sees the
model's bytes; the model file's sha256 must be the one written here.

    manifest = Manifest.load(Path("edge.onnx"))
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from cgan_runtime.errors import ModelFileError

FORMAT = "cgan-manifest"
FORMAT_VERSION = 1

Precision = Literal["fp32", "fp16", "int8"]
"""What the network's convolutions compute in. Its input and output are float32 in any case."""

Kind = Literal["network", "image"]
"""A network from lightness to chroma, or one wrapped for other programs: gray image in, RGB image out."""

AB_SCALE = 110.0
"""a* and b* are divided by this to reach [-1, 1] (Nazeri et al. 2018, arXiv 1803.05400)."""

MAX_SIZE = 4096
"""Largest `size`, pixels; far above what a colorizer is trained for."""

MAX_AXIS = 16384
"""Largest axis that a model file may fix: images, or pixels."""

_PRECISIONS = get_args(Precision)
_TEXTS = ("name", "file", "recipe", "checkpoint_sha256")
_TABLES = ("training", "metrics", "parity", "engine")
_SIGNATURES = {
    "network": (("float32", (0, 1, 0, 0)), ("float32", (0, 2, 0, 0))),
    "image": (("uint8", (0, 0, 0)), ("uint8", (0, 0, 0, 3))),
}
"""By kind, dtype and axes of input and output; 0 for any number."""

_ROOM = 100  # characters of a value in a message
_HASH_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Tensor:
    """One network input or output: name, dtype and axes, with a name where an axis is free."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a model file says of itself.

    Attributes:
        name: Name of the model, for people.
        file: Name of the model file that this manifest lies beside.
        sha256: Of that file, lower-case hex.
        precision: What the network computes in.
        weights: How the weights are stored in the file; `fp16` halves its size and costs nothing at run time.
        opset: ONNX operator set.
        size: The side in pixels that the model was made for.
        size_multiple: Height and width of the input must be multiples of this.
        input: L*/50 - 1, (N, 1, H, W) in [-1, 1].
        output: (a*, b*)/`ab_scale`, (N, 2, H, W) in [-1, 1].
        recipe: Name of the training recipe and generator.
        checkpoint_sha256: Of the weights that it was exported from.
        training: What it was trained on and for how long.
        metrics: Measured quality, name to value.
        parity: How far it is from the PyTorch model, how far it may be, and on what it was measured.
        engine: Of a TensorRT engine: library, version, GPU, shapes that it takes, sha256 of its ONNX file.
        kind: Of a `image` model the input is a gray image, uint8 (N, H, W), and the output the colored
            one, uint8 (N, H, W, 3) RGB; cgan's own runtime takes networks only.
        float32_convolutions: Of an fp16 network, how many stay in float32, since their values do not fit.
    """

    name: str
    file: str
    sha256: str
    precision: Precision
    weights: Precision
    opset: int
    size: int
    size_multiple: int
    input: Tensor
    output: Tensor
    recipe: str
    ab_scale: float = AB_SCALE
    checkpoint_sha256: str = ""
    training: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    parity: dict[str, Any] = field(default_factory=dict)
    engine: dict[str, Any] = field(default_factory=dict)
    kind: Kind = "network"
    float32_convolutions: int = 0

    @staticmethod
    def path_for(model: Path) -> Path:
        """Where a model file's manifest lies: of `x.onnx` in `x.json`, of `x.engine` in `x.engine.json`."""
        return (
            model.with_suffix(".json") if model.suffix == ".onnx" else model.with_name(f"{model.name}.json")
        )

    @classmethod
    def load(cls, model: Path, *, verify: bool = True) -> Manifest:
        """Read and check the manifest of a model file.

        Args:
            model: The model file.
            verify: Also compare the file's sha256.

        Raises:
            ModelFileError: Either file is missing, the manifest is not one, or the two do not match.
        """
        path = cls.path_for(model)
        if not model.is_file():
            raise ModelFileError(f"no model file at {model}; make one with cgan-export -o {model.parent}")
        if not path.is_file():
            raise ModelFileError(
                f"{model} has no manifest {path.name} beside it, so it cannot be told to be a colorizer; "
                "export it with cgan-export, or copy the .json that came with it"
            )
        manifest = cls._parse(path)
        if manifest.file != model.name:
            raise ModelFileError(f"{path} belongs to {manifest.file}, not to {model.name}; export it again")
        if verify and (found := sha256_of(model)) != manifest.sha256:
            raise ModelFileError(
                f"{model} does not match its manifest (sha256 {found[:12]}..., "
                f"expected {manifest.sha256[:12]}...); it is damaged or was replaced: "
                "export it again with cgan-export"
            )
        return manifest

    def save(self, model: Path) -> Path:
        """Write the manifest beside a model file and return its path."""
        path = self.path_for(model)
        document = {"format": FORMAT, "version": FORMAT_VERSION, **dataclasses.asdict(self)}
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def _parse(cls, path: Path) -> Manifest:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise ModelFileError(
                f"{path} cannot be read as JSON ({error}); export the model again"
            ) from error
        if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
            raise ModelFileError(f"{path} is not a cgan manifest; export the model with cgan-export")
        if (version := document.pop("version", None)) != FORMAT_VERSION:
            raise ModelFileError(
                f"{path} has manifest version {version}, this cgan reads {FORMAT_VERSION}; export again"
            )
        try:
            for key in ("input", "output"):
                document[key] = Tensor(**{**document[key], "shape": tuple(document[key]["shape"])})
            manifest = cls(**document)
        except (KeyError, TypeError) as error:
            raise ModelFileError(
                f"{path} is not a complete manifest ({error}); export the model again"
            ) from error
        manifest._check(path)
        return manifest

    def _check(self, path: Path) -> None:
        faults = [
            *((not isinstance(getattr(self, what), str), what) for what in _TEXTS),
            *((not isinstance(getattr(self, what), dict), what) for what in _TABLES),
            *((getattr(self, what) not in _PRECISIONS, what) for what in ("precision", "weights")),
            (not isinstance(self.sha256, str) or not re.fullmatch("[0-9a-f]{64}", self.sha256), "sha256"),
            (not _within(self.size_multiple, MAX_SIZE), "size_multiple"),
            (not _within(self.size, MAX_SIZE), "size"),
            (not _within(self.opset, MAX_AXIS), "opset"),
            (not _within(self.float32_convolutions, MAX_AXIS, least=0), "float32_convolutions"),
            (self.ab_scale != AB_SCALE, "ab_scale"),
            (not isinstance(self.kind, str) or self.kind not in _SIGNATURES, "kind"),
        ]
        for wrong, what in faults:
            if wrong:
                raise ModelFileError(
                    f"{path}: {what} cannot be {_shown(getattr(self, what))}; this is no colorizer of "
                    "cgan's, export it with cgan-export"
                )
        if self.engine and not isinstance(self.engine.get("library"), str):
            raise ModelFileError(f"{path} does not tell which library its engine is of; build it again")
        for given, (dtype, shape) in zip((self.input, self.output), _SIGNATURES[self.kind], strict=True):
            if not isinstance(given.name, str) or given.dtype != dtype or not _fits(given.shape, shape):
                raise ModelFileError(
                    f"{path}: {_shown(given.name)} {_shown(given.dtype)} {_shown(given.shape)} is not of a "
                    "colorizer of cgan's; export it with cgan-export"
                )
        sides = self.input.shape[2:] if self.kind == "network" else ()
        if any(isinstance(side, int) and side % self.size_multiple for side in sides):
            raise ModelFileError(
                f"{path}: height and width {sides} are no multiples of {self.size_multiple}; export it again"
            )
        if self.size % self.size_multiple:
            raise ModelFileError(
                f"{path}: size {self.size} is no multiple of {self.size_multiple}; export it again"
            )


def sha256_of(path: Path) -> str:
    """The sha256 of a file, lower-case hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_HASH_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _within(value: object, most: int, *, least: int = 1) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _fits(axes: tuple[object, ...], shape: tuple[int, ...]) -> bool:
    """Whether axes are numbers or names, and have the number wanted where one is."""
    good = all((isinstance(axis, str) and axis) or _within(axis, MAX_AXIS) for axis in axes)
    return good and len(axes) == len(shape) and all(a == b for a, b in zip(axes, shape, strict=True) if b)


def _shown(value: object) -> str:
    """As much of a value as a message has room for."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, lists too deep
        return "that"
    return text if len(text) <= _ROOM else f"{text[:_ROOM]}..."
