"""The options of `cgan-run`, in groups."""
