"""Image files: pixels, metadata, and text drawn into images."""
