"""How fast what hits is: paths and network weighed against each other."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.impact_speeds import SEEN_LOG_STD, with_seen_speed
from pavas_tiny.learned_impacts import ImpactCurve

from pavas_sdk.data import Impact


def curve(*, sure=True, speed_m_s=4.0):
    score = np.full(100, 0.01, dtype=np.float32)
    score[50] = 1.2 if sure else 0.7
    return ImpactCurve(
        times_s=(np.arange(100) + 0.5) / 100.0,
        score=score,
        place=np.full((100, 2), 0.5, dtype=np.float32),
        speed_m_s=np.full(100, speed_m_s, dtype=np.float32),
        mass_kg=np.ones(100, dtype=np.float32),
        time_scale=1.0,
    )


def hit(before_m_s=1.25, after_m_s=0.75, time_s=0.505):
    return Impact(
        object_id=0,
        time_s=time_s,
        speed_before_m_s=before_m_s,
        speed_after_m_s=after_m_s,
        velocity_change_m_s=2.0,
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
    )


def test_the_mean_of_logarithms_by_certainty():
    drawn = with_seen_speed(
        hit(), curve(), log_std=SEEN_LOG_STD * 0.6, scale_log_std=SEEN_LOG_STD * 0.8
    )
    assert drawn.speed_before_m_s == pytest.approx(2.5)  # 1 m/s is lost, 4 are seen: 2
    assert drawn.speed_after_m_s == pytest.approx(1.5)
    assert drawn.velocity_change_m_s == pytest.approx(4.0)
    sure = with_seen_speed(hit(), curve(), log_std=0.01, scale_log_std=0.01)
    assert sure.speed_before_m_s == pytest.approx(1.25, rel=0.01)


def test_a_scale_that_is_given_and_clips_of_unknown_kinds_are_left_alone():
    own = hit()
    assert with_seen_speed(own, curve(), log_std=0.5, scale_log_std=0.0) is own
    assert with_seen_speed(own, curve(sure=False), log_std=0.5, scale_log_std=0.5) is own


def test_what_is_not_known_stays_so():
    late = hit(time_s=3.0)
    assert with_seen_speed(late, curve(), log_std=0.5, scale_log_std=0.5) is late
    gone = with_seen_speed(hit(after_m_s=float("nan")), curve(), log_std=0.5, scale_log_std=0.5)
    assert gone.speed_before_m_s == 1.25
    assert np.isnan(gone.speed_after_m_s)


def test_a_rest_is_no_division_by_nothing():
    still = with_seen_speed(hit(1.0, 1.0), curve(), log_std=0.5, scale_log_std=0.5)
    assert np.isfinite(still.speed_before_m_s)
    assert still.speed_before_m_s > 1.0
