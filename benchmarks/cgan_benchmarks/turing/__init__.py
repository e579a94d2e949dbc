"""The visual Turing test: people tell colored images from true ones, or do not."""
