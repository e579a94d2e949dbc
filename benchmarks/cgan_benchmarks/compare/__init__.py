"""The commands of `cgan-bench`, one file each; heavy packages are imported inside functions."""
