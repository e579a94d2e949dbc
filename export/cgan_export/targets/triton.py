"""Model repositories for Triton Inference Server.

    add_to_repository(Path("models"), Path("edge.onnx"))     # models/edge/1/model.onnx and its config.pbtxt

Each model gets a folder with its configuration and numbered versions; Triton serves the newest. The manifest
lies beside the model, so that `cgan-export verify` works on it.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from cgan_runtime.backends.tensorrt.engines import profile_of
from cgan_runtime.errors import ConfigError
from cgan_runtime.files.atomic import write_file
from cgan_runtime.manifest import Manifest, Tensor

CONFIG = "config.pbtxt"
_DTYPES = {"float32": "TYPE_FP32", "uint8": "TYPE_UINT8"}
_MAX_BATCH = 8  # of an ONNX file, which takes any
_QUEUE_MICROSECONDS = 2000  # that a request may wait to be batched with others


class _Server(NamedTuple):
    """How Triton runs a type of file: its back end, its platform, and the name of the file."""

    backend: str
    platform: str
    file: str


_ONNX = _Server("onnxruntime", "onnxruntime_onnx", "model.onnx")
_TENSORRT = _Server("tensorrt", "tensorrt_plan", "model.plan")


def add_to_repository(repository: Path, model: Path) -> Path:
    """Add an ONNX file or engine to a repository as its newest version, and return the version's folder.

    The repository is the folder for `tritonserver --model-repository`; it is made if it is missing.

    Raises:
        ModelFileError: It is not a model of cgan.
        ConfigError: Triton does not run such a file, or the folder cannot be written.
    """
    manifest = Manifest.load(model)
    if manifest.engine.get("library", "tensorrt") != "tensorrt":
        raise ConfigError(
            f"{model} is an engine of {manifest.engine['library']}, which Triton does not run; build one "
            "with --target tensorrt, or serve the ONNX file with --no-engine"
        )
    server = _TENSORRT if manifest.engine else _ONNX
    folder = repository / manifest.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".cgan-", dir=repository) as hidden:
            draft = Path(hidden) / "1"
            draft.mkdir()
            shutil.copyfile(model, draft / server.file)
            replace(manifest, file=server.file).save(draft / server.file)
            write_file(folder / CONFIG, configuration(manifest))
            return draft.rename(folder / str(_newest(folder) + 1))
    except OSError as error:
        raise ConfigError(
            f"cannot write the repository {repository} ({error.strerror}); give another folder with --triton"
        ) from error


def configuration(manifest: Manifest) -> str:
    """The text of a model's `config.pbtxt`, a `ModelConfig` message."""
    server = _TENSORRT if manifest.engine else _ONNX
    most = _most_batch(manifest)
    lines = [
        f"name: {_quoted(manifest.name)}",
        f"backend: {_quoted(server.backend)}",
        f"platform: {_quoted(server.platform)}",
        f"default_model_filename: {_quoted(server.file)}",
        f"max_batch_size: {most}",
        *(_tensor("input", tensor, batched=most > 0) for tensor in manifest.inputs),
        *(_tensor("output", tensor, batched=most > 0) for tensor in manifest.outputs),
    ]
    if most > 1:
        lines.append(f"dynamic_batching {{ max_queue_delay_microseconds: {_QUEUE_MICROSECONDS} }}")
    for key, value in (("recipe", manifest.recipe), ("sha256", manifest.sha256)):
        lines.append(f"parameters {{ key: {_quoted(key)} value {{ string_value: {_quoted(value)} }} }}")
    return "\n".join(lines) + "\n"


def _most_batch(manifest: Manifest) -> int:
    """The largest batch that Triton may make; 0 if the file has a fixed batch."""
    if isinstance(manifest.input.shape[0], int):
        return 0
    return profile_of(manifest).largest[0] if manifest.engine else _MAX_BATCH


def _tensor(field: str, tensor: Tensor, *, batched: bool) -> str:
    """An input or output; the batch axis is left out where Triton makes the batches."""
    axes = [axis if isinstance(axis, int) else -1 for axis in tensor.shape[batched:]]
    dims = ", ".join(map(str, axes))
    name, data_type = _quoted(tensor.name), _DTYPES[tensor.dtype]
    return f"{field} [ {{ name: {name} data_type: {data_type} dims: [ {dims} ] }} ]"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # escapes as protobuf's text format does


def _newest(folder: Path) -> int:
    names = (path.name for path in folder.iterdir())
    return max((int(name) for name in names if name.isascii() and name.isdecimal()), default=0)
