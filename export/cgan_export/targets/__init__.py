"""What a graph is exported for: TensorRT and Triton."""
