"""The models that ship with cgan, such as `edge.onnx`, with manifests in this folder; and finding a model by a name."""

from __future__ import annotations

from pathlib import Path

from cgan_runtime.errors import ModelFileError, did_you_mean

_BUNDLED = Path(__file__).with_name("edge.onnx")
_MODELS = (".onnx", ".engine")
_WEIGHTS = (".pt", ".pth", ".ckpt", ".safetensors")
_CHECKPOINT = ("config.json", "generator.safetensors")  # what cgan-train writes
_SHOWN = 5  # names in a message


def bundled_model() -> Path:
    """Path of the model that ships with cgan; raises ModelFileError if this copy has none."""
    if not _BUNDLED.is_file():
        raise ModelFileError(
            f"this copy of cgan has no model at {_BUNDLED}; install cgan from a wheel, "
            "or name a model exported with cgan-export"
        )
    return _BUNDLED


def shipped_models() -> list[str]:
    """Names of the models that ship with this copy, for `find_model`."""
    return sorted(path.stem for path in _BUNDLED.parent.glob("*.onnx"))


def find_model(name: str | Path | None) -> Path:
    """Find a model file: `edge` for None, one that ships by its name, else a file, or the one in an export's folder.

    Raises:
        ModelFileError: It is a checkpoint, weights, or a folder with no model or several, or a bare name of none.
    """
    if name is None:
        return bundled_model()
    path = Path(name)
    if path.is_dir():
        return _in_folder(path)
    if str(path) == _BUNDLED.stem and not path.exists():
        return bundled_model()
    if not path.exists() and str(path) in shipped_models():
        return _BUNDLED.with_name(f"{path}.onnx")
    if path.suffix.lower() in _WEIGHTS:
        raise ModelFileError(
            f"{path} holds weights alone; export their network first: cgan-export my_net.py:Net --weights {path}"
        )
    if path == Path(path.stem) and not path.exists():
        mend = did_you_mean(path.name, shipped_models(), "or name a file that cgan-export wrote")
        raise ModelFileError(f"no model {path}: {' and '.join(shipped_models())} come with cgan; {mend}")
    return path


def _in_folder(folder: Path) -> Path:
    """The only model in a folder, or the float32 one among the forms of one model."""
    models = sorted(path for path in folder.iterdir() if path.suffix in _MODELS)
    plain = [path for path in models if path.suffix == ".onnx" and all(m.name.startswith(path.stem) for m in models)]
    if models and (len(models) == 1 or plain):
        return (plain or models)[0]
    if models:
        names = ", ".join(path.name for path in models[:_SHOWN])
        raise ModelFileError(f"{folder} holds several models ({names}); name one of them")
    there = [name for name in _CHECKPOINT if (folder / name).is_file()]
    if len(there) == len(_CHECKPOINT) or any(folder.glob("epoch-*")):
        raise ModelFileError(
            f"{folder} is a checkpoint of cgan-train; export it first: cgan-export {folder} -o exported"
        )
    if there:
        (missing,) = set(_CHECKPOINT) - set(there)
        raise ModelFileError(f"{folder} is a checkpoint without its {missing}; copy the whole folder, then export it")
    raise ModelFileError(f"{folder} holds no model; give a folder that cgan-export wrote, or an .onnx file")
