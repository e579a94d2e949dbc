"""cgan's edge runtime: colour pictures, films and cameras with an exported generator, without torch."""

__version__ = "0.1.0"
