"""Synthetic impacts with exact ground truth: seeded worlds, their pictures and their sound."""

from __future__ import annotations

from pavas_sdk.simulation.clip import Simulation, simulate
from pavas_sdk.simulation.collisions import Collision
from pavas_sdk.simulation.export import read_clip, read_masks, write_clip
from pavas_sdk.simulation.motion import Motion, run_world
from pavas_sdk.simulation.sampling import sample_scene
from pavas_sdk.simulation.scene import ACTIONS, CAMERAS, Scene, SceneConfig, SceneObject
from pavas_sdk.simulation.silent import PlacedContact, SimulatedPicture, simulate_picture

__all__ = [
    "ACTIONS",
    "CAMERAS",
    "Collision",
    "Motion",
    "PlacedContact",
    "Scene",
    "SceneConfig",
    "SceneObject",
    "SimulatedPicture",
    "Simulation",
    "read_clip",
    "read_masks",
    "run_world",
    "sample_scene",
    "simulate",
    "simulate_picture",
    "write_clip",
]
