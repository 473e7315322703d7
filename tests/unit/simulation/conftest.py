from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pavas_sdk.simulation import SceneConfig, Simulation, simulate
from pavas_sdk.simulation.sampling import sample_world

if TYPE_CHECKING:
    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

SMALL = SceneConfig(
    height=48, width=64, duration_s=2.0, fps=25.0, compression=False, disturbances=False
)


@functools.cache
def _clip(action: str, camera: str, seed: int) -> Simulation:
    return simulate(seed, replace(SMALL, action=action, camera=camera))


@functools.cache
def _worlds(count: int) -> tuple[tuple[Scene, Motion], ...]:
    return tuple(sample_world(seed) for seed in range(500, 500 + count))


@pytest.fixture
def simulation_of():
    """Small clips by action, camera and seed; made once."""
    return lambda action, camera="still", seed=1: _clip(action, camera, seed)


@pytest.fixture
def worlds():
    """Forty default worlds without pictures."""
    return _worlds(40)
