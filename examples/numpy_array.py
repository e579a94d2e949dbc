"""Color a NumPy array in memory, as in a program or notebook of your own.

    python examples/numpy_array.py

Needs `pip install 'cgan[cpu]'`.
"""

import numpy as np

from cgan_runtime import Colorizer


def main() -> None:
    """Color a gray ramp in 8 and in 16 bits."""
    ramp = np.linspace(0, 1, 256 * 256, dtype=np.float32).reshape(256, 256)
    with Colorizer.open() as colorizer:  # open it once, use it for many arrays
        for dtype in (np.uint8, np.uint16):
            gray = (ramp * np.iinfo(dtype).max).astype(dtype)
            rgb = colorizer.image(gray)
            print(f"{gray.dtype} {gray.shape} -> {rgb.dtype} {rgb.shape}")


if __name__ == "__main__":
    main()
