"""The evaluation on simulated clips, called from Python; and what the product claims."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from pavas_sdk.evaluation import SoundMaker, evaluate_simulated, sound_options
from pavas_sdk.evaluation.simulated import measure_edits
from pavas_sdk.evaluation.summary import METRICS

WITHOUT_CLI = """
import sys
from pavas_sdk.evaluation import evaluate_simulated, sound_options
found = evaluate_simulated(sound_options("reference"), clips=1, seed=7)
assert found["onset_hit_rate"] == 1.0, found
assert "pavas_sdk.cli" not in sys.modules
assert not [name for name in sys.modules if name.startswith("pavas_sdk.cli.")]
"""


def test_it_needs_no_command_line():
    subprocess.run([sys.executable, "-c", WITHOUT_CLI], check=True, timeout=120)


def test_the_true_sound_is_perfect_and_progress_is_told():
    told = []
    found = evaluate_simulated(
        sound_options("reference"),
        clips=2,
        seed=7,
        progress=lambda done, total: told.append((done, total)),
    )
    assert set(METRICS) <= set(found)
    assert (found["clips"], found["seed"], found["model"]) == (2, 7, "reference")
    assert found["level_error_db"] == 0.0
    assert told == [(0, 2), (1, 2), (2, 2)]


# a mallet that strikes four times, and a ball whose drop is heard four times
EDITED_SEEDS = (13_000_021, 13_000_028)


@pytest.fixture(scope="module")
def edited():
    """What-if edits of two simulated clips with the default preset."""
    maker = SoundMaker(sound_options(steps=4))
    return [measure_edits(maker, seed) for seed in EDITED_SEEDS]


@pytest.mark.parametrize(
    ("edit", "sign"), [("mass_x2", 1), ("mass_half", -1), ("speed_x2", 1), ("speed_half", -1)]
)
def test_heavier_is_louder_and_faster_is_louder(edited, edit, sign):
    """Measured: all 32 levels move the right way, by 0.1 to 10 dB (median 2.9 for mass, 5.3 for speed)."""
    shifts_db = np.concatenate([row.shifts_db[edit] for row in edited])
    assert shifts_db.size == 8
    assert np.mean(sign * shifts_db > 0) > 0.8
    assert sign * np.median(shifts_db) > 1.0
