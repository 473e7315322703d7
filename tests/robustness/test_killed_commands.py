"""Trainings and conversions that are killed at any moment end as if nothing had happened."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent / "killed_commands.py"


def cases(kind, seed, count, folder):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), kind, str(seed), str(count), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == count
    return found


def check(kind, found):
    for entry in found:
        assert entry["wrong"] == [], entry
        # a conversion that was whole already says so
        assert entry["code"] in ({0, 2} if kind == "convert" else {0}), entry
        assert entry["files"] >= 5
    assert sum(entry["kills"] for entry in found) > 0


@pytest.mark.parametrize(("kind", "count"), [("train", 1), ("convert", 3)])
def test_a_killed_command_ends_as_if_nothing_had_happened(kind, count, tmp_path):
    check(kind, cases(kind, 0, count, tmp_path))


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", ["train", "convert"])
def test_many_killed_commands(kind, tmp_path, request):
    count = max(1, round(0.04 * request.config.getoption("--robustness-count")))
    seed = request.config.getoption("--robustness-seed")
    found = cases(kind, seed, count, tmp_path)
    print(f"{kind}: {sum(entry['kills'] for entry in found)} kills in {count} cases")
    check(kind, found)
