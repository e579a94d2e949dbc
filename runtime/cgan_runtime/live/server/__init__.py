"""The web page of `cgan-run --serve`."""
