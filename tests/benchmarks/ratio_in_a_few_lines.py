"""Prints how many times as fast as PyTorch ONNX Runtime is: the model that ships, two threads, medians."""

import os
import time

import numpy as np
import onnxruntime
import torch

from cgan_runtime.models import bundled_model
from cgan_train.checkpoint import load_checkpoint
from cgan_train.shipped import SHIPPED

image = np.random.default_rng(0).uniform(-1, 1, (1, 1, 256, 256)).astype(np.float32)
inputs = {"lightness": image, "hints": np.zeros((1, 3, 64, 64), np.float32), "memory": np.zeros((1, 1, 38), np.float32)}
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 2
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(os.fspath(bundled_model()), options)
generator = load_checkpoint(SHIPPED).generator.eval()
torch.set_num_threads(2)
times: dict[str, list[float]] = {"torch": [], "onnx": []}
for _ in range(20):
    time.sleep(0.05)
    for run in range(10):
        began = time.perf_counter()
        with torch.inference_mode():
            generator(*map(torch.from_numpy, inputs.values()))
        if run > 2:
            times["torch"].append(time.perf_counter() - began)
    time.sleep(0.05)
    for run in range(20):
        began = time.perf_counter()
        session.run(None, inputs)
        if run > 2:
            times["onnx"].append(time.perf_counter() - began)
print(np.median(times["torch"]) / np.median(times["onnx"]))
