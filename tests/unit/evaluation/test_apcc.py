"""APCC against its definition, and in every degenerate case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from pavas_sdk.data import MovingObject, ObjectPhysics, PhysicsEstimate
from pavas_sdk.errors import InputError, PhysicsInputError
from pavas_sdk.evaluation import apcc


def physics(speed, *, mass_kg=2.0, time_scale=1.0):
    times = (np.arange(len(speed)) + 0.5) / 25.0
    entry = ObjectPhysics(
        object=MovingObject(object_id=0, label="ball", action="drop"),
        mass_kg=mass_kg,
        speed_times_s=times,
        speed_m_s=np.asarray(speed, dtype=float),
    )
    return PhysicsEstimate(objects=(entry,), duration_s=len(speed) / 25.0, time_scale=time_scale)


def test_energy_change_is_that_of_the_mean_speeds():
    speed = [5.0] * 25 + [2.0] * 25
    assert apcc.energy_change_j(physics(speed), 0, 1.0) == pytest.approx(0.5 * 2.0 * (25 - 4))


def test_the_moment_itself_is_left_out():
    speed = [5.0] * 25 + [2.0] * 25
    clean = apcc.energy_change_j(physics(speed), 0, 1.02)
    speed[25] = 400.0  # the frame pair around the contact
    assert apcc.energy_change_j(physics(speed), 0, 1.02) == pytest.approx(clean)


def test_slow_motion_widens_the_window():
    # 0.2 s of real time are 0.8 s of this video
    speed = [1.0] * 10 + [5.0] * 15 + [2.0] * 25
    fast = apcc.energy_change_j(physics(speed), 0, 1.0)
    slow = apcc.energy_change_j(physics(speed, time_scale=4.0), 0, 1.0)
    assert fast == pytest.approx(21.0)
    assert slow < fast


def test_missing_mass_or_speed_is_nan_and_an_unknown_id_an_error():
    assert np.isnan(apcc.energy_change_j(physics([1.0] * 50, mass_kg=None), 0, 1.0))
    assert np.isnan(apcc.energy_change_j(physics([np.nan] * 50), 0, 1.0))
    assert np.isnan(apcc.energy_change_j(physics([1.0] * 50), 0, 40.0))
    with pytest.raises(PhysicsInputError):
        apcc.energy_change_j(physics([1.0] * 50), 3, 1.0)


NUMBERS = st.lists(st.floats(0.0, 1e3), min_size=3, max_size=20)


@given(NUMBERS, st.integers(0, 99))
def test_agrees_with_scipy_and_ignores_scale(energy, seed):
    strength = np.random.default_rng(seed).random(len(energy))
    value = apcc.apcc(energy, strength)
    assert -1.0 <= value <= 1.0
    if np.std(energy) < 1e-9 * max(energy) or max(energy) < 1e-100:
        return
    assert value == pytest.approx(pearsonr(energy, strength)[0], abs=1e-6)
    assert apcc.apcc(np.multiply(energy, 7.0), strength * 0.01) == pytest.approx(value, abs=1e-6)


def test_constants_give_0_and_single_impacts_nan():
    assert apcc.apcc([0.1] * 7, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]) == 0.0
    assert apcc.apcc([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]) == 0.0
    assert np.isnan(apcc.apcc([1.0], [1.0]))
    assert np.isnan(apcc.apcc([1.0, np.nan], [1.0, 2.0]))


def test_a_perfect_copy_has_delta_0():
    rng = np.random.default_rng(0)
    energy, strength = rng.random(30), rng.random(30)
    result = apcc.evaluate(energy, strength, strength, ["drop"] * 15 + ["strike"] * 15)
    assert result.apcc_delta == 0.0
    assert result.apcc == result.apcc_reference


def test_delta_is_the_mean_over_classes_of_absolute_differences():
    energy = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    true = [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]
    made = [3.0, 2.0, 1.0, 1.0, 2.0, 3.0]  # one class upside down, one right
    result = apcc.evaluate(energy, made, true, ["a"] * 3 + ["b"] * 3)
    assert result.classes["a"] == (pytest.approx(-1.0), pytest.approx(1.0), 3)
    assert result.classes["b"] == (pytest.approx(1.0), pytest.approx(1.0), 3)
    assert result.apcc_delta == pytest.approx(1.0)
    assert result.apcc == pytest.approx(0.0)
    assert result.apcc_reference == pytest.approx(1.0)


def test_small_classes_are_left_out_and_named():
    result = apcc.evaluate(
        [1.0, 2.0, 3.0, 1.0, 2.0, np.nan],
        [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
        [1.0, 2.0, 3.0, 1.0, 2.0, 3.0],
        ["a"] * 3 + ["b"] * 3,
    )
    assert list(result.classes) == ["a"]
    assert result.left_out == {"b": 2}


def test_no_class_at_all_is_nan():
    result = apcc.evaluate([], [], [], [])
    assert np.isnan([result.apcc, result.apcc_reference, result.apcc_delta]).all()
    assert result.classes == {}


@pytest.mark.parametrize(
    ("energy", "strength", "categories"),
    [([1.0], [1.0, 2.0], ["a"]), ([1.0], [1.0], []), ([-1.0], [1.0], ["a"])],
)
def test_impossible_input_is_refused(energy, strength, categories):
    with pytest.raises(InputError):
        apcc.evaluate(energy, strength, strength, categories)
