"""The C++ examples of docs/how-to/own-program.md: one is compiled and run, the other only compiled."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from tests.paths import ROOT

from cgan_export.graph.end_to_end import end_to_end
from cgan_runtime.backends.registry import open_backend
from cgan_runtime.colorizer import Colorizer
from cgan_runtime.models import bundled_model
from cgan_train.evaluation.comparison_photos import BUNDLED

EXAMPLES = ROOT / "docs" / "cpp"
COMPILER = shutil.which("c++")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="there is no C++ compiler here")

# What the example uses of onnxruntime_cxx_api.h, which no Python package brings: names and signatures alone.
INTERFACE = """
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>
enum OrtLoggingLevel { ORT_LOGGING_LEVEL_WARNING = 2 };
enum OrtAllocatorType { OrtDeviceAllocator = 0, OrtArenaAllocator = 1 };
enum OrtMemType { OrtMemTypeDefault = 0 };
namespace Ort {
struct Env { Env(OrtLoggingLevel level, const char* name); };
struct SessionOptions {};
struct RunOptions {};
struct MemoryInfo { static MemoryInfo CreateCpu(OrtAllocatorType kind, OrtMemType type); };
struct Value {
    template <typename T>
    static Value CreateTensor(const MemoryInfo&, T* data, size_t count, const int64_t* shape, size_t axes);
    template <typename T> const T* GetTensorData() const;
};
struct Session {
    Session(const Env& environment, const char* path, const SessionOptions& options);
    std::vector<Value> Run(const RunOptions&, const char* const* input_names, const Value* inputs, size_t,
                           const char* const* output_names, size_t);
};
}  // namespace Ort
"""


@pytest.mark.slow
def test_the_example_in_openvino_colors_an_image(tmp_path: Path) -> None:
    spec = importlib.util.find_spec("openvino")
    if spec is None or spec.origin is None:
        pytest.skip("openvino is not installed")
    home = Path(spec.origin).parent
    libraries = sorted((home / "libs").glob("libopenvino.so*"))
    if not (home / "include" / "openvino" / "openvino.hpp").is_file() or not libraries:
        pytest.skip("this openvino brings no headers or no shared library")
    program, model = tmp_path / "color", tmp_path / "whole.onnx"
    source = EXAMPLES / "color_openvino.cpp"
    command = [COMPILER, "-std=c++17", source, "-o", program, f"-I{home / 'include'}", libraries[0]]
    subprocess.run([str(word) for word in command], check=True)
    onnx.save(end_to_end(onnx.load(bundled_model()), side=256, multiple=32), model)
    gray = cv2.cvtColor(cv2.imread(str(BUNDLED / "coffee.jpg")), cv2.COLOR_BGR2GRAY)[:203, :151]
    assert cv2.imwrite(str(tmp_path / "in.pgm"), gray)
    environment = os.environ | {"LD_LIBRARY_PATH": str(home / "libs")}
    arguments = [str(program), str(model), str(tmp_path / "in.pgm"), str(tmp_path / "out.ppm")]
    subprocess.run(arguments, check=True, env=environment)
    found = cv2.imread(str(tmp_path / "out.ppm"), cv2.IMREAD_COLOR_RGB)
    with Colorizer(open_backend(bundled_model(), "openvino")) as colorizer:
        assert int(cv2.absdiff(colorizer.image(np.ascontiguousarray(gray)), found).max()) <= 2
    arguments[2] = str(tmp_path / "out.ppm")
    assert subprocess.run(arguments, check=False, env=environment, capture_output=True).returncode == 1


def test_the_example_in_onnx_runtime_compiles(tmp_path: Path) -> None:
    (tmp_path / "onnxruntime_cxx_api.h").write_text(INTERFACE)
    command = [COMPILER, "-std=c++17", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", f"-I{tmp_path}"]
    subprocess.run([*map(str, command), str(EXAMPLES / "color_onnxruntime.cpp")], check=True)
