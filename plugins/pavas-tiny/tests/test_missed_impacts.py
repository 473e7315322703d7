"""Whose the impacts are that only the network saw, and how fast they were."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.flight import fit_pieces
from pavas_tiny.impact_envelope import Envelope
from pavas_tiny.learned_impacts import ImpactCurve
from pavas_tiny.missed_impacts import impacts_at
from pavas_tiny.object_motion import SeenObject
from pavas_tiny.shape import measure_shape
from scenes import clock, disc

SIZE = (60, 80)
TIMES_S = clock(50)


def disc_on(path, object_id):
    """A disc of 5 px on a path, (T, 2)."""
    masks = np.stack([disc(tuple(centre), 5.0, SIZE) >= 0.5 for centre in path])
    shape = measure_shape(masks)
    assert shape is not None
    pieces = fit_pieces(TIMES_S, path)
    return SeenObject(
        object_id=object_id,
        times_s=TIMES_S,
        masks=masks,
        shape=shape,
        centres=path,
        pieces=pieces,
        free=pieces,
    )


def curve_at(place, *, score=1.2):
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


def nothing_fast():
    return Envelope(
        times_s=TIMES_S,
        speed=np.zeros(49),
        velocity=np.zeros((49, 2)),
        place=np.zeros((49, 2)),
        width=SIZE[1],
    )


def turning(x0, y, speed_px_s):
    """Comes in, and at 1 s turns back."""
    x = x0 + speed_px_s * np.where(TIMES_S < 1.0, TIMES_S - 1.0, 1.0 - TIMES_S)
    return np.stack([x, np.full_like(x, y)], axis=1)


@pytest.mark.parametrize(
    ("place", "owner"),
    [
        ((0.5, 15 / 60), 0),  # beside the slower one
        ((0.5, 45 / 60), 1),
        ((0.02, 0.5), 1),  # beside none: that which changes most
    ],
)
def test_the_object_at_the_place_takes_the_impact(place, owner):
    objects = [disc_on(turning(40.0, 15.0, 15.0), 0), disc_on(turning(40.0, 45.0, 30.0), 1)]
    (hit,) = impacts_at(
        [1.0], objects, nothing_fast(), curve_at(place), m_per_px=0.01, time_scale=1.0
    )
    assert hit.object_id == owner
    assert hit.speed_before_m_s == pytest.approx(0.3 if owner else 0.15, rel=0.25)
    assert hit.speed_after_m_s < hit.speed_before_m_s


def test_what_goes_on_smoothly_hits_nothing_unless_it_is_clear():
    even = disc_on(np.stack([10 + 25 * TIMES_S, np.full(50, 30.0)], axis=1), 0)
    for score, count in ((0.4, 0), (0.6, 1)):
        found = impacts_at(
            [1.0],
            [even],
            nothing_fast(),
            curve_at((0.5, 0.5), score=score),
            m_per_px=0.01,
            time_scale=1.0,
        )
        assert len(found) == count
