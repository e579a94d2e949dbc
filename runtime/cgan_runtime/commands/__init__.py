"""What `cgan-run` does: one video, one image, and how it reports the result."""
