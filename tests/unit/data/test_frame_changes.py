"""Frames that repeat the one before. Cuts and blank frames: tests of pavas-cut3r."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data.frame_changes import find_cuts, repeated_frames

REST = 0.3  # noise of a codec, in levels


def moving(count, *, seed=0, size=(24, 32)):
    """A bright square that moves by two pixels a frame before noise, uint8."""
    rng = np.random.default_rng(seed)
    frames = np.tile(rng.integers(60, 160, size=(1, *size, 3), dtype=np.uint8), (count, 1, 1, 1))
    for index in range(count):
        left = 2 * index % (size[1] - 8)
        frames[index, 8:16, left : left + 8] = 250
    return frames


def stored(frames, order, *, noise=REST, seed=1):
    """Frames in another order, each with noise of its own."""
    rng = np.random.default_rng(seed)
    out = frames[np.asarray(order)].astype(float)
    return np.clip(np.rint(out + rng.normal(0, noise, out.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0.0, REST])
def test_24_frames_a_second_stored_at_30(noise):
    order = [0, 1, 2, 3, 3, 4, 5, 6, 7, 7, 8, 9, 10, 11, 11, 12]
    repeated = repeated_frames(stored(moving(13), order, noise=noise))
    assert np.flatnonzero(repeated).tolist() == [4, 9, 14]


def test_frames_that_stand_two_and_three_times():
    order = [0, 0, 1, 2, 3, 4, 4, 4, 5, 6, 7, 8]
    assert np.flatnonzero(repeated_frames(stored(moving(9), order))).tolist() == [1, 6, 7]


def test_rest_is_an_observation():
    """What moves, rests for half a second and moves on is seen at rest."""
    order = [*range(6), *[6] * 15, *range(7, 13)]
    assert not repeated_frames(stored(moving(13), order)).any()


def test_slow_motion_and_stills_repeat_nothing():
    assert not repeated_frames(stored(moving(20), np.zeros(20, int))).any()
    assert not repeated_frames(moving(20)).any()


@given(st.integers(0, 3), st.integers(0, 9))
def test_short_clips(count, seed):
    repeated = repeated_frames(moving(count, seed=seed))
    assert repeated.shape == (count,)
    assert not repeated.any()


def test_repeats_are_no_cuts():
    assert find_cuts(stored(moving(13), [0, 1, 2, 2, 3, 4, 4, 5])) == []
