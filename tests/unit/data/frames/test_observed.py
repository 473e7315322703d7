"""Frames that show the one before once more are no observations; cuts are found once."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.data import Video
from pavas_sdk.data.frames import DistinctSource, survey_frames
from pavas_sdk.media import MemorySource
from pavas_sdk.testing import moving_discs

SHOWN = moving_discs(1, frames=60, height=96, width=128).video.frames


def source(order, rate_hz=50.0, noise=1.0, seed=0):
    """Frames of a disc that moves, in some order, with the noise of a codec."""
    rng = np.random.default_rng(seed)
    frames = SHOWN[order] + np.rint(rng.normal(0, noise, (len(order), *SHOWN.shape[1:])))
    times = np.arange(len(order)) / rate_hz
    frames = np.clip(frames, 0, 255).astype(np.uint8)
    return MemorySource(Video(frames=frames, times_s=times, end_s=len(order) / rate_hz))


PATTERNS = {
    "25 stored at 50": np.repeat(np.arange(60), 2),
    "15 stored at 60": np.repeat(np.arange(25), 4),
    "24 stored at 30": np.sort(np.concatenate([np.arange(60), np.arange(3, 60, 4)])),
    "24 stored at 60": np.repeat(np.arange(50), np.tile([2, 3], 25)),
    "25 stored at 30": np.sort(np.concatenate([np.arange(60), np.arange(4, 60, 5)])),
    "a screen": np.sort(np.random.default_rng(3).integers(0, 60, 90)),
}


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("name", PATTERNS)
def test_repetitions_are_found(name, noise):
    order = PATTERNS[name]
    survey = survey_frames(source(order, noise=noise))
    true = np.concatenate([[False], np.diff(order) == 0])
    assert survey.repeated.size == order.size
    assert (survey.repeated & ~true).sum() <= 1
    assert (survey.repeated & true).sum() >= 0.8 * true.sum()
    assert "show the one before once more" in survey.notes()[0]


@pytest.mark.parametrize("noise", [0.0, 1.0, 3.0])
@pytest.mark.parametrize(
    "order", [np.arange(60), np.zeros(60, int), np.r_[np.arange(30), [29] * 30]]
)
def test_motion_and_rest_are_no_repetitions(order, noise):
    survey = survey_frames(source(order, noise=noise))
    assert not survey.repeated.any()
    assert survey.notes() == ()


def test_the_rhythm_holds_while_nothing_moves():
    order = np.repeat(np.r_[[0] * 20, np.arange(30), [29] * 20], 2)
    survey = survey_frames(source(order))
    assert survey.repeated.sum() in (69, 70)
    assert np.diff(survey.times_s[~survey.repeated]) == pytest.approx(0.04, abs=0.021)


def test_a_source_of_distinct_frames():
    whole = source(PATTERNS["25 stored at 50"])
    distinct = DistinctSource(whole, survey_frames(whole))
    part = distinct.read(0.4, 1.2)
    assert part.frames.shape[0] == 20
    assert np.diff(part.times_s) == pytest.approx(0.04)
    assert distinct.frame_rate_hz == pytest.approx(25.0)
    assert distinct.frame_times_s.size == 60
    assert distinct.duration_s == whole.duration_s
    np.testing.assert_array_equal(
        distinct.frames_at([0.41, 0.43]).frames, whole.frames_at([0.41, 0.43]).frames
    )
    single = distinct.read(0.42, 0.43)  # only a repetition appears here
    assert single.frames.shape[0] == 1


def test_survey_needs_no_more_than_a_part_in_memory_and_gives_the_same():
    order = np.tile(np.repeat(np.arange(60), 2), 3)  # 7.2 s, four parts, jumps where it begins anew
    survey = survey_frames(source(order))
    true = np.concatenate([[False], np.diff(order) == 0])
    assert (survey.repeated & true).sum() >= 0.95 * true.sum()
    assert survey.cuts_s == ()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_video_of_hardly_any_frames(count):
    survey = survey_frames(source(np.arange(count)))
    assert not survey.repeated.any()
    assert survey.times_s.size == count


def test_cuts_are_found_at_their_times():
    rng = np.random.default_rng(1)
    scenes = [
        np.clip(
            SHOWN[:40] * gain + rng.integers(0, 60, (1, 12, 16, 1)).repeat(8, 1).repeat(8, 2),
            0,
            255,
        )
        for gain in (0.2, 0.9)
    ]
    frames = np.concatenate(scenes).astype(np.uint8)
    whole = MemorySource(Video(frames=frames, times_s=np.arange(80) / 25.0))
    survey = survey_frames(whole)
    assert survey.cuts_s == pytest.approx((1.6,))
    assert "cuts to another scene at 1.60 s" in survey.notes()[0]
