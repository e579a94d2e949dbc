"""Image files: reading, writing, metadata, and text drawn on images."""
