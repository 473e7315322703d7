"""Running checks: passed, failed, skipped, hung."""

import time
import unittest

import pytest

from pavas_sdk.errors import ContractError
from pavas_sdk.interfaces.mass_estimator import from_function
from pavas_sdk.registry import ComponentSpec, Registry
from pavas_sdk.testing import (
    Check,
    CheckFailedError,
    check_component,
    mass_estimator_checks,
    parametrize_with_checks,
    run_checks,
)
from pavas_sdk.testing.check import require
from pavas_sdk.testing.components import DensityMassEstimator


def len_label(thing):
    return float(len(thing.label))


def check(run, name="question") -> Check:
    return Check(kind="segmenter", name=name, summary="A question.", run=run)


def raising(error):
    def run():
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "outcome", "message"),
    [
        (lambda: None, "passed", ""),
        (raising(CheckFailedError("bad")), "failed", "bad"),
        (raising(ContractError("lies")), "failed", "ContractError: lies"),
        (raising(KeyError("x")), "failed", "KeyError: 'x'"),
        (raising(SystemExit(3)), "failed", "SystemExit: 3"),
        (raising(unittest.SkipTest("no options")), "skipped", "no options"),
    ],
)
def test_outcomes(run, outcome, message):
    (result,) = run_checks([check(run)], component="acme/x")
    assert (result.outcome, result.message, result.component) == (outcome, message, "acme/x")
    assert result.to_json()["check"] == "question"


def test_after_a_hang_the_rest_is_skipped():
    started = time.monotonic()
    results = list(
        run_checks(
            [
                check(lambda: None, "first"),
                check(lambda: time.sleep(600), "second"),
                check(lambda: None, "third"),
            ],
            limit_s=1.0,
        )
    )
    assert [result.outcome for result in results] == ["passed", "failed", "skipped"]
    assert results[1].message == "no answer within 1 s"
    assert results[2].message == "second hung"
    assert time.monotonic() - started < 60


def test_called_directly_a_check_raises():
    with pytest.raises(CheckFailedError, match="bad"):
        check(lambda: require(0, "bad"))()
    assert str(check(lambda: None)) == "segmenter-question"


def test_what_cannot_be_imported_fails_once():
    with Registry(entry_points=False).override(
        ComponentSpec("segmenter", "x", "nowhere:X")
    ) as entry:
        (result,) = check_component(entry)
    assert (result.check, result.outcome) == ("loads", "failed")
    assert "PluginLoadError" in result.message


@pytest.mark.parametrize(
    "component",
    [DensityMassEstimator, DensityMassEstimator(metres_per_pixel=0.5), from_function(len_label)],
)
def test_a_class_an_object_or_a_function_can_be_checked(component):
    results = list(check_component(component))
    assert len(results) > 15
    assert [(result.check, result.message) for result in results if not result.passed] == []


def test_an_object_is_checked_with_its_own_config():
    class Picky(DensityMassEstimator):
        def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
            assert self.config.areal_density_kg_m2 == 7.0
            return {}

    wrong = {result.check for result in check_component(Picky()) if not result.passed}
    assert "keeps_contract" in wrong
    right = list(check_component(Picky(areal_density_kg_m2=7.0)))
    assert all(result.passed for result in right)


def test_what_is_no_component_fails():
    (result,) = check_component(object())
    assert not result.passed
    assert "object implements none" in result.message


@parametrize_with_checks(mass_estimator_checks(DensityMassEstimator))
def test_contract_under_pytest(check):
    assert check.summary.endswith(".")
    check()


def test_pytest_sees_a_check_that_does_not_apply_as_skipped(pytester_like):
    report = pytester_like(
        "from pavas_sdk.testing import *\n"
        "from pavas_sdk.testing.components import DensityMassEstimator\n"
        "checks = mass_estimator_checks(lambda: DensityMassEstimator())\n"
        "@parametrize_with_checks(c for c in checks if c.name == 'unknown_option')\n"
        "def test_contract(check):\n"
        "    check()\n"
    )
    assert "1 skipped" in report
    assert "the factory takes no options" in report


@pytest.fixture
def pytester_like(tmp_path):
    """Run pytest on a file in a process of its own, as an author's plugin does."""
    import subprocess
    import sys

    def run(text):
        file = tmp_path / "test_plugin.py"
        file.write_text(text)
        command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", str(file)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
        )
        return done.stdout

    return run
