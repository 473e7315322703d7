"""Numpy physics: centroid speeds (Eq. 3), and the estimator that composes the slots (Sec. 3.3)."""

from __future__ import annotations

from pavas_sdk.data.background import background_motion_m_s
from pavas_sdk.physics.cache import PhysicsCache
from pavas_sdk.physics.centroid import CentroidVelocityConfig, CentroidVelocityEstimator
from pavas_sdk.physics.estimator import PhysicsEstimator, saved_slots
from pavas_sdk.physics.estimator_config import PhysicsEstimatorConfig
from pavas_sdk.physics.overrides import Overrides, SpeedOverride, load_overrides
from pavas_sdk.physics.run import PhysicsResult

__all__ = [
    "CentroidVelocityConfig",
    "CentroidVelocityEstimator",
    "Overrides",
    "PhysicsCache",
    "PhysicsEstimator",
    "PhysicsEstimatorConfig",
    "PhysicsResult",
    "SpeedOverride",
    "background_motion_m_s",
    "load_overrides",
    "saved_slots",
]
