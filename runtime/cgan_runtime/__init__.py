"""cgan's edge runtime: color images, videos and cameras with an exported generator, without torch."""

__version__ = "0.1.0"
