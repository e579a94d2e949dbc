"""The visual Turing test: people tell coloured pictures from true ones, or do not."""
