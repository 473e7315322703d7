"""What hits where nothing is followed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pavas_tiny.analysis import analyse
from pavas_tiny.camera_motion import estimate_camera_motion
from pavas_tiny.hitting import find_what_hits
from pavas_tiny.learned_impacts import ImpactCurve
from scenes import clock, render

from pavas_sdk import Video
from pavas_sdk.media import MemorySource

SIZE = (60, 80)


def curve_at(place, *, score=1.3):
    scores = np.full(200, 0.01, dtype=np.float32)
    scores[100] = score
    return ImpactCurve(
        times_s=(np.arange(200) + 0.5) / 100.0,
        score=scores,
        place=np.tile(np.asarray(place, dtype=np.float32), (200, 1)),
        speed_m_s=np.ones(200, dtype=np.float32),
        mass_kg=np.ones(200, dtype=np.float32),
        time_scale=1.0,
    )


@pytest.fixture(scope="module")
def flash():
    """Something dark that is there from 0.96 to 1.04 s, too short for a track."""
    frames = render([], size=SIZE, frames=50).frames.copy()
    frames[24:27, 28:34, 38:46] = 5
    return frames


def seen(frames, curve):
    return find_what_hits(frames, clock(len(frames)), curve, estimate_camera_motion(frames))


def test_what_changes_around_an_impact_hits(flash):
    mover = seen(flash, curve_at((0.52, 0.52)))
    assert mover is not None
    assert np.flatnonzero(mover.masks.any(axis=(1, 2)))[[0, -1]] == pytest.approx([18, 32], abs=1)
    np.testing.assert_array_equal(np.argwhere(mover.masks[25]).min(axis=0), [28, 38])
    np.testing.assert_array_equal(np.argwhere(mover.masks[25]).max(axis=0), [33, 45])
    assert mover.centres[25] == pytest.approx([41.5, 30.5], abs=0.6)
    assert mover.masks[20].sum() < 40  # nothing changes yet: a spot at the place
    assert np.isnan(mover.centres[5]).all()


def test_only_where_it_is_certain(flash):
    assert seen(flash, curve_at((0.5, 0.5), score=0.9)) is None


def test_far_from_the_place_nothing_counts(flash):
    mover = seen(flash, curve_at((0.05, 0.05)))
    assert mover is not None
    assert not mover.masks[25, 28:34, 38:46].any()


def test_an_analysis_without_movers_takes_it(flash, monkeypatch):
    source = MemorySource(Video(frames=flash, times_s=clock(50)))
    assert analyse(source).movers == ()
    monkeypatch.setattr(
        "pavas_tiny.analysis.impact_curve", lambda _source, **_: curve_at((0.52, 0.52))
    )
    other = MemorySource(replace(source.read(), source="again"))
    (mover,) = analyse(other).movers
    assert mover.masks[25, 30, 42]
