"""Show a camera in color, in a window of OpenCV; Esc ends it.

    python examples/webcam.py              # camera 0
    python examples/webcam.py film.mp4     # or a video

Needs `pip install 'cgan[cpu,window]'`.
"""

import sys

import cv2

from cgan_runtime import Colorizer

ESCAPE = 27


def main(camera: str = "0") -> None:
    """Color each frame by itself: `cgan-run --webcam` keeps the color steady, too."""
    capture = cv2.VideoCapture(int(camera) if camera.isdigit() else camera)
    with Colorizer.open(size=192) as colorizer:  # a smaller size is faster
        while True:
            there, frame = capture.read()
            if not there or cv2.waitKey(1) == ESCAPE:
                break
            gray = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
            colored = colorizer.image(gray)  # RGB
            cv2.imshow("cgan", cv2.cvtColor(colored, cv2.COLOR_RGB2BGR))
    capture.release()
    cv2.destroyAllWindows()


if __name__ == "__main__":
    main(*sys.argv[1:])
