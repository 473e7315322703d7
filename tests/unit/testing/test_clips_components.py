"""The tiny clips are what they say, and the tiny components see it."""

import numpy as np
import pytest

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.testing import (
    METRES_PER_PIXEL,
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    checks_for,
    moving_discs,
    run_checks,
)
from pavas_sdk.testing.equality import same_answer

RNG = np.random.default_rng(0)
TINY = {
    "moving_object_detector": BrightDetector,
    "segmenter": BrightSegmenter,
    "reconstructor": WallReconstructor,
    "mass_estimator": DensityMassEstimator,
}


@pytest.mark.parametrize("count", [0, 1, 3])
def test_discs_are_where_the_masks_say(count):
    clip = moving_discs(count)
    assert len(clip.objects) == len(clip.masks) == count
    covered = np.zeros(clip.video.frames.shape[:3], dtype=bool)
    for track in clip.masks.values():
        assert not (covered & track.masks).any()
        covered |= track.masks
    bright = clip.video.frames.mean(axis=-1) > 150
    np.testing.assert_array_equal(bright, covered)


def test_true_speeds_are_those_of_the_true_masks():
    clip = moving_discs(2, time_scale=4.0)
    for object_id, track in clip.masks.items():
        columns = np.arange(clip.video.width)
        shares = track.masks.sum(axis=1) / track.masks.sum(axis=(1, 2))[:, None]
        x_m = (shares * columns).sum(axis=1) * METRES_PER_PIXEL
        speeds = np.abs(np.diff(x_m)) / np.diff(clip.video.times_s) * 4.0
        assert np.median(speeds) == pytest.approx(clip.physics[object_id].speed_m_s[0], rel=0.02)


def test_hidden_frames_show_the_bare_wall():
    clip, wall = moving_discs(1, hidden=(5, 9)), moving_discs(0)
    np.testing.assert_array_equal(clip.video.frames[5:9], wall.video.frames[5:9])
    assert clip.masks[0].visible.tolist() == [not 5 <= frame < 9 for frame in range(20)]
    assert np.isnan(clip.masks[0].scores[5:9]).all()


def test_the_same_arguments_give_the_same_clip():
    assert same_answer(moving_discs(2), moving_discs(2))
    assert not same_answer(moving_discs(2), moving_discs(2, time_scale=2.0))


def test_detector_and_segmenter_find_the_discs():
    clip = moving_discs(3, hidden=(4, 7))
    objects = BrightDetector().detect(clip.source, rng=RNG)
    assert [entry.object_id for entry in objects] == [0, 1, 2]
    masks = BrightSegmenter().segment(clip.source, objects, rng=RNG)
    assert same_answer(dict(masks), clip.masks)
    assert BrightDetector(threshold=254.0).detect(clip.source, rng=RNG) == []


def test_reconstructor_gives_the_true_wall():
    clip = moving_discs(1)
    points = WallReconstructor().reconstruct(clip.source, masks=clip.masks, rng=RNG)
    np.testing.assert_allclose(points.points_m, clip.reconstruction.points_m)
    np.testing.assert_array_equal(points.times_s, clip.video.times_s)


def test_mass_grows_with_area_and_needs_a_mask():
    clip = moving_discs(2)
    estimate = DensityMassEstimator().estimate_mass(
        clip.source, clip.objects, masks={0: clip.masks[0]}, rng=RNG
    )
    assert list(estimate) == [0]
    disc_m2 = np.pi * 5.0**2 * METRES_PER_PIXEL**2
    assert estimate[0].mass_kg == pytest.approx(20.0 * disc_m2, rel=0.1)


@pytest.mark.parametrize("kind", TINY)
def test_tiny_components_keep_their_contract(kind):
    results = list(run_checks(checks_for(kind, TINY[kind])))
    assert len(results) >= 14
    assert [
        (result.check, result.message) for result in results if result.outcome != "passed"
    ] == []


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigurationError, match="no kind 'mover'; kinds are moving_object"):
        checks_for("mover", object)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (1.0, 1.0, True),
        (float("nan"), float("nan"), True),
        (1.0, 1, True),
        (np.array([1.0, np.nan]), np.array([1.0, np.nan]), True),
        (np.array([1.0]), np.array([1.0], dtype=np.float32), False),
        (np.array([1.0]), [1.0], False),
        ({"a": [1]}, {"a": [1]}, True),
        ({"a": [1]}, {"a": [2]}, False),
        ({"a": 1}, {"b": 1}, False),
        ([1, 2], [1], False),
        ("ab", "ab", True),
        (None, None, True),
    ],
)
def test_same_answer(first, second, same):
    assert same_answer(first, second) is same
