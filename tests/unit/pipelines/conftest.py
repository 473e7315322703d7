"""One small untrained pipeline of real classes, and clips with exact truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pavas_sdk import PhysicsEstimator
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bright_estimator(**slots) -> PhysicsEstimator:
    parts = {
        "moving_object_detector": BrightDetector(),
        "segmenter": BrightSegmenter(),
        "reconstructor": WallReconstructor(),
        "mass_estimator": DensityMassEstimator(),
        **slots,
    }
    return PhysicsEstimator(**parts)


@pytest.fixture(scope="session")
def session_pipe():
    return tiny_pipeline(physics_estimator=bright_estimator())


@pytest.fixture
def pipe(session_pipe):
    """The shared pipeline; a test must not change it (one of them checks that calls do not)."""
    estimator = session_pipe.physics_estimator
    yield session_pipe
    session_pipe.physics_estimator = estimator
    session_pipe.set_progress_bar_config(disable=True)


@pytest.fixture(scope="session")
def clip():
    return moving_discs(1, frames=25)


@pytest.fixture(scope="session")
def two_discs():
    return moving_discs(2, frames=25)


@pytest.fixture(scope="session")
def physics(clip):
    return clip.physics


@pytest.fixture
def sound(pipe, clip, physics):
    """Generate with the fixed clip, truth and seed, except for what a test says."""

    def generate(video=None, **options):
        settings = {"physics": physics, "masks": clip.masks, "generator": seeded(), **options}
        return pipe(clip.video if video is None else video, **settings)

    return generate


@pytest.fixture
def same():
    def equal(first, second) -> bool:
        return np.array_equal(first.audio.samples, second.audio.samples)

    return equal


@pytest.fixture
def louder(physics):
    """Another estimate of the same clip."""
    return replace(physics).with_mass(0, 50.0)
