"""Rays against shapes: every hit lies on the surface, and nothing nearer was missed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pavas_sdk.simulation.hits import (
    CENTRE,
    COLUMNS,
    FAR,
    KIND,
    REACH,
    SIZE,
    TURN,
    Stage,
    into_body,
    into_world,
    trace,
    trace_room,
)

numbers = st.floats(-1.0, 1.0)
vectors = st.tuples(numbers, numbers, numbers)


def unit(v):
    assume(np.linalg.norm(v) > 0.05)
    return np.asarray(v) / np.linalg.norm(v)


def thing(kind, size, centre, turn=(1.0, 0.0, 0.0, 0.0)):
    row = np.zeros(COLUMNS)
    row[KIND], row[SIZE : SIZE + 3], row[CENTRE : CENTRE + 3] = kind, size, centre
    row[TURN : TURN + 4] = turn
    row[REACH] = [size[0], float(np.linalg.norm(size)), size[0] + size[1]][kind]
    return row


def outside_by(row, point):
    """Signed distance of a point from a primitive's surface (boxes: largest excess)."""
    local = np.array(into_body(row[None], 0, *(point - row[CENTRE : CENTRE + 3])))
    size = row[SIZE : SIZE + 3]
    if row[KIND] == 0:
        return np.linalg.norm(local) - size[0]
    if row[KIND] == 1:
        return np.max(np.abs(local) - size)
    local[0] -= np.clip(local[0], -size[0], size[0])
    return np.linalg.norm(local) - size[1]


SHAPES = [(0, (0.5, 0.0, 0.0)), (1, (0.5, 0.3, 0.2)), (2, (0.6, 0.15, 0.0))]


@pytest.mark.parametrize(("kind", "size"), SHAPES)
@given(
    start=vectors,
    aim=vectors,
    turn=st.tuples(numbers, numbers, numbers, numbers),
)
def test_hits_lie_on_the_surface_and_none_is_missed(kind, size, start, aim, turn):
    row = thing(kind, size, (0.1, -0.2, 0.3), unit(turn))
    origin = 3.0 * unit(start)
    direction = unit(np.asarray(aim) * 0.7 - origin)
    t, index, _ = trace(row[None], *origin, *direction)
    along = np.linspace(0.0, 6.0, 400)
    depths = np.array([outside_by(row, origin + s * direction) for s in along])
    if index < 0:
        assert t == FAR
        assert depths.min() > -0.02, "the ray passes through, but no hit was found"
    else:
        assert abs(outside_by(row, origin + t * direction)) < 1e-6
        assert (depths[along < t - 1e-6] > -1e-9).all(), "something nearer was missed"


def test_the_nearest_of_several_wins():
    rows = np.stack([thing(0, (0.5, 0, 0), (x, 0.0, 0.0)) for x in (4.0, 2.0, 6.0)])
    t, index, _ = trace(rows, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)
    assert index == 1
    assert t == pytest.approx(1.5)
    assert trace(rows, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0)[1] == -1
    assert trace(rows[:0], 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)[1] == -1


@pytest.mark.parametrize(("direction", "axis"), [((1, 0, 0), 0), ((0, -1, 0), 1), ((0, 0, 1), 2)])
def test_box_faces_are_told_apart(direction, axis):
    row = thing(1, (0.5, 0.3, 0.2), (0.0, 0.0, 0.0))
    origin = -3.0 * np.asarray(direction, dtype=float) + 0.05
    assert trace(row[None], *origin, *map(float, direction))[2] == axis


@given(vectors, st.tuples(numbers, numbers, numbers, numbers))
def test_turning_there_and_back(v, q):
    row = thing(0, (1.0, 0.0, 0.0), (0.0, 0.0, 0.0), unit(q))
    np.testing.assert_allclose(into_body(row[None], 0, *into_world(row[None], 0, *v)), v, atol=1e-9)


def stage(post_radius=0.0):
    values = dict.fromkeys(Stage._fields, 0.0)
    values |= {"back": 3.0, "left": -2.0, "right": 4.0, "post_x": 1.0, "post_y": 1.0}
    return Stage(**values | {"post_radius": post_radius})


@pytest.mark.parametrize(
    ("direction", "distance", "which"),
    [
        ((0.0, 0.0, -1.0), 1.0, 0),
        ((0.0, 1.0, 0.0), 3.0, 1),
        ((-1.0, 0.0, 0.0), 2.0, 2),
        ((1.0, 0.0, 0.0), 4.0, 3),
        ((0.0, 0.0, 1.0), FAR, -1),
        ((0.0, -1.0, 0.0), FAR, -1),
    ],
)
def test_room_planes(direction, distance, which):
    t, found = trace_room(stage(), 0.0, 0.0, 1.0, *direction)
    assert found == which
    assert t == pytest.approx(distance)


def test_a_post_stands_before_the_walls():
    root = float(np.sqrt(0.5))
    t, which = trace_room(stage(0.25), 0.0, 0.0, 1.0, root, root, 0.0)
    assert which == 4
    assert t == pytest.approx(np.sqrt(2.0) - 0.25)
    assert trace_room(stage(0.25), 0.0, 0.0, 1.0, -1.0, 0.0, 0.0)[1] == 2


def test_directions_of_any_length_reach_the_same_point():
    for scale in (0.1, 1.0, 25.0):
        t, which = trace_room(stage(), 0.0, 0.0, 1.0, 0.2 * scale, 0.9 * scale, -0.1 * scale)
        assert which == 1
        assert t * scale == pytest.approx(3.0 / 0.9)
