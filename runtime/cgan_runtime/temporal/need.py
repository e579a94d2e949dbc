"""When the network has to look at a frame again: `every="auto"`.

    if is_needed(since, known, light): ...

The decision follows from the lightness of the frames alone, not from what was predicted for them, so it is the
same for every model, precision and machine that decodes the same frames.
"""

from __future__ import annotations

from cgan_runtime.color.lab import FloatArray
from cgan_runtime.temporal.scene_cuts import shrunk

MOST_FRAMES = 16  # from one prediction to the next: 0.6 s of 25 frames/s, 1 s of 16, the fewest that films have
# Of a prediction, as it is carried along the motion, so much may be unknown in one place, as where something comes
# into view, and so much in all: at once, and where the network has not run for `REST_FRAMES`.
PLACE = 8  # marks, 16 pixels
AT_ONCE = 0.6, 0.2
RESTED = 0.4, 0.1
REST_FRAMES = 3
# In a place at the edge of the image, where a pan shows new things, which take the colors of what is beside them.
AT_EDGE = 0.8
LIGHT_DRIFT = 8.0  # change of the light since the last prediction, levels of 255


def is_needed(since: int, known: FloatArray, light: float) -> bool:
    """Whether the network should run, `since` frames after it ran last, 1 or more.

    `known` is how far its answer can still be believed at each place, float32 (h', w') in [0, 1]; `light` how much
    the light of the image has changed since then, levels of 255.
    """
    if since >= MOST_FRAMES or abs(light) > LIGHT_DRIFT:
        return True
    places = 1 - shrunk(known, PLACE)
    in_place, in_all = RESTED if since >= REST_FRAMES else AT_ONCE
    within = places[1:-1, 1:-1]
    newly_seen = float(places.max()) > AT_EDGE or (within.size > 0 and float(within.max()) > in_place)
    return newly_seen or float(places.mean()) > in_all
