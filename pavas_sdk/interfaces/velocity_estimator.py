"""VelocityEstimator: the path and speed of each object (PAVAS Sec. 3.3, Eq. 3)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import MaskTrack, MovingObject, Reconstruction, Trajectory

__all__ = ["VelocityEstimator"]


class VelocityEstimator(Component):
    """Turns masks and points into trajectories."""

    kind: ClassVar[str] = "velocity_estimator"

    @abstractmethod
    def estimate_velocity(
        self,
        objects: Sequence[MovingObject],
        masks: Mapping[int, MaskTrack],
        reconstruction: Reconstruction,
        *,
        time_scale: float = 1.0,
        rng: np.random.Generator,
    ) -> Mapping[int, Trajectory]:
        """Return a trajectory per object id; a missing id means "could not".

        Args:
            objects: The moving objects.
            masks: Their masks.
            reconstruction: Points in one world frame.
            time_scale: Slow-motion factor of the clip, copied into the trajectories.
            rng: The only source of randomness.
        """
