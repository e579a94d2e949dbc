"""Color science: codes, lightness and chroma, and the way between them."""
