"""Connected parts of each frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.parts import label_parts, strong_parts, without_small
from scenes import quick
from scipy import ndimage

THRESHOLD = np.full((20, 24), 10.0, np.float32)


def mask_of(*boxes, frames=1):
    """Frame, rows and columns (first, end) of rectangles."""
    mask = np.zeros((frames, 20, 24), dtype=bool)
    for t, (top, bottom), (left, right) in boxes:
        mask[t, top:bottom, left:right] = True
    return mask


@pytest.mark.parametrize(("gap", "parts"), [(1, 1), (2, 1), (3, 2)])
@pytest.mark.parametrize("across", [True, False])
def test_a_gap_of_two_pixels_does_not_separate(gap, parts, across):
    mask = mask_of((0, (4, 8), (4, 8)), (0, (4, 8), (8 + gap, 12 + gap)))
    labels, count = label_parts(mask if across else mask[:, :, :20].swapaxes(1, 2))
    assert count == parts
    assert labels.max() == parts


def test_frames_are_labelled_apart():
    mask = mask_of((0, (4, 8), (4, 8)), (1, (4, 8), (4, 8)), frames=2)
    labels, count = label_parts(mask)
    assert count == 2
    assert set(np.unique(labels[0])) == {0, 1}
    assert set(np.unique(labels[1])) == {0, 2}


@quick
@given(seed=st.integers(0, 10_000), share=st.floats(0.02, 0.3))
def test_labels_are_components_of_the_dilated_frames(seed, share):
    mask = np.random.default_rng(seed).random((3, 16, 18)) < share
    labels, count = label_parts(mask)
    np.testing.assert_array_equal(labels > 0, mask)
    total = 0
    for t in range(3):
        wide = ndimage.binary_dilation(mask[t], np.ones((3, 3)))
        own, number = ndimage.label(wide)
        total += number
        pairs = np.unique(np.stack([own[mask[t]], labels[t][mask[t]]]), axis=1)
        assert np.unique(pairs[0]).size == np.unique(pairs[1]).size == pairs.shape[1]
    assert count == total
    assert labels.dtype == np.int32


def contrast_of(mask, level=30):
    return np.where(mask, np.uint8(level), np.uint8(0))


def test_five_pixels_are_too_few_and_six_are_enough():
    mask = mask_of((0, (2, 3), (2, 7)), (0, (10, 11), (2, 8)))
    labels, count = strong_parts(contrast_of(mask), THRESHOLD)
    assert count == 1
    np.testing.assert_array_equal(np.flatnonzero(labels.any(axis=2)[0]), [10])


def test_a_part_must_somewhere_reach_well_above_the_threshold():
    mask = mask_of((0, (4, 8), (4, 10)))
    faint = contrast_of(mask, 16)
    assert strong_parts(faint, THRESHOLD)[1] == 0
    faint[0, 4, 4:6] = 18
    assert strong_parts(faint, THRESHOLD)[1] == 0  # two strong pixels are chance
    faint[0, 4, 6] = 18
    labels, count = strong_parts(faint, THRESHOLD)
    assert count == 1
    assert (labels > 0).sum() == 24  # with its faint pixels


def test_what_equals_the_threshold_is_no_part():
    contrast = contrast_of(mask_of((0, (4, 8), (4, 10))), 10)
    contrast[0, 4:6, 4:10] = 30
    labels, count = strong_parts(contrast, THRESHOLD)
    assert count == 1
    np.testing.assert_array_equal(labels > 0, contrast == 30)


def test_kept_parts_are_numbered_without_gaps():
    mask = mask_of((0, (2, 3), (2, 5)), (0, (8, 12), (2, 6)), (1, (8, 12), (2, 6)), frames=2)
    labels, count = label_parts(mask)
    assert count == 3
    kept, number = without_small(labels, count, contrast_of(mask), THRESHOLD)
    assert number == 2
    np.testing.assert_array_equal(np.unique(kept[0]), [0, 1])
    np.testing.assert_array_equal(np.unique(kept[1]), [0, 2])


def test_nothing_stays_nothing():
    labels, count = strong_parts(np.zeros((2, 20, 24), np.uint8), THRESHOLD)
    assert count == 0
    assert not labels.any()
