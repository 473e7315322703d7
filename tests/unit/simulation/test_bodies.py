from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.simulation.bodies import (
    MAX_MASS_KG,
    MIN_MASS_KG,
    draw_fill,
    draw_look,
    draw_object,
    draw_room,
    log_uniform,
    lying,
    pick,
    turned,
    volume_m3,
)
from pavas_sdk.simulation.materials import MATERIALS, SURFACES

seeds = st.integers(0, 2**32)


@given(seeds, st.floats(1e-3, 10.0), st.floats(1.0, 100.0))
def test_log_uniform_stays_inside(seed, low, factor):
    value = log_uniform(np.random.default_rng(seed), low, low * factor)
    assert low * (1 - 1e-9) <= value <= low * factor * (1 + 1e-9)


def test_log_uniform_is_uniform_in_the_logarithm():
    rng = np.random.default_rng(0)
    logs = np.log10([log_uniform(rng, 0.01, 100.0) for _ in range(4000)])
    counts, _ = np.histogram(logs, bins=4, range=(-2, 2))
    assert (np.abs(counts - 1000) < 120).all()


def test_pick_follows_the_weights():
    rng = np.random.default_rng(0)
    drawn = [pick(rng, ("a", "b", "c"), (3.0, 1.0, 0.0)) for _ in range(2000)]
    assert drawn.count("c") == 0
    assert drawn.count("a") / 2000 == pytest.approx(0.75, abs=0.04)


@pytest.mark.parametrize(
    ("shape", "dims", "volume"),
    [
        ("sphere", (1.0, 0.0, 0.0), 4 / 3 * np.pi),
        ("box", (0.5, 0.5, 0.5), 1.0),
        ("rod", (1.0, 0.5, 0.0), np.pi * 0.25 * 2 + 4 / 3 * np.pi * 0.125),
    ],
)
def test_volumes(shape, dims, volume):
    assert volume_m3(shape, dims) == pytest.approx(volume)


@given(seeds, st.sampled_from(sorted(MATERIALS)), st.floats(1e-5, 0.03))
def test_fillings_keep_masses_in_range(seed, material, volume):
    fill = draw_fill(np.random.default_rng(seed), material, volume)
    mass = MATERIALS[material].density_kg_m3 * volume * fill
    assert MIN_MASS_KG * 0.999 <= mass <= MAX_MASS_KG * 1.001
    assert 0 < fill <= 1


@given(seeds)
def test_one_material_comes_hollow_and_solid(seed):
    rng = np.random.default_rng(seed)
    fills = [draw_fill(rng, "wood", 1e-4) for _ in range(60)]
    assert max(fills) / min(fills) > 4, "the same ball may weigh several times as much"


@given(seeds, st.sampled_from(sorted(MATERIALS)))
def test_looks_are_valid_colours(seed, material):
    look = draw_look(np.random.default_rng(seed), material)
    for colour in (look.colour, look.second_colour):
        assert all(0 < c <= 0.9 for c in colour)
    assert 0 <= look.gloss <= 1


@given(seeds, st.floats(0.02, 0.2))
def test_lying_bodies_touch_the_floor(seed, scale):
    rng = np.random.default_rng(seed)
    item = lying(rng, draw_object(rng, scale), 0.3, -0.2)
    assert item.position_m[:2] == (0.3, -0.2)
    if item.shape == "sphere":
        assert item.position_m[2] == item.dims_m[0]
        return
    w, x, y, z = item.quaternion
    rows = np.array([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)])
    if item.shape == "box":
        lowest = item.position_m[2] - np.abs(rows) @ np.asarray(item.dims_m)
    else:
        lowest = item.position_m[2] - abs(rows[0]) * item.dims_m[0] - item.dims_m[1]
    assert lowest == pytest.approx(0.0, abs=1e-9)


@given(seeds)
def test_turning_keeps_a_unit_quaternion(seed):
    rng = np.random.default_rng(seed)
    item = turned(rng, draw_object(rng, 0.1), 0.5)
    assert np.linalg.norm(item.quaternion) == pytest.approx(1.0)


@given(seeds, st.floats(0.02, 0.2))
def test_rooms_scale_with_the_world(seed, scale):
    room = draw_room(np.random.default_rng(seed), scale)
    assert room.floor in SURFACES
    assert room.wall in SURFACES
    assert 6.9 <= room.back_m / scale <= 30.1
    assert room.left_m < -100 * scale < 100 * scale < room.right_m
