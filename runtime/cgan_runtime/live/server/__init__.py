"""The web page of `cgan-run --serve` and its server."""
