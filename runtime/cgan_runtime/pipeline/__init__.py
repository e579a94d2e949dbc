"""From file to file: decode, color, encode."""
