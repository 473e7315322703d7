"""Bootstrap over clips."""

from __future__ import annotations

import numpy as np
import pytest

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation import bootstrap_intervals


def test_interval_of_a_mean_is_the_textbook_one():
    rng = np.random.default_rng(0)
    values = rng.normal(3.0, 2.0, 400)
    intervals = bootstrap_intervals(
        400, lambda chosen: {"mean": float(values[chosen].mean())}, rng=rng, draws=2000
    )
    low, high = intervals["mean"]
    error = 1.96 * values.std() / 20.0
    assert low == pytest.approx(values.mean() - error, abs=0.03)
    assert high == pytest.approx(values.mean() + error, abs=0.03)


def test_same_seed_same_interval():
    def draw(seed):
        values = np.arange(20.0)
        return bootstrap_intervals(
            20,
            lambda chosen: {"mean": float(values[chosen].mean())},
            rng=np.random.default_rng(seed),
            draws=50,
        )

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_undefined_draws_are_left_out():
    values = np.array([np.nan, 1.0, 1.0])
    intervals = bootstrap_intervals(
        3,
        lambda chosen: {
            "sometimes": float(values[chosen[0]]),
            "never": float("nan"),
        },
        rng=np.random.default_rng(0),
        draws=60,
    )
    assert intervals == {"sometimes": (1.0, 1.0), "never": None}


@pytest.mark.parametrize("options", [{"draws": 0}, {"level": 1.0}, {"level": 0.0}])
def test_impossible_settings_are_refused(options):
    with pytest.raises(InputError):
        bootstrap_intervals(3, lambda _: {"a": 1.0}, rng=np.random.default_rng(0), **options)
    with pytest.raises(InputError):
        bootstrap_intervals(0, lambda _: {"a": 1.0}, rng=np.random.default_rng(0))
