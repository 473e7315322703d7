"""Paths that prove by themselves that something was hit, and paths that do not."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.clean_stops import clean_stops
from pavas_tiny.object_motion import SeenObject
from pavas_tiny.shape import measure_shape
from scenes import clock, disc

TIMES = clock(60)
HIT_S = 1.21


def ball(path, *, radius=6.0, noise_px=0.1, seed=0, kind_of=disc) -> SeenObject:
    """A disc on a path through 80 x 120 pixels, its centres measured with noise."""
    path = np.asarray(path)
    masks = np.stack([kind_of(place, radius, (80, 120)) > 0.5 for place in path])
    shape = measure_shape(masks)
    assert shape is not None
    noise = np.random.default_rng(seed).normal(0, noise_px, path.shape)
    return SeenObject(
        object_id=2,
        times_s=TIMES,
        masks=masks,
        shape=shape,
        centres=path + noise,
        pieces=[],
        free=[],
    )


def rolls(before, after, *, times_s=TIMES):
    """Along y = 40 at one speed before the hit and at another after it, px/s."""
    x = 60 + np.where(times_s < HIT_S, before, after) * (times_s - HIT_S)
    return np.stack([x, np.full_like(x, 40.0)], axis=1)


def stops(entry, **changes):
    return clean_stops(entry, **{"m_per_px": 0.01, "time_scale": 1.0, **changes})


@pytest.mark.parametrize(
    "after", [0.0, 12.0, -3.0], ids=["stopped", "slowed", "thrown back a little"]
)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_rolls_against_something(after, seed):
    (hit,) = stops(ball(rolls(35.0, after), seed=seed))
    assert hit.object_id == 2
    assert hit.time_s == pytest.approx(HIT_S, abs=0.03)
    assert hit.speed_before_m_s == pytest.approx(0.35, abs=0.05)
    assert hit.speed_after_m_s == pytest.approx(abs(after) / 100, abs=0.05)
    assert hit.velocity_change_m_s == pytest.approx((35.0 - after) / 100, abs=0.08)


def test_slow_motion_is_faster_than_it_looks():
    path = rolls(35.0, 5.0)
    (hit,) = stops(ball(path), time_scale=2.0)
    assert hit.speed_before_m_s == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "path",
    [
        np.stack([15 + 30 * TIMES, np.full(60, 40.0)], axis=1),
        np.stack(
            [20 + 60 * np.minimum(TIMES, 1.6) * (1 - TIMES.clip(0, 1.6) / 3.2), 0 * TIMES + 40],
            axis=1,
        ),
        np.stack([60 + 40 * np.sin(4.5 * TIMES), 30 + 8 * np.cos(9 * TIMES)], axis=1),
        np.stack([20 + 25 * TIMES, 60 - 70 * TIMES + 30 * TIMES**2], axis=1),
        rolls(0.0, 40.0),
        np.tile([60.0, 40.0], (60, 1)),
        rolls(35.0, -30.0),
    ],
    ids=["even", "rolls out", "swings", "flies", "is pushed from rest", "rests", "turns"],
)
def test_no_stop_without_a_hit(path, seed):
    assert stops(ball(path, seed=seed)) == []


def test_only_round_whole_things_that_are_large_enough():
    def stick(centre, radius, size):
        return disc((centre[0], centre[1]), radius, size) * (
            np.abs(np.arange(size[0])[:, None] - centre[1]) < radius / 5
        )

    path = rolls(35.0, 5.0)
    assert stops(ball(path, radius=2.5)) == []
    assert stops(ball(path, radius=15.0, kind_of=stick)) == []
    assert stops(ball(path - [0, 40])) == []  # half of it beyond the edge


def test_a_contact_that_is_hidden_for_a_moment():
    entry = ball(rolls(35.0, 5.0))
    entry.centres[30:32] = np.nan
    (hit,) = stops(entry)
    assert hit.time_s == pytest.approx(HIT_S, abs=0.05)
    entry.centres[26:35] = np.nan
    assert stops(entry) == []
