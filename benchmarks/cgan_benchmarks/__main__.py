"""The entry point of `cgan-bench`, also `python -m cgan_benchmarks`."""

from cgan_runtime.system.start import run


def main() -> None:
    """Run the command; Ctrl-C is handled before the rest is imported."""
    run("cgan_benchmarks.cli")


if __name__ == "__main__":
    main()
