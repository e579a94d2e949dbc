"""Triton's repositories: the layout that it looks for, and configurations that its own schema accepts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from cgan_export.cli import main
from cgan_export.graph.end_to_end import end_to_end
from cgan_export.graph.trace import tensor_of
from cgan_export.targets.triton import add_to_repository, configuration
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.errors import ConfigError, ModelFileError
from cgan_runtime.manifest import Manifest, Tensor

# Of Triton's model_config.proto: the messages that we write, with the numbers and types of their fields.
TYPES = {"string": 9, "int32": 5, "int64": 3, "uint64": 4, "enum": 14, "message": 11}
DATA_TYPES = (
    "TYPE_INVALID", "TYPE_BOOL", "TYPE_UINT8", "TYPE_UINT16", "TYPE_UINT32", "TYPE_UINT64", "TYPE_INT8",
    "TYPE_INT16", "TYPE_INT32", "TYPE_INT64", "TYPE_FP16", "TYPE_FP32", "TYPE_FP64", "TYPE_STRING",
    "TYPE_BF16",
)  # fmt: skip
MESSAGES: dict[str, list[tuple[str, int, str, str, bool]]] = {
    "ModelInput": [
        ("name", 1, "string", "", False), ("data_type", 2, "enum", "DataType", False),
        ("dims", 4, "int64", "", True),
    ],
    "ModelOutput": [
        ("name", 1, "string", "", False), ("data_type", 2, "enum", "DataType", False),
        ("dims", 3, "int64", "", True),
    ],
    "ModelDynamicBatching": [
        ("preferred_batch_size", 1, "int32", "", True),
        ("max_queue_delay_microseconds", 2, "uint64", "", False),
    ],
    "ModelParameter": [("string_value", 1, "string", "", False)],
    "Entry": [("key", 1, "string", "", False), ("value", 2, "message", "ModelParameter", False)],
    "ModelConfig": [
        ("name", 1, "string", "", False), ("platform", 2, "string", "", False),
        ("max_batch_size", 4, "int32", "", False), ("input", 5, "message", "ModelInput", True),
        ("output", 6, "message", "ModelOutput", True), ("default_model_filename", 8, "string", "", False),
        ("dynamic_batching", 11, "message", "ModelDynamicBatching", False),
        ("parameters", 14, "message", "Entry", True), ("backend", 17, "string", "", False),
    ],
}  # fmt: skip


def parsed(text: str) -> Any:
    """The configuration as protobuf's own parser reads it; what is not in the schema is refused."""
    file = descriptor_pb2.FileDescriptorProto(name="model_config.proto", package="inference", syntax="proto3")
    data_type = file.enum_type.add(name="DataType")
    for number, name in enumerate(DATA_TYPES):
        data_type.value.add(name=name, number=number)
    for message, fields in MESSAGES.items():
        reported = file.message_type.add(name=message)
        for name, number, kind, of, repeated in fields:
            field = reported.field.add(name=name, number=number, type=TYPES[kind], label=3 if repeated else 1)
            if of:
                field.type_name = f".inference.{of}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    config = message_factory.GetMessageClass(pool.FindMessageTypeByName("inference.ModelConfig"))()
    return text_format.Parse(text, config)


def test_an_onnx_file_becomes_a_model_with_versions(tiny_model: Path, tmp_path: Path) -> None:
    repository = tmp_path / "models"
    assert add_to_repository(repository, tiny_model) == repository / "tiny" / "1"
    assert add_to_repository(repository, tiny_model) == repository / "tiny" / "2"
    found = sorted(path.relative_to(repository).as_posix() for path in repository.rglob("*") if path.is_file())
    assert found == [
        "tiny/1/model.json", "tiny/1/model.onnx", "tiny/2/model.json", "tiny/2/model.onnx",
        "tiny/config.pbtxt",
    ]  # fmt: skip
    config = parsed((repository / "tiny" / "config.pbtxt").read_text())
    assert (config.name, config.backend, config.platform) == ("tiny", "onnxruntime", "onnxruntime_onnx")
    assert config.max_batch_size == 8
    assert config.dynamic_batching.max_queue_delay_microseconds > 0
    (given,), (answer,) = config.input, config.output
    assert (given.name, DATA_TYPES[given.data_type], list(given.dims)) == ("lightness", "TYPE_FP32", [1, -1, -1])
    assert (answer.name, DATA_TYPES[answer.data_type], list(answer.dims)) == ("chroma", "TYPE_FP32", [2, -1, -1])
    # What Triton would load is what was given, and the runtime runs it too.
    session = pytest.importorskip("onnxruntime").InferenceSession(repository / "tiny" / "2" / "model.onnx")
    assert [each.name for each in session.get_inputs()] == ["lightness"]
    open_backend(repository / "tiny" / "2" / "model.onnx", "onnxruntime").close()


def test_whole_images_are_bytes(tiny_model: Path) -> None:
    model = end_to_end(onnx.load(tiny_model), side=64, multiple=16)
    ends = tensor_of(model.graph.input[0]), tensor_of(model.graph.output[0])
    manifest = replace(Manifest.load(tiny_model), inputs=ends[:1], outputs=ends[1:], kind="image")
    config = parsed(configuration(manifest))
    assert [DATA_TYPES[each.data_type] for each in (*config.input, *config.output)] == ["TYPE_UINT8"] * 2
    assert [list(each.dims) for each in (*config.input, *config.output)] == [[-1, -1], [-1, -1, 3]]


def test_a_fixed_batch_is_left_to_the_file(tiny_model: Path) -> None:
    lightness = Tensor("lightness", "float32", (3, 1, 32, 64))
    chroma = Tensor("chroma", "float32", (3, 2, 32, 64))
    manifest = replace(Manifest.load(tiny_model), inputs=(lightness,), outputs=(chroma,))
    config = parsed(configuration(manifest))
    assert config.max_batch_size == 0
    assert not config.HasField("dynamic_batching")
    assert list(config.input[0].dims) == [3, 1, 32, 64]


def test_an_engine_has_its_largest_batch_in_the_configuration(tiny_model: Path) -> None:
    shapes = {"smallest": (1, 32, 32), "optimum": (4, 64, 64), "largest": (16, 128, 128)}
    engine = {"library": "tensorrt", "version": "10.13", "profile": shapes}
    config = parsed(configuration(replace(Manifest.load(tiny_model), engine=engine)))
    assert (config.platform, config.default_model_filename) == ("tensorrt_plan", "model.plan")
    assert config.max_batch_size == 16


def test_names_with_quotes_stay_names(tiny_model: Path) -> None:
    manifest = replace(Manifest.load(tiny_model), recipe='my "best" \\ Rezept ü\n')
    (parameter, _) = parsed(configuration(manifest)).parameters
    assert parameter.value.string_value == manifest.recipe


def test_what_triton_cannot_serve_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    manifest = Manifest.load(tiny_model)
    replace(manifest, engine={"library": "tensorrt-rtx"}).save(tiny_model)
    with pytest.raises(ConfigError, match="which Triton does not run"):
        add_to_repository(tmp_path / "models", tiny_model)
    manifest.save(tiny_model)
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot write the repository"):
        add_to_repository(tmp_path / "file", tiny_model)
    tiny_model.write_bytes(b"other")
    with pytest.raises(ModelFileError, match="does not match"):
        add_to_repository(tmp_path / "models", tiny_model)
    assert not (tmp_path / "models").exists()


def test_the_command_adds_what_it_wrote(
    paper_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(paper_checkpoint), "-o", str(tmp_path / "out"), "--no-verify", "--end-to-end"]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--triton", str(tmp_path / "models")])
    assert left.value.code == 0
    assert "as model paper-end-to-end version 1" in capsys.readouterr().out
    config = parsed((tmp_path / "models" / "paper-end-to-end" / "config.pbtxt").read_text())
    assert list(config.output[0].dims) == [-1, -1, 3]
    with pytest.raises(SystemExit) as left:
        main([*arguments, "--triton", str(tmp_path), "--engine", "--target", "tensorrt-rtx"])
    assert left.value.code == 2
