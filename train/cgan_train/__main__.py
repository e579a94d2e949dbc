"""The entry point of `cgan-train`, also `python -m cgan_train`."""

from cgan_runtime.system.start import run


def main() -> None:
    """Run the command; Ctrl-C is handled before the rest is imported."""
    run("cgan_train.cli")


if __name__ == "__main__":
    main()
