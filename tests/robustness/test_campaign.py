"""The campaign in short, and on request in any length: no case may be a bug.

``pytest tests/robustness -m slow --robustness-count 2000 --robustness-seed 1``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import run_campaign  # behind the search path

# kind: cases of the short form, and their share of --robustness-count in the long form
SHORT = {
    "media": 40,
    "documents": 150,
    "folders": 6,
    "servers": 10,
    "plugins": 30,
    "kills": 6,
    "disk": 6,
}
SHARES = {
    "media": 1.0,
    "documents": 1.5,
    "folders": 0.1,
    "servers": 0.15,
    "plugins": 0.15,
    "kills": 0.06,
    "disk": 0.1,
}


@pytest.mark.parametrize("kind", SHORT)
def test_no_case_is_a_bug(kind, tmp_path):
    tally = run_campaign(kind, seed=0, count=SHORT[kind], folder=tmp_path)
    assert tally.bugs == []
    assert tally.tried == tally.typed + tally.fine == SHORT[kind]


def test_a_campaign_goes_on_where_it_was_ended(tmp_path):
    """What is known is not run again, a bug and a torn line are."""
    report = tmp_path / "documents-0.jsonl"
    known = [{"case": 0, "result": "fine"}, {"case": 1, "result": "bug"}]
    report.write_text("".join(f"{json.dumps(line)}\n" for line in known) + '{"case": 2, "res')
    tally = run_campaign("documents", seed=0, count=4, folder=tmp_path, report=report)
    assert (tally.tried, tally.bugs) == (4, [])
    lines = report.read_text().splitlines()
    assert sorted(json.loads(line)["case"] for line in lines[-3:]) == [1, 2, 3]
    again = run_campaign("documents", seed=0, count=4, folder=tmp_path, report=report)
    assert (again.tried, again.typed, again.fine) == (4, tally.typed, tally.fine)
    assert report.read_text().splitlines() == lines


@pytest.mark.slow
@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", SHARES)
def test_no_case_of_many_is_a_bug(kind, tmp_path, request):
    count = request.config.getoption("--robustness-count")
    seed = request.config.getoption("--robustness-seed")
    tally = run_campaign(
        kind, seed=seed, count=max(1, round(SHARES[kind] * count)), folder=tmp_path
    )
    print(f"{kind}: {tally.tried} tried, {tally.typed} typed, {tally.fine} fine")
    assert tally.bugs == []
