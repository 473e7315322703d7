"""Training and evaluation never share a clip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data.seeds import CLIPS_PER_EVALUATION, TRAINING_SEEDS, evaluation_seeds
from pavas_sdk.errors import InputError


@given(st.integers(0, 10**6), st.integers(1, CLIPS_PER_EVALUATION))
def test_no_evaluation_clip_is_a_training_clip(seed, clips):
    seeds = evaluation_seeds(seed, clips)
    assert len(seeds) == clips
    assert seeds.start not in TRAINING_SEEDS
    assert seeds[-1] not in TRAINING_SEEDS
    assert seeds[-1] < evaluation_seeds(seed + 1, 1).start


def test_first_evaluation_starts_right_after_training():
    assert evaluation_seeds(0, 3) == range(10_000_000, 10_000_003)
    assert evaluation_seeds(2, 1)[0] == 12_000_000


@pytest.mark.parametrize(("seed", "clips"), [(-1, 1), (0, 0), (0, CLIPS_PER_EVALUATION + 1)])
def test_impossible_evaluations_are_refused(seed, clips):
    with pytest.raises(InputError):
        evaluation_seeds(seed, clips)
