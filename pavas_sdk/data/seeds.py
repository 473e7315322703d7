"""Which simulated clips may be trained on, and which are kept for evaluation.

A simulated clip is determined by its seed. Training draws from `TRAINING_SEEDS` alone, and
`evaluation_seeds` never returns one of them.
"""

from __future__ import annotations

from pavas_sdk.errors import InputError

__all__ = ["CLIPS_PER_EVALUATION", "TRAINING_SEEDS", "evaluation_seeds"]

TRAINING_SEEDS = range(10_000_000)
CLIPS_PER_EVALUATION = 1_000_000


def evaluation_seeds(seed: int, clips: int) -> range:
    """Return the clip seeds of evaluation ``seed``: 10,000,000 + seed * 1,000,000 + i.

    Args:
        seed: 0 or more; different seeds share no clip.
        clips: How many, 1 to 1,000,000.

    Raises:
        InputError: Out of range.
    """
    if seed < 0 or not 1 <= clips <= CLIPS_PER_EVALUATION:
        raise InputError(
            f"an evaluation needs a seed of 0 or more and 1 to {CLIPS_PER_EVALUATION} clips, got "
            f"seed {seed} and {clips} clips"
        )
    first = TRAINING_SEEDS.stop + seed * CLIPS_PER_EVALUATION
    return range(first, first + clips)
