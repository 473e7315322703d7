"""Synthetic impacts with exact ground truth: seeded worlds, their pictures and their sound."""

from __future__ import annotations

from pavas_sdk.simulation.clip import SimulatedClip, simulate
from pavas_sdk.simulation.collisions import Contact
from pavas_sdk.simulation.export import read_masks, write_clip
from pavas_sdk.simulation.motion import Motion, run_world
from pavas_sdk.simulation.sampling import sample_scene
from pavas_sdk.simulation.scene import ACTIONS, CAMERAS, Scene, SceneConfig, SceneObject

__all__ = [
    "ACTIONS",
    "CAMERAS",
    "Contact",
    "Motion",
    "Scene",
    "SceneConfig",
    "SceneObject",
    "SimulatedClip",
    "read_masks",
    "run_world",
    "sample_scene",
    "simulate",
    "write_clip",
]
