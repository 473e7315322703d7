from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.simulation.dynamics import Laws, World, rotate, rotate_back, step_world

DT = 0.0005
FLOOR = np.array([[0.0, 0.0, 1.0, 0.0]])


def balls(positions, velocities, *, radius=0.1, masses=None):
    """Solid balls as a `World`."""
    n = len(positions)
    mass = np.ones(n) if masses is None else np.asarray(masses, dtype=float)
    return World(
        kind=np.zeros(n, dtype=np.int64),
        dims=np.full((n, 3), radius),
        reach=np.full(n, radius),
        inv_mass=1.0 / mass,
        inv_inertia=np.repeat((1.0 / (0.4 * mass * radius**2))[:, None], 3, axis=1),
        release=np.zeros(n),
        pos=np.array(positions, dtype=float),
        vel=np.array(velocities, dtype=float),
        quat=np.tile([1.0, 0.0, 0.0, 0.0], (n, 1)),
        omega=np.zeros((n, 3)),
        still=np.zeros(n, dtype=np.int64),
        log=np.empty((512, 13)),
        logged=np.zeros(1, dtype=np.int64),
    )


def laws(n, *, e=1.0, mu=0.0, rolling=0.0, gravity=9.81):
    return Laws(
        planes=FLOOR,
        e_plane=np.full((n, 1), e),
        mu_plane=np.full((n, 1), mu),
        rolling=np.full(n, rolling),
        e_pair=np.full((n, n), e),
        mu_pair=np.full((n, n), mu),
        gravity=gravity,
    )


def test_free_flight_is_exact():
    world = balls([[0.0, 0.0, 50.0]], [[1.0, -2.0, 3.0]])
    positions, velocities, _, _ = step_world(world, laws(1), 2000, DT)
    t = np.arange(2001) * DT
    expected = np.stack([t, -2 * t, 50 + 3 * t - 0.5 * 9.81 * t**2], axis=1)
    np.testing.assert_allclose(positions[:, 0], expected, atol=1e-9)
    np.testing.assert_allclose(velocities[:, 0, 2], 3 - 9.81 * t, atol=1e-9)
    assert world.logged[0] == 0


def test_elastic_bounces_keep_the_energy():
    world = balls([[0.0, 0.0, 1.1]], [[0.5, 0.0, 0.0]])
    positions, velocities, _, _ = step_world(world, laws(1), 8000, DT)
    energy = 9.81 * positions[:, 0, 2] + 0.5 * (velocities[:, 0] ** 2).sum(axis=1)
    assert world.logged[0] >= 4
    np.testing.assert_allclose(energy, energy[0], rtol=2e-3)


@settings(max_examples=15)
@given(
    e=st.floats(0.1, 0.9),
    mass=st.floats(0.01, 50.0),
    height=st.floats(0.2, 2.0),
)
def test_energy_never_grows(e, mass, height):
    world = balls([[0.0, 0.0, 0.1 + height]], [[0.3, 0.2, 0.0]], masses=[mass])
    positions, velocities, _, _ = step_world(world, laws(1, e=e, mu=0.5), 4000, DT)
    energy = 9.81 * positions[:, 0, 2] + 0.5 * (velocities[:, 0] ** 2).sum(axis=1)
    assert np.diff(energy).max() < 1e-3 * energy[0]
    assert positions[:, 0, 2].min() > 0.1 - 5e-3


@settings(max_examples=15)
@given(
    masses=st.tuples(st.floats(0.05, 20.0), st.floats(0.05, 20.0)),
    speed=st.floats(1.0, 5.0),
    offset=st.floats(-0.15, 0.15),
    e=st.floats(0.2, 1.0),
)
def test_collisions_keep_momentum(masses, speed, offset, e):
    world = balls([[0.0, 0.0, 9.0], [0.6, offset, 9.0]], [[speed, 0.0, 0.0], [0.0] * 3],
                  masses=masses)  # fmt: skip
    _, velocities, _, _ = step_world(world, laws(2, e=e, gravity=0.0), 1600, DT)
    assert world.logged[0] == 1
    # just after the contact: later a slow body may fall asleep
    moment = round(world.log[0, 0] / DT)
    before = np.asarray(masses) @ velocities[moment - 1]
    after = np.asarray(masses) @ velocities[moment]
    np.testing.assert_allclose(after, before, atol=1e-9 * max(masses) * speed)
    kinetic = [
        0.5 * float(np.asarray(masses) @ (v**2).sum(axis=1)) for v in velocities[[0, moment]]
    ]
    if e == 1.0:
        assert kinetic[1] == pytest.approx(kinetic[0])
    else:
        assert kinetic[1] < kinetic[0]


def test_equal_balls_swap_speeds():
    world = balls([[0.0, 0.0, 9.0], [0.5, 0.0, 9.0]], [[2.0, 0.0, 0.0], [0.0] * 3])
    _, velocities, _, _ = step_world(world, laws(2, gravity=0.0), 1000, DT)
    np.testing.assert_allclose(velocities[-1, :, 0], [0.0, 2.0], atol=1e-9)
    time, a, b, impulse = world.log[0, :4]
    assert time == pytest.approx(0.15, abs=2 * DT)
    assert {int(a), int(b)} == {0, 1}
    assert impulse == pytest.approx(2.0)


def test_a_rolling_ball_slows_down_by_its_resistance():
    world = balls([[0.0, 0.0, 0.1]], [[1.0, 0.0, 0.0]])
    world.omega[0, 1] = 10.0  # without slipping
    _, velocities, _, floor_speed = step_world(
        world, laws(1, e=0.3, mu=0.5, rolling=0.02), 2000, DT
    )
    assert velocities[-1, 0, 0] == pytest.approx(1.0 - 0.02 * 9.81 * 1.0, rel=0.02)
    assert floor_speed[-1, 0] == pytest.approx(velocities[-1, 0, 0], rel=1e-3)
    assert world.logged[0] == 0, "rolling is no impact"


def test_a_body_hangs_until_it_is_released():
    world = balls([[0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]])
    world.release[0] = 0.25
    positions, velocities, _, _ = step_world(world, laws(1), 1000, DT)
    assert (positions[:501, 0, 2] == 1.0).all()
    assert positions[-1, 0, 2] == pytest.approx(1.0 - 0.5 * 9.81 * 0.25**2, abs=1e-6)
    assert (velocities[:500] == 0).all()


def test_a_dropped_box_comes_to_rest_flat():
    world = balls([[0.0, 0.0, 0.5]], [[0.0, 0.0, 0.0]])
    half = np.array([0.12, 0.09, 0.05])
    inertia = np.array([half[1] ** 2 + half[2] ** 2, half[0] ** 2 + half[2] ** 2,
                        half[0] ** 2 + half[1] ** 2]) / 3  # fmt: skip
    world.kind[0], world.dims[0] = 1, half
    world.reach[0] = np.linalg.norm(half)
    world.inv_inertia[0] = 1.0 / inertia
    world.quat[0] = [np.cos(0.1), np.sin(0.1), 0.0, 0.0]
    positions, velocities, quaternions, _ = step_world(world, laws(1, e=0.3, mu=0.4), 6000, DT)
    assert positions[-1, 0, 2] == pytest.approx(0.05, abs=2e-3)
    assert np.linalg.norm(velocities[-1, 0]) < 0.05
    np.testing.assert_allclose(np.linalg.norm(quaternions[:, 0], axis=1), 1.0, atol=1e-9)


@given(
    st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(x * x for x in q) > 0.01),
    st.tuples(*[st.floats(-10, 10)] * 3),
)
def test_rotation_keeps_lengths_and_inverts(q, v):
    quaternion = np.array(q) / np.linalg.norm(q)
    turned = rotate(quaternion, *v)
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(v), abs=1e-9)
    np.testing.assert_allclose(rotate_back(quaternion, *turned), v, atol=1e-9)
