"""Pipelines used from several threads: every sound is what it would be alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


@pytest.mark.parametrize("pipelines", [1, 2])
def test_threads_do_not_disturb_each_other(pipe, pipelines):
    """Two threads, clips of different lengths, estimates and steps; one with a callback."""
    clips = [moving_discs(1, frames=20), moving_discs(2, frames=30)]
    pipes = [
        pipe,
        pipe if pipelines == 1 else tiny_pipeline(physics_estimator=pipe.physics_estimator),
    ]

    def make(k):
        seen = []
        out = pipes[k](
            clips[k].video,
            seed=k,
            num_inference_steps=2 + k,
            callback_on_step_end=(lambda p, i, t, x: seen.append(i) or x) if k else None,
        )
        return out.audio.samples, out.physics, len(seen)

    alone = [make(0), make(1)]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(make, [0, 1, 0, 1, 0, 1]))
    for k, (samples, physics, steps) in enumerate(made):
        np.testing.assert_array_equal(samples, alone[k % 2][0])
        assert physics.dumps() == alone[k % 2][1].dumps()
        assert steps == alone[k % 2][2] == (3 if k % 2 else 0)
