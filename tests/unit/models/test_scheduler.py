import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import FlowMatchEuler


@given(steps=st.integers(1, 200))
def test_times_are_equal_steps_from_zero_to_one(steps):
    times = FlowMatchEuler().times(steps)
    assert times.dtype == torch.float32
    assert torch.equal(times, torch.linspace(0, 1, steps + 1))
    assert times[0] == 0
    assert times[-1] == 1


@pytest.mark.parametrize("steps", [0, -3])
def test_no_steps(steps):
    with pytest.raises(ConfigurationError, match=f"at least 1, got {steps}"):
        FlowMatchEuler().times(steps)


def integrate(velocity, sample, steps):
    scheduler = FlowMatchEuler()
    times = scheduler.times(steps)
    for time, next_time in pairwise(times):
        sample = scheduler.step(velocity(time, sample), sample, time, next_time)
    return sample


def test_a_straight_flow_arrives_in_any_number_of_steps(generator):
    noise, data = torch.randn(2, 2, 7, 3, generator=generator)
    target = data - noise
    for steps in (1, 2, 25):
        torch.testing.assert_close(integrate(lambda t, x: target, noise, steps), data)


def test_velocity_is_taken_at_the_left_end():
    """dx/dt = x from 1: Euler gives (1 + 1/N)^N exactly, and e in the limit."""
    one = torch.ones(1, 1, 1, dtype=torch.float64)
    for steps in (1, 10, 1000):
        got = integrate(lambda t, x: x, one, steps).item()
        assert got == pytest.approx((1 + 1 / steps) ** steps, rel=1e-6)
    assert got == pytest.approx(math.e, rel=1e-3)


def test_step_keeps_low_precision_and_its_arguments():
    scheduler, times = FlowMatchEuler(), FlowMatchEuler().times(4)
    sample = torch.ones(1, 2, 3, dtype=torch.bfloat16)
    out = scheduler.step(sample, sample, times[0], times[1])
    assert out.dtype == torch.bfloat16
    assert torch.equal(sample, torch.ones_like(sample))


def test_save_and_load(tmp_path):
    FlowMatchEuler().save_pretrained(tmp_path)
    loaded = FlowMatchEuler.from_pretrained(tmp_path)
    assert type(loaded) is FlowMatchEuler
    assert (tmp_path / "scheduler_config.json").exists()
