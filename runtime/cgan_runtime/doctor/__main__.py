"""The entry point of `cgan-doctor`, also `python -m cgan_runtime.doctor`."""

from cgan_runtime.system.start import run


def main() -> None:
    """Run the command; Ctrl-C is handled before the rest is imported."""
    run("cgan_runtime.doctor.cli")


if __name__ == "__main__":
    main()
