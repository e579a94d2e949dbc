"""What `cgan-run` does with one video or image, and how it reports the result."""
