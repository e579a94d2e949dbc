"""Color an image file.

    python examples/color_image.py photo.jpg colored.jpg

Needs `pip install 'cgan[cpu]'`.
"""

import sys

from cgan_runtime import CganError, colorize_image


def main(source: str, target: str) -> None:
    """Color one image with the model that ships with cgan."""
    try:
        result = colorize_image(source, target)
    except CganError as error:  # the input cannot be read, the output exists, ...
        raise SystemExit(f"error: {error}") from None
    print(f"{result.output}: {result.width}x{result.height}, {result.seconds:.2f} s on {result.backend}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
