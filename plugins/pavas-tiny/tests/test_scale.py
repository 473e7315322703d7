"""Rungs of the scale and how they are combined."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.flight import GravityFit
from pavas_tiny.scale import Scale, fuse, gravity_scale, plausible_fall, pooled, size_scale
from pavas_tiny.shape import Shape
from scenes import quick

LOG_M = st.floats(-9, 0)
SPREAD = st.floats(0.05, 2.0)


def fit(acceleration=500.0, *, pieces=2, others=0, log_std=0.02):
    return GravityFit(
        acceleration=acceleration,
        direction=(0.0, 1.0),
        log_std=log_std,
        pieces=pieces,
        frames=40,
        others=others,
    )


def shape(kind="ball", major_px=10.0, minor_px=10.0):
    return Shape(
        kind=kind,
        major_px=major_px,
        minor_px=minor_px,
        elongation=major_px / minor_px,
        area_px=math.pi * major_px * minor_px,
        whole=1.0,
    )


def scale(log_m_per_px, log_std, source="a"):
    return Scale(log_m_per_px=log_m_per_px, log_std=log_std, source=source)


@quick
@given(acceleration=st.floats(10, 5000), time_scale=st.floats(0.5, 10))
def test_gravity_is_a_ruler(acceleration, time_scale):
    """The fall looks 1.06 times too short, because cameras look down a little."""
    found = gravity_scale(fit(acceleration), time_scale=time_scale, sticks_only=False)
    assert found.m_per_px * acceleration * time_scale**2 * 1.06 == pytest.approx(9.81)
    assert found.source == "gravity"


def test_what_makes_gravity_unsure():
    sure = gravity_scale(fit(), time_scale=1.0, sticks_only=False).log_std
    assert sure == pytest.approx(math.hypot(0.1, 0.02))
    alone = gravity_scale(fit(pieces=1), time_scale=1.0, sticks_only=False).log_std
    doubted = gravity_scale(fit(others=3), time_scale=1.0, sticks_only=False).log_std
    swings = gravity_scale(fit(), time_scale=1.0, sticks_only=True).log_std
    assert sure < alone < doubted < 0.5 < swings


def test_a_named_thing_has_its_size():
    found = size_scale(shape(), "tennis ball")
    assert found.m_per_px == pytest.approx(0.0335 / 10)
    assert found.source == "label"
    assert found.log_std == pytest.approx(0.1)
    unsure = size_scale(shape(), "stone")
    assert unsure.log_std == pytest.approx(0.517, abs=1e-3)  # from 50 g to 1.5 kg


@pytest.mark.parametrize(("kind", "half_m"), [("ball", 0.045), ("object", 0.045), ("stick", 0.11)])
def test_a_prior_on_sizes_for_what_has_no_name(kind, half_m):
    thing = shape(kind, 12.0, 10.0 if kind != "stick" else 3.0)
    found = size_scale(thing, kind)
    assert found.m_per_px == pytest.approx(half_m / thing.half_size_px)
    assert (found.source, found.log_std) == ("size-prior", 0.5)


@quick
@given(a=LOG_M, b=LOG_M, sa=SPREAD, sb=SPREAD)
def test_fusing_lies_between_is_surer_and_has_no_order(a, b, sa, sb):
    first, second = scale(a, sa, "a"), scale(b, sb, "b")
    both = fuse([first, second])
    assert min(a, b) - 1e-9 <= both.log_m_per_px <= max(a, b) + 1e-9
    assert both.log_std < min(sa, sb)
    if sa != sb:
        assert both.source == ("a" if sa < sb else "b")
    turned = fuse([second, first])
    assert turned.log_m_per_px == pytest.approx(both.log_m_per_px)
    assert turned.log_std == pytest.approx(both.log_std)


def test_fusing_weighs_by_certainty():
    both = fuse([scale(0.0, 0.1), scale(1.0, 0.2)])
    assert both.log_m_per_px == pytest.approx(1 / 5)
    assert both.log_std == pytest.approx(1 / math.sqrt(125))


@quick
@given(a=LOG_M, spread=SPREAD, count=st.integers(1, 5))
def test_pooled_sizes_of_one_scene_are_not_independent(a, spread, count):
    one = pooled([scale(a, spread)] * count)
    assert one.log_m_per_px == pytest.approx(a)
    assert spread / math.sqrt(2) - 1e-9 <= one.log_std <= spread + 1e-9
    assert one.log_std >= fuse([scale(a, spread)] * count).log_std - 1e-12


@pytest.mark.parametrize("source", ["size-prior", "label"])
def test_the_plausible_fall_contains_the_usual_one(source):
    expected = scale(math.log(0.005), 0.5, source)
    low, high = plausible_fall(expected, time_scale=1.0)
    usual = 9.81 / 1.06 / 0.005
    assert low < usual < high
    assert low * high == pytest.approx(usual**2)
    slow = plausible_fall(expected, time_scale=4.0)
    assert slow[0] == pytest.approx(low / 16)


def test_a_named_size_allows_less():
    prior = plausible_fall(scale(-5.0, 0.5, "size-prior"), time_scale=1.0)
    named = plausible_fall(scale(-5.0, 0.1, "label"), time_scale=1.0)
    assert prior[0] < named[0] < named[1] < prior[1]
