"""Color science: codes, lightness and chroma, and the conversions between them."""
