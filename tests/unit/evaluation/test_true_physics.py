"""Physics made from a truth is abrupt at the true impacts and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.evaluation.true_physics import ASSUMED_M_S, true_physics


def made(**given):
    return true_physics(**{"label": "ball", "duration_s": 4.0, "impacts_s": (), **given})


@pytest.mark.parametrize("impacts", [(1.0, 2.0, 3.0), (0.4, 0.87, 1.33, 1.9), (0.5,)])
def test_its_impacts_are_the_true_ones(impacts):
    physics = made(impacts_s=impacts, mass_range_kg=(0.1, 0.1))
    found = physics.impacts()
    np.testing.assert_allclose([hit.time_s for hit in found], impacts, atol=0.02)
    for hit in found:
        assert hit.velocity_change_m_s == pytest.approx(ASSUMED_M_S, rel=0.1)


def test_known_speeds_are_kept_and_nothing_is_assumed():
    physics = made(impacts_s=(1.0,), speeds=((0.8, 4.0), (1.1, 2.0), (2.0, 1.0)))
    (entry,) = physics

    def at(time_s):
        return float(np.interp(time_s, entry.speed_times_s, entry.speed_m_s))

    assert [at(0.8), at(0.95), at(1.05), at(2.0)] == pytest.approx([4.0, 4.0, 2.0, 1.0], rel=0.01)
    assert at(1.55) == pytest.approx(1.5, rel=0.01)
    assert physics.notes == ()
    (hit,) = physics.impacts()
    assert hit.time_s == pytest.approx(1.0, abs=0.02)


def test_what_is_assumed_is_told():
    assert made(impacts_s=(1.0, 2.0)).notes == ("speed of 2 impacts assumed: 2 m/s",)
    assert made(impacts_s=(1.0,), assumed_m_s=0.7).notes == ("speed of 1 impacts assumed: 0.7 m/s",)
    assert made().notes == ("speed of steady motion assumed: 2 m/s",)


def test_without_impacts_nothing_is_abrupt():
    assert made().impacts() == []
    assert made(speeds=((0.1, 4.2), (0.5, 1.5), (0.9, 3.6)), duration_s=1.0).impacts() == []


def test_unknown_stretches_and_masses_are_missing():
    (entry,) = made(impacts_s=(1.0,), unknown_s=((2.0, 3.0),))
    missing = np.isnan(entry.speed_m_s)
    np.testing.assert_array_equal(
        missing, (entry.speed_times_s >= 2.0) & (entry.speed_times_s < 3.0)
    )
    assert entry.mass_kg is None


def test_slow_motion_comes_from_further_away():
    usual, slow = made(impacts_s=(3.0,)), made(impacts_s=(3.0,), time_scale=4.0)
    moving = [float((p[0].speed_m_s > 0).mean() * 4.0) for p in (usual, slow)]
    assert moving == pytest.approx([0.3, 1.2], abs=0.02)
    assert slow.time_scale == 4.0
