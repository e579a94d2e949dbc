"""The entry point of `cgan-export`, also `python -m cgan_export`."""

from cgan_runtime.system.start import run


def main() -> None:
    """Run the command; Ctrl-C is handled before the rest is imported."""
    run("cgan_export.cli")


if __name__ == "__main__":
    main()
