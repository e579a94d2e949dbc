"""The manifest: a JSON file beside every model file that says what the model is and what it takes.

The manifest of `edge.onnx` is `edge.json`. It is read and checked before any native library sees the model's
bytes, and it holds the model file's sha256.

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

from cgan_runtime.contract import postprocess, preprocess
from cgan_runtime.errors import ModelFileError
from cgan_runtime.files.json_file import read_json

FORMAT = "cgan-manifest"
FORMAT_VERSION = 2  # version 1 had one `input` and one `output` in place of the lists; it is still read

# What the network's convolutions compute in. Its inputs and outputs are float32 in any case.
Precision = Literal["fp32", "fp16", "int8"]
# A network from lightness to chroma, or one wrapped for other programs: gray image in, RGB image out.
Kind = Literal["network", "image"]

AB_SCALE = 110.0  # a* and b* are divided by this to reach [-1, 1] (Nazeri et al. 2018, arXiv 1803.05400)
MAX_SIZE = 4096  # largest `size`, pixels; far above what a colorizer is trained for
MAX_AXIS = 16384  # largest axis that a model file may fix: images, channels or pixels

_PRECISIONS = get_args(Precision)
_STRINGS = ("name", "file", "recipe", "checkpoint_sha256")
_TABLES = ("metrics", "parity", "engine")
_NOT_READ = ("training", "preprocess", "postprocess")  # the first is in manifests of older versions
_SIGNATURES = {
    "network": (("float32", (0, 1, 0, 0)), ("float32", (0, 2, 0, 0))),
    "image": (("uint8", (0, 0, 0)), ("uint8", (0, 0, 0, 3))),
}
"""By kind, dtype and axes of the first input and the first output; 0 stands for any axis."""

_MAX_SHOWN = 100  # characters of a value in a message
_HASH_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True)
class Tensor:
    """A network's input or output: name, dtype and axes; an axis of any length has a name."""

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class Manifest:
    """The description of a model file.

    A network's inputs and outputs are planes, float32 (N, C, H, W) with C fixed, and N, H and W the same for
    all. The first input is the lightness, L*/50 - 1 in [-1, 1], C = 1; the first output is the chroma,
    (a*, b*)/`ab_scale` in [-1, 1], C = 2. In any further input, zeros mean "nothing is known". A model of the
    kind `image` has one input, a gray image, uint8 (N, H, W), and one output, the colored image, uint8
    (N, H, W, 3) RGB; this runtime does not take it.

    """

    name: str  # of the model, for people
    file: str  # name of the model file that this manifest lies beside
    sha256: str  # of that file, lower-case hex
    precision: Precision
    weights: Precision  # how they are stored in the file; fp16 halves its size and costs no speed
    opset: int  # ONNX operator set
    size: int  # the side in pixels that the model was made for
    size_multiple: int  # height and width of the inputs are multiples of this
    inputs: tuple[Tensor, ...]  # the lightness or gray image first
    outputs: tuple[Tensor, ...]  # the chroma or RGB image first
    recipe: str  # name of the training recipe and generator
    ab_scale: float = AB_SCALE
    checkpoint_sha256: str = ""  # of the weights that the model was exported from
    metrics: dict[str, float] = field(default_factory=dict)  # measured quality
    # Difference from the PyTorch model, what is allowed, and on which images it was measured.
    parity: dict[str, Any] = field(default_factory=dict)
    # Of a TensorRT engine: library, version, GPU, accepted shapes, sha256 of its ONNX file.
    engine: dict[str, Any] = field(default_factory=dict)
    kind: Kind = "network"
    float32_convolutions: int = 0  # of an fp16 network: half precision does not hold them

    @property
    def input(self) -> Tensor:
        """The first input: lightness, or the gray image of a whole-image model."""
        return self.inputs[0]

    @property
    def output(self) -> Tensor:
        """The first output: chroma, or the RGB image of a whole-image model."""
        return self.outputs[0]

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """Height and width where the model takes only one size."""
        height, width = self.input.shape[-2:]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None

    @staticmethod
    def path_for(model: Path) -> Path:
        """Path of a model file's manifest: `x.json` for `x.onnx`, `x.engine.json` for `x.engine`."""
        return model.with_name(f"{model.stem if model.suffix == '.onnx' else model.name}.json")

    @classmethod
    def find(cls, model: Path) -> Path:
        """The manifest of a model file, unread; a ModelFileError if either is missing."""
        path = cls.path_for(model)
        if not model.is_file():
            raise ModelFileError(f"no model file at {model}; make one with {_made_by(model)}")
        if not path.is_file():
            raise ModelFileError(
                f"{model} has no manifest {path.name} beside it, which describes the model; "
                "export it with cgan-export, or copy the .json that came with it"
            )
        return path

    @classmethod
    def load(cls, model: Path) -> Manifest:
        """Read and check the manifest of a model file, and compare the file's sha256.

        Raises:
            ModelFileError: Either file is missing, the manifest is invalid, or the two do not match.
        """
        path = cls.find(model)
        manifest = cls._parse(path)
        if manifest.file != model.name:
            raise ModelFileError(f"{path} belongs to {manifest.file}, not to {model.name}; export it again")
        if (found := sha256_of(model)) != manifest.sha256:
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
        if self.kind == "network":
            document["preprocess"] = preprocess(self.input.name, self.size, self.size_multiple, self.fixed_size)
            document["postprocess"] = postprocess(self.output.name, self.ab_scale)
        path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        return path

    @classmethod
    def _parse(cls, path: Path) -> Manifest:
        try:
            document = read_json(path)
        except (OSError, ValueError) as error:
            raise ModelFileError(f"{path} cannot be read as JSON ({error}); export the model again") from error
        if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
            raise ModelFileError(f"{path} is not a cgan manifest; export the model with cgan-export")
        version = document.pop("version", None)
        for name in _NOT_READ:
            document.pop(name, None)
        if version not in (1, FORMAT_VERSION):
            raise ModelFileError(
                f"{path} has manifest version {version}, this cgan reads 1 to {FORMAT_VERSION}; export again"
            )
        try:
            for old, key in (("input", "inputs"), ("output", "outputs")):
                tensors = [document.pop(old)] if version == 1 else document[key]
                document[key] = tuple(Tensor(**{**one, "shape": tuple(one["shape"])}) for one in tensors)
            manifest = cls(**document)
        except (KeyError, TypeError) as error:
            raise ModelFileError(f"{path} is not a complete manifest ({error}); export the model again") from error
        manifest._check(path)
        return manifest

    def _check(self, path: Path) -> None:
        valid = {
            **{what: isinstance(getattr(self, what), str) for what in _STRINGS},
            **{what: isinstance(getattr(self, what), dict) for what in _TABLES},
            **{what: getattr(self, what) in _PRECISIONS for what in ("precision", "weights")},
            "sha256": isinstance(self.sha256, str) and re.fullmatch("[0-9a-f]{64}", self.sha256),
            "size_multiple": _within(self.size_multiple, MAX_SIZE),
            "size": _within(self.size, MAX_SIZE),
            "opset": _within(self.opset, MAX_AXIS),
            "float32_convolutions": _within(self.float32_convolutions, MAX_AXIS, least=0),
            "ab_scale": self.ab_scale == AB_SCALE,
            "kind": isinstance(self.kind, str) and self.kind in _SIGNATURES,
        }
        for what, is_valid in valid.items():
            if not is_valid:
                raise ModelFileError(
                    f"{path}: {what} cannot be {_shortened(getattr(self, what))}; this is not a colorizer "
                    "of cgan, export one with cgan-export"
                )
        if self.engine and not isinstance(self.engine.get("library"), str):
            raise ModelFileError(f"{path} does not name the library of its engine; build it again")
        self._check_tensors(path)
        sides = self.input.shape[2:] if self.kind == "network" else ()
        if any(isinstance(side, int) and side % self.size_multiple for side in sides):
            raise ModelFileError(
                f"{path}: height and width {sides} are not multiples of {self.size_multiple}; export it again"
            )
        if self.size % self.size_multiple:
            raise ModelFileError(f"{path}: size {self.size} is not a multiple of {self.size_multiple}; export it again")

    def _check_tensors(self, path: Path) -> None:
        """See that inputs and outputs are those that the class promises."""
        for what, tensors, (dtype, first) in zip(
            ("inputs", "outputs"), (self.inputs, self.outputs), _SIGNATURES[self.kind], strict=True
        ):
            names = {tensor.name for tensor in tensors if isinstance(tensor.name, str)}
            if (
                len(names) != len(tensors)
                or not (len(names) == 1 or (names and self.kind == "network"))
                or any(tensor.dtype != dtype for tensor in tensors)
                or not _fits(tensors[0].shape, first)
                or not all(_is_further(tensor.shape) for tensor in tensors[1:])
            ):
                found = [(tensor.name, tensor.dtype, tensor.shape) for tensor in tensors]
                raise ModelFileError(
                    f"{path}: {what} {_shortened(found)} are not those of a colorizer of cgan; "
                    "export it with cgan-export"
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
    """Whether all axes are valid numbers or names, and equal `shape` where that is not 0."""
    valid = all((isinstance(axis, str) and axis) or _within(axis, MAX_AXIS) for axis in axes)
    return valid and len(axes) == len(shape) and all(a == b for a, b in zip(axes, shape, strict=True) if b)


def _is_further(axes: tuple[object, ...]) -> bool:
    """Whether these are the axes of a network's further input or output: planes, or rows."""
    fixed = {4: 1, 3: 2}.get(len(axes))
    return fixed is not None and isinstance(axes[fixed], int) and _fits(axes, (0,) * len(axes))


def _shortened(value: object) -> str:
    """A value as a message shows it."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of too many digits, lists too deep
        return "that"
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _made_by(model: Path) -> str:
    """The command that makes a model file of this name."""
    flags = [f"--{form}" for form in ("fp16", "int8", "end-to-end") if f"-{form}" in model.stem]
    engine = ["--engine"] if model.suffix == ".engine" else []
    return " ".join(["cgan-export", *flags, *engine, "-o", str(model.parent)])
