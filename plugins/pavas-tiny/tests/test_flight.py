"""Paths cut into rest, even motion and flight, and gravity found in them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pavas_tiny.flight import (
    Piece,
    _piece_costs,
    fit_gravity,
    fit_pieces,
    path_noise_px,
    smooth_path,
)
from scenes import ballistic, bouncing, clock, quick, resting_until, straight

TIMES = clock(50)


def blurred(path, noise_px=0.2, seed=0):
    return path + np.random.default_rng(seed).normal(scale=noise_px, size=path.shape)


@quick
@given(
    gravity=st.floats(60, 400),
    across=st.floats(-60, 60),
    up=st.floats(-150, 50),
    seed=st.integers(0, 1000),
)
def test_a_flight_is_one_piece_of_its_acceleration(gravity, across, up, seed):
    path = blurred(ballistic(TIMES, (10, 100), (across, up), gravity), seed=seed)
    (piece,) = fit_pieces(TIMES, path)
    assert piece.degree == 2
    assert (piece.first, piece.last, piece.seen) == (0, 49, 50)
    miss = np.linalg.norm(piece.acceleration - (0, gravity))
    assert miss < 4 * piece.acceleration_std + 0.01 * gravity
    assert piece.acceleration_std < 2.0
    assert piece.rms_px < 0.5
    np.testing.assert_allclose(piece.at(TIMES), path, atol=1.2)


@quick
@given(angle=st.floats(0, 2 * np.pi), speed=st.floats(15, 200), seed=st.integers(0, 1000))
def test_even_motion_has_its_velocity(angle, speed, seed):
    velocity = speed * np.array([np.cos(angle), np.sin(angle)])
    (piece,) = fit_pieces(TIMES, blurred(straight(TIMES, (50, 50), velocity), seed=seed))
    assert piece.degree == 1
    np.testing.assert_allclose(piece.coefficients[1], velocity, atol=0.6)
    assert not piece.coefficients[2].any()
    assert piece.acceleration_std == np.inf


def test_rest_is_rest():
    (piece,) = fit_pieces(TIMES, blurred(np.tile((20.0, 30.0), (50, 1))))
    assert piece.degree == 0
    np.testing.assert_allclose(piece.coefficients[0], (20, 30), atol=0.15)


def test_rest_then_motion_is_cut_where_it_starts():
    pieces = fit_pieces(TIMES, blurred(resting_until(0.8, TIMES, (20, 30), (60.0, 0.0))))
    assert [piece.degree for piece in pieces] == [0, 1]
    assert TIMES[pieces[1].first] == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("restitution", [0.2, 0.6, 0.9])
def test_a_bounce_is_cut_at_the_impact(restitution):
    path, hit_s = bouncing(clock(45), 30.0, 10.0, 100.0, 160.0, restitution)
    pieces = fit_pieces(clock(45), blurred(path))
    cut = min((TIMES[piece.first] for piece in pieces[1:]), key=lambda t: abs(t - hit_s))
    assert cut == pytest.approx(hit_s, abs=0.045)
    fall = pieces[0]
    assert fall.acceleration[1] == pytest.approx(160, rel=0.03)


def test_frames_without_a_sighting_are_bridged():
    path = blurred(ballistic(TIMES, (10, 20), (20.0, 0.0), 100.0))
    path[18:26] = np.nan
    (piece,) = fit_pieces(TIMES, path)
    assert piece.seen == 42
    assert piece.acceleration[1] == pytest.approx(100, rel=0.03)
    smooth = smooth_path(TIMES, path, [piece])
    np.testing.assert_array_equal(np.isnan(smooth), np.isnan(path))


def test_two_sightings_are_no_path():
    path = np.full((50, 2), np.nan)
    assert fit_pieces(TIMES, path) == []
    path[3:5] = 7.0
    assert fit_pieces(TIMES, path) == []
    path[5] = 7.0
    assert len(fit_pieces(TIMES, path)) == 1


def test_a_long_absence_parts_two_paths():
    times = clock(220)
    path = resting_until(times[200], times, (60.0, 30.0), (50.0, 0.0))
    path[:20], path[20:180] = (20.0, 30.0), np.nan
    pieces = fit_pieces(times, path)
    assert [(piece.first, piece.last) for piece in pieces] == [(0, 19), (180, 199), (200, 219)]


def test_uneven_frame_times():
    times = np.sort(np.random.default_rng(2).uniform(0, 2, 50))
    path = blurred(ballistic(times, (10, 20), (30.0, -40.0), 150.0))
    (piece,) = fit_pieces(times, path)
    assert piece.acceleration[1] == pytest.approx(150, rel=0.03)


def test_the_smooth_path_is_nearer_to_the_truth():
    true, _ = bouncing(TIMES, 30.0, 10.0, 100.0, 160.0)
    path = blurred(true, 0.5)
    smooth = smooth_path(TIMES, path, fit_pieces(TIMES, path))
    assert np.square(smooth - true).mean() < 0.4 * np.square(path - true).mean()


@pytest.mark.parametrize("noise_px", [0.3, 0.6, 1.0])
def test_the_noise_of_a_path(noise_px):
    path = blurred(ballistic(TIMES, (0, 0), (60.0, -80.0), 200.0), noise_px)
    # 1.8 times what third differences see
    assert path_noise_px(path) == pytest.approx(1.8 * noise_px, rel=0.3)


def test_the_noise_has_bounds_and_a_default():
    assert path_noise_px(np.zeros((50, 2))) == pytest.approx(0.18)
    assert path_noise_px(blurred(np.zeros((50, 2)), 20.0)) == pytest.approx(2.0)
    assert path_noise_px(np.zeros((6, 2))) == pytest.approx(0.3)


@quick
@given(seed=st.integers(0, 10_000))
def test_costs_are_those_of_least_squares(seed):
    rng = np.random.default_rng(seed)
    times, path = clock(14), rng.normal(scale=5, size=(14, 2))
    seen = rng.random(14) > 0.2
    seen[0] = True
    path[~seen] = np.nan
    cost, degree = _piece_costs(times, path, seen, 1.0, 14)
    first, length = int(rng.integers(0, 6)), int(rng.integers(4, 8))
    inside = np.arange(first, first + length)[seen[first : first + length]]
    assume(seen[first] and inside.size >= 3)
    reach = np.linalg.norm(path[inside] - path[first], axis=1).max()
    variance = 1.0 + (0.003 * reach) ** 2
    options = []
    for order in (0, 1, 2):
        design = np.vander(times[inside] - times[first], order + 1)
        solved, *_ = np.linalg.lstsq(design, path[inside], rcond=None)
        residual = np.square(path[inside] - design @ solved).sum()
        options.append(residual / variance + 10.0 * (order + 1.5))
    assert cost[first, length - 1] == pytest.approx(min(options), rel=1e-4, abs=1e-3)
    assert degree[first, length - 1] == int(np.argmin(options))


def fall(acceleration=(0.0, 100.0), *, seen=20, std=1.0, degree=2):
    coefficients = np.zeros((3, 2))
    coefficients[2] = np.asarray(acceleration) / 2
    return Piece(
        first=0,
        last=seen - 1,
        seen=seen,
        degree=degree,
        coefficients=coefficients,
        origin_s=0.0,
        rms_px=0.2,
        acceleration_std=std,
    )


@quick
@given(angle=st.floats(-np.pi, np.pi), size=st.floats(20, 500))
def test_gravity_within_thirty_degrees_of_down(angle, size):
    vector = size * np.array([np.sin(angle), np.cos(angle)])
    assume(abs(abs(angle) - np.pi / 6) > 1e-3)
    if abs(angle) > np.pi / 6:
        assert fit_gravity([[fall(vector)], [fall(1.05 * vector)]]) is None
        return
    fit = fit_gravity([[fall(vector)], [fall(1.05 * vector)]])
    assert size <= fit.acceleration <= 1.05 * size * (1 + 1e-9)
    np.testing.assert_allclose(fit.direction, vector / size, atol=1e-9)
    assert (fit.pieces, fit.frames, fit.others) == (2, 40, 0)


@pytest.mark.parametrize(
    "other", [(0.0, 200.0), (0.0, 45.0), (45.0, 90.0), (-40.0, 140.0)], ids=str
)
def test_the_larger_agreement_wins(other):
    fit = fit_gravity([[fall(), fall(), fall(other, seen=15)]])
    assert fit.acceleration == pytest.approx(100)
    assert (fit.pieces, fit.others) == (2, 1)


@pytest.mark.parametrize(
    "piece",
    [
        fall(degree=1),
        fall(seen=4),
        fall(seen=7),
        fall(std=25.0),
        fall(std=12.0),
        fall((100.0, 0.0)),
        fall((0.0, -100.0)),
    ],
    ids=["even motion", "too short", "alone and short", "unsure", "alone, unsure", "aside", "up"],
)
def test_what_is_no_evidence(piece):
    assert fit_gravity([[piece]]) is None


def test_two_short_ones_that_agree_are_evidence():
    assert fit_gravity([[fall(seen=4)], [fall(seen=4)]]) is None
    assert fit_gravity([[fall(seen=6)], [fall(seen=6)]]).pieces == 2


def test_implausible_falls_are_left_out():
    pieces = [[fall((0, 20), seen=60)], [fall((0, 100), seen=9)]]
    assert fit_gravity(pieces).acceleration == pytest.approx(20)
    assert fit_gravity(pieces, plausible=(50, 300)).acceleration == pytest.approx(100)
    assert fit_gravity(pieces, plausible=(500, 900)) is None
    assert fit_gravity([]) is None


def test_agreement_makes_sure_and_spread_makes_unsure():
    one = fit_gravity([[fall()]]).log_std
    three = fit_gravity([[fall(), fall(), fall()]]).log_std
    spread = fit_gravity([[fall((0, 85)), fall(), fall((0, 115))]]).log_std
    assert three == pytest.approx(math.hypot(0.01, 0.03) / math.sqrt(3))
    assert one == pytest.approx(math.hypot(0.01, 0.03))
    assert spread == pytest.approx(
        math.hypot(three, np.log([85, 100, 115]).std() / 3**0.5), rel=0.02
    )
