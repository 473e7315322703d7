"""Errors of estimates on a logarithmic scale, and the calibration of their ranges."""

import numpy as np
import pytest

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.estimators.ratios import RatioError, log10_ratio, ratio_figures


def test_known_figures():
    answers = [2.0, 0.5, 1.0, 10.0]
    figures = ratio_figures([RatioError(decades=log10_ratio(a, 1.0)) for a in answers])
    assert figures["error_decades"] == pytest.approx(np.log10(2))
    assert figures["bias_decades"] == pytest.approx(np.log10(2) / 2)
    assert figures["within_factor_two"] == 0.75
    assert figures["answered"] == 1.0
    assert np.isnan(figures["in_90"])


def test_no_answer_is_a_wrong_one():
    right = RatioError(decades=0.0)
    whole = ratio_figures([right, RatioError(decades=2.0)])
    silent = ratio_figures([right, RatioError(decades=None)])
    assert silent["within_factor_two"] == whole["within_factor_two"] == 0.5
    assert silent["answered"] == 0.5


def test_calibrated_ranges_hold_as_often_as_they_say():
    rng = np.random.default_rng(0)
    std = rng.uniform(0.2, 1.5, 4000)
    decades = rng.normal(size=4000) * std / np.log(10)
    figures = ratio_figures(
        [RatioError(decades=d, log_std=s) for d, s in zip(decades, std, strict=True)]
    )
    assert figures["in_50"] == pytest.approx(0.5, abs=0.03)
    assert figures["in_90"] == pytest.approx(0.9, abs=0.02)
    narrow = ratio_figures(
        [RatioError(decades=d, log_std=s / 3) for d, s in zip(decades, std, strict=True)]
    )
    assert narrow["in_90"] < 0.5
    assert narrow["range_decades"] == pytest.approx(figures["range_decades"] / 3)


def test_a_true_range_counts_by_its_probability():
    same = RatioError(decades=0.0, log_std=0.4, true_log_std=0.4)
    figures = ratio_figures([same])
    assert (figures["in_50"], figures["in_90"]) == pytest.approx((0.5, 0.9), abs=1e-5)
    far = ratio_figures([RatioError(decades=2.0, log_std=0.4, true_log_std=0.4)])
    assert far["in_90"] < 1e-6


def test_impossible_values():
    assert log10_ratio(0.0, 1.0) == -3.0
    assert log10_ratio(1e9, 1.0) == 3.0
    for estimated, true in ((1.0, 0.0), (-1.0, 1.0), (float("nan"), 1.0)):
        with pytest.raises(InputError):
            log10_ratio(estimated, true)
