"""The window of `cgan-run --webcam`."""
