"""Cuts: the quick look at two images says what the slow one says."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cgan_runtime.temporal.scene_cuts import CUT_RESIDUAL, difference, show_one_scene

SHAPE = (12, 20)
EDGE = 1e-4  # so near the border of the decision rounding may decide


@given(
    st.integers(0, 2**32 - 1),
    st.floats(0, 80),  # contrast
    st.floats(0, 3),  # noise, times the contrast
    st.floats(0.2, 4),  # change of light: gain
    st.floats(-60, 60),  # and offset
)
def test_the_quick_look_agrees_with_the_difference(
    seed: int, contrast: float, noise: float, gain: float, offset: float
) -> None:
    rng = np.random.default_rng(seed)
    small = (128 + contrast * rng.standard_normal(SHAPE)).astype(np.float32)
    other = (gain * (small + noise * contrast * rng.standard_normal(SHAPE)) + offset).astype(np.float32)
    found = difference(small, other)
    if abs(found - CUT_RESIDUAL) > EDGE:
        assert show_one_scene(small, other) == (found <= CUT_RESIDUAL)
