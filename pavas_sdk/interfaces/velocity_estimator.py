"""VelocityEstimator: the path and speed of each object (PAVAS Sec. 3.3, Eq. 3)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import MaskTrack, MovingObject, Reconstruction, Trajectory

    PathFunction = Callable[[MaskTrack, Reconstruction], NDArray[np.float64] | None]

__all__ = ["VelocityEstimator", "from_function"]


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

        A trajectory may hold the object's impacts (`Trajectory.impacts`); those of one that does not are
        found in its speeds.

        Args:
            objects: The moving objects.
            masks: Their masks.
            reconstruction: Points in one world frame.
            time_scale: Slow-motion factor of the clip, copied into the trajectories.
            rng: The only source of randomness.
        """


class _FunctionVelocityEstimator(VelocityEstimator):
    """A plain function as a velocity estimator."""

    def __init__(self, function: PathFunction) -> None:
        super().__init__()
        self._function = function
        self.name = getattr(function, "__name__", "function")

    def estimate_velocity(
        self,
        objects: Sequence[MovingObject],
        masks: Mapping[int, MaskTrack],
        reconstruction: Reconstruction,
        *,
        time_scale: float = 1.0,
        rng: np.random.Generator,
    ) -> Mapping[int, Trajectory]:
        """Call the function for each object that has a mask; None means "could not"."""
        import numpy as np

        from pavas_sdk.data import Trajectory

        del rng
        paths = {}
        for entry in objects:
            track = masks.get(entry.object_id)
            places = None if track is None else self._function(track, reconstruction)
            if track is None or places is None:
                continue
            paths[entry.object_id] = Trajectory(
                object_id=entry.object_id,
                times_s=reconstruction.times_s,
                centroids_m=places,
                point_counts=np.asarray(np.isfinite(places).all(axis=-1), dtype=np.int64),
                time_scale=time_scale,
                impacts=reconstruction.impacts_of(entry.object_id),
            )
        return paths


def from_function(function: PathFunction) -> VelocityEstimator:
    """Make a velocity estimator of a function from masks and points to places.

    The places are metres in world axes, (T, 3) at the reconstruction's times, NaN where the object
    was not seen; None means "could not".

    Example:
        >>> estimator = from_function(my_tracker)
    """
    return _FunctionVelocityEstimator(function)
