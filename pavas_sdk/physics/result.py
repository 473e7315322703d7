"""What the physics estimator hands on: the estimate, and what the pipeline needs beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import MaskTrack, PhysicsEstimate, Reconstruction

__all__ = ["PhysicsResult"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsResult:
    """An estimate with its masks.

    Attributes:
        physics: Small JSON: objects, masses, speeds, provenance.
        masks: Masks by object id, small (see `PhysicsEstimatorConfig`). Times are on the clip's
            clock; outside a track's times the object is absent.
        reconstruction: The points, when the clip was short enough for one window and nothing came
            from the cache; else None.
        from_cache: Whether the estimate was made earlier.
    """

    physics: PhysicsEstimate
    masks: Mapping[int, MaskTrack] = field(default_factory=dict)
    reconstruction: Reconstruction | None = None
    from_cache: bool = False
