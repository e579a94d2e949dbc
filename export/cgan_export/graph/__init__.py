"""The ONNX graph: traced, in every precision, wrapped end to end."""
