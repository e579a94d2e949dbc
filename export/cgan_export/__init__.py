"""cgan export: PyTorch checkpoints to ONNX, proven equal."""
