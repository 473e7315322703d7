"""Settings that all tests share."""

import os
import sys
from pathlib import Path

# tests never reach for the network: what is not on this machine is missing at once
os.environ.setdefault("HF_HUB_OFFLINE", "1")

# side by side, each worker computes on one thread; said before torch is imported
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

# importlib mode puts no test folder on the path; what several folders share lies here
sys.path.insert(0, str(Path(__file__).parent))

from plugin_folders import plugin_folder

__all__ = ["plugin_folder"]

hypothesis.settings.register_profile(
    "default",
    deadline=None,  # a busy machine is no failure
    derandomize=True,
    max_examples=40,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.register_profile("thorough", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_addoption(parser) -> None:
    """Length and seed of the campaign in ``tests/robustness``, whose long form is marked slow."""
    group = parser.getgroup("robustness")
    group.addoption(
        "--robustness-count", type=int, default=200, help="media files of the long form"
    )
    group.addoption("--robustness-seed", type=int, default=1, help="of the long form")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Spell what is no UTF-8 in captured output: xdist cannot send it to its main process."""
    report = yield
    report.sections = [
        (name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections
    ]
    return report
