"""The entry point of `cgan-run`, also `python -m cgan_runtime`."""

import os

from cgan_runtime.system.start import run


def main() -> None:
    """Run the command; Ctrl-C is handled before the rest is imported."""
    # The BLAS of NumPy and of OpenCV starts threads when it is loaded, which spin until they have work. Here they get
    # none: a start takes a twelfth less without them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    run("cgan_runtime.cli")


if __name__ == "__main__":
    main()
