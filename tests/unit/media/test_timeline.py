from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.media.timeline import PacketTable, build_timeline

NONE = np.iinfo(np.int64).min


def table(pts, dts=None, *, duration=40, keyframe=None, hidden=None) -> PacketTable:
    """Packets on a millisecond clock."""
    pts = np.array([NONE if t is None else t for t in pts], dtype=np.int64)
    if dts is None:
        dts = np.sort(pts)
    return PacketTable(
        pts=pts,
        dts=np.array([NONE if t is None else t for t in dts], dtype=np.int64),
        duration=np.full(pts.size, duration, dtype=np.int64),
        keyframe=np.arange(pts.size) == 0 if keyframe is None else np.asarray(keyframe),
        hidden=np.zeros(pts.size, bool) if hidden is None else np.asarray(hidden),
        time_base=Fraction(1, 1000),
    )


increasing = st.lists(st.integers(1, 400), min_size=1, max_size=60).map(
    lambda gaps: np.cumsum([0, *gaps])
)


@settings(deadline=None)
@given(ticks=increasing, origin=st.integers(-10_000, 10_000_000), seed=st.integers(0, 99))
def test_frames_are_shown_at_their_sorted_timestamps_from_zero(ticks, origin, seed):
    # file order differs from showing order, as with B-frames
    stored = np.random.default_rng(seed).permutation(ticks) + origin
    timeline = build_timeline(table(stored, dts=np.sort(stored) - 1000))
    np.testing.assert_allclose(timeline.times_s, ticks / 1000, atol=1e-9)
    assert not timeline.by_order
    for tick, time_s in zip(np.sort(stored), timeline.times_s, strict=True):
        assert timeline.time_of(int(tick)) == pytest.approx(time_s)


@settings(deadline=None)
@given(
    pts=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=1, max_size=40),
    dts=st.lists(st.one_of(st.none(), st.integers(-(10**9), 10**9)), min_size=40, max_size=40),
    fps=st.one_of(st.none(), st.floats(1, 240)),
)
def test_any_timestamps_give_a_usable_timeline(pts, dts, fps):
    timeline = build_timeline(table(pts, dts=dts[: len(pts)]), nominal_rate_hz=30, fps=fps)
    times = timeline.times_s
    assert times[0] == 0
    assert np.isfinite(times).all()
    steps = np.diff(times)
    assert (steps >= 0).all() if timeline.by_order else (steps > 0).all()
    assert timeline.end_s > times[-1]
    assert timeline.step_s > 0
    assert len(timeline.key_times_s) == len(timeline.key_pts) == len(timeline.key_dts)


def test_constant_rate():
    timeline = build_timeline(table(range(0, 400, 40)))
    assert timeline.end_s == pytest.approx(0.4)
    assert timeline.step_s == pytest.approx(0.04)
    assert timeline.warnings == ()


def test_one_frame_lasts_as_long_as_its_packet_says():
    assert build_timeline(table([700])).end_s == pytest.approx(0.04)


def test_one_frame_without_duration_lasts_one_nominal_step():
    assert build_timeline(table([0], duration=0), nominal_rate_hz=10).end_s == pytest.approx(0.1)


def test_a_long_gap_is_kept_and_noted():
    timeline = build_timeline(table([0, 40, 80, 1080, 1120]))
    np.testing.assert_allclose(timeline.times_s, [0, 0.04, 0.08, 1.08, 1.12])
    assert "1 gap of more than 10 times" in timeline.warnings[0]
    assert not timeline.repaired


def test_a_gap_longer_than_a_minute_and_than_all_the_rest_is_closed():
    timeline = build_timeline(table([0, 40, 80, 80 + 3_600_000, 120 + 3_600_000]))
    np.testing.assert_allclose(timeline.times_s, [0, 0.04, 0.08, 0.12, 0.16], atol=1e-9)
    assert "jump by 3600.0 s" in timeline.warnings[0]
    assert timeline.repaired
    # and decoded frames are found at the repaired times
    assert timeline.time_of(120 + 3_600_000) == pytest.approx(0.16)


def test_frames_missing_from_a_constant_rate_are_counted():
    ticks = [40 * k for k in range(40) if k not in {11, 12, 30}]
    timeline = build_timeline(table(ticks))
    assert "about 3 frames missing in 2 places" in timeline.warnings[0]
    assert "first at 0.400 s" in timeline.warnings[0]


def test_a_variable_rate_is_not_called_missing_frames():
    ticks = np.cumsum(np.random.default_rng(0).integers(20, 100, 50))
    assert build_timeline(table(ticks)).warnings == ()


def test_two_still_pictures_an_hour_apart_are_believed():
    assert build_timeline(table([0, 3_600_000])).times_s[-1] == pytest.approx(3600)


def test_a_clock_that_restarts_goes_on():
    first = list(range(1400, 1800, 40))
    timeline = build_timeline(table(first * 3, dts=first * 3))
    np.testing.assert_allclose(timeline.times_s, np.arange(30) * 0.04, atol=1e-9)
    assert timeline.by_order
    assert timeline.key_times_s.size == 0
    assert "2 restarts of the clock, first at 0.400 s" in timeline.warnings[0]


def test_timestamps_a_little_out_of_order_are_sorted():
    pts = [0, 40, 120, 80, 160, 200]
    timeline = build_timeline(table(pts, dts=pts))
    np.testing.assert_allclose(timeline.times_s, np.arange(6) * 0.04)
    assert timeline.by_order
    assert "1 timestamp out of order" in timeline.warnings[0]


def test_repeated_timestamps_are_noted_and_shown_once():
    timeline = build_timeline(table([0, 40, 40, 80], dts=[0, 40, 41, 80]))
    np.testing.assert_allclose(timeline.times_s, [0, 0.04, 0.08])
    assert "1 frame with the timestamp of another" in timeline.warnings[0]


def test_no_presentation_times_at_all():
    timeline = build_timeline(table([None] * 5, dts=range(0, 200, 40)))
    np.testing.assert_allclose(timeline.times_s, np.arange(5) * 0.04)
    assert timeline.by_order


def test_no_times_at_all_uses_the_nominal_rate():
    timeline = build_timeline(table([None] * 5, dts=[None] * 5), nominal_rate_hz=50)
    np.testing.assert_allclose(timeline.times_s, np.arange(5) * 0.02)
    assert "nominal frame rate" in timeline.warnings[0]


def test_hidden_lead_in_comes_before_zero():
    timeline = build_timeline(
        table(
            [-80, -40, 0, 40],
            dts=[-80, -40, 0, 40],
            hidden=[True, True, False, False],
            keyframe=[True, False, False, False],
        )
    )
    np.testing.assert_allclose(timeline.times_s, [0, 0.04])
    np.testing.assert_allclose(timeline.key_times_s, [-0.08])
    assert timeline.keyframe_before(0.0) == 0


def test_keyframes_before_a_time():
    timeline = build_timeline(table(range(0, 400, 40), keyframe=np.arange(10) % 4 == 0))
    np.testing.assert_allclose(timeline.key_times_s, [0, 0.16, 0.32])
    assert [timeline.keyframe_before(t) for t in (-1.0, 0.0, 0.159, 0.16, 9.0)] == [
        None,
        0,
        0,
        1,
        2,
    ]


def test_frame_rate_override_ignores_the_timestamps():
    timeline = build_timeline(table([0, 40, 300, 310]), fps=100)
    np.testing.assert_allclose(timeline.times_s, [0, 0.01, 0.02, 0.03])
    assert timeline.end_s == pytest.approx(0.04)
    assert timeline.time_of(300) == pytest.approx(0.02)
