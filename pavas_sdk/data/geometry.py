"""Metric geometry: point maps in one world frame, and the path of each object through it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data._validation import frozen_array, increasing_times, positive
from pavas_sdk.data.timing import mid_times
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data.impact import Impact

__all__ = ["Reconstruction", "Trajectory"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reconstruction:
    """One metric 3-D point per pixel and frame, in one world frame (PAVAS Sec. 3.3, CUT3R).

    Attributes:
        points_m: float32, (T, H, W, 3), metres, world axes.
        confidence: float32, (T, H, W), larger is surer; 0 means unknown.
        camera_to_world: float64, (T, 4, 4).
        times_s: float64, (T,), seconds, increasing.
        intrinsics: float64, (T, 3, 3), pixels, or None.
        is_metric: Whether lengths are metres; if not, only ratios mean anything.
        scale_source: Which rung gave the metric scale ("cut3r", "gravity", "size-prior", "user"),
            one for the scene.
        object_scale_source: The rung of single objects where it differs, by object id.
        scale_log_std: Standard deviation of log(scale), or None when not estimated.
        background_motion_m_s: float64, (T - 1,), m/s: how fast the static background seems to move
            between neighbouring frames, NaN where that is not known. It is the confidence of the
            reconstruction as a whole: a speed below it is noise. None: not measured
            (`background_motion_m_s` measures it; the physics estimator does where it is None).
        impacts: Impacts of the objects that were seen in the picture, times on the video's clock,
            speeds in m/s; empty: looked for, and there is none. None: not looked for, so that they
            are found in the objects' speeds.
        notes: What a person should know, in plain words ("scene cut at 3.20 s").
    """

    points_m: NDArray[np.float32]
    confidence: NDArray[np.float32]
    camera_to_world: NDArray[np.float64]
    times_s: NDArray[np.float64]
    intrinsics: NDArray[np.float64] | None = None
    is_metric: bool = True
    scale_source: str | None = None
    object_scale_source: Mapping[int, str] = field(default_factory=dict)
    scale_log_std: float | None = None
    background_motion_m_s: NDArray[np.float64] | None = None
    impacts: tuple[Impact, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Shapes do not fit, negative or infinite background motion.
        """
        points = frozen_array("points_m", self.points_m, np.float32, (None, None, None, 3))
        count, height, width = points.shape[:3]
        confidence = frozen_array("confidence", self.confidence, np.float32, (count, height, width))
        poses = frozen_array("camera_to_world", self.camera_to_world, np.float64, (count, 4, 4))
        object.__setattr__(self, "points_m", points)
        object.__setattr__(self, "confidence", confidence)
        object.__setattr__(self, "camera_to_world", poses)
        object.__setattr__(self, "times_s", increasing_times("times_s", self.times_s, length=count))
        if self.intrinsics is not None:
            object.__setattr__(
                self,
                "intrinsics",
                frozen_array("intrinsics", self.intrinsics, np.float64, (count, 3, 3)),
            )
        if self.background_motion_m_s is not None:
            motion = frozen_array(
                "background_motion_m_s",
                self.background_motion_m_s,
                np.float64,
                (max(count - 1, 0),),
            )
            if (motion < 0).any() or np.isinf(motion).any():
                raise InputError("background_motion_m_s must be 0 or more, or NaN where unknown")
            object.__setattr__(self, "background_motion_m_s", motion)
        if self.impacts is not None:
            object.__setattr__(self, "impacts", tuple(self.impacts))

    def impacts_of(self, object_id: int) -> tuple[Impact, ...] | None:
        """Return the impacts of an object that were seen; None where nobody looked."""
        if self.impacts is None:
            return None
        return tuple(hit for hit in self.impacts if hit.object_id == object_id)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trajectory:
    """The path of one object: centroids of its visible points (PAVAS Eq. 3).

    Attributes:
        object_id: Which object.
        times_s: float64, (T,), seconds on the video's clock.
        centroids_m: float64, (T, 3), metres; NaN where the object was not seen.
        point_counts: int64, (T,), how many points each centroid rests on.
        time_scale: See `Video.time_scale`; speeds are multiplied by it.
        impacts: The object's impacts where the estimator knows them; None: they are found in the
            speeds (`find_impacts`).
    """

    object_id: int
    times_s: NDArray[np.float64]
    centroids_m: NDArray[np.float64]
    point_counts: NDArray[np.int64]
    time_scale: float = 1.0
    impacts: tuple[Impact, ...] | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Shapes do not fit, infinite centroids, negative counts, impacts of another
                object.
        """
        times = increasing_times("times_s", self.times_s)
        object.__setattr__(self, "times_s", times)
        centroids = frozen_array("centroids_m", self.centroids_m, np.float64, (times.size, 3))
        if np.isinf(centroids).any():
            raise InputError("centroids_m must be finite or NaN, got inf")
        counts = frozen_array("point_counts", self.point_counts, np.int64, (times.size,))
        if (counts < 0).any():
            raise InputError(f"point_counts must be 0 or more, got {int(counts.min())}")
        object.__setattr__(self, "centroids_m", centroids)
        object.__setattr__(self, "point_counts", counts)
        object.__setattr__(self, "time_scale", positive("time_scale", self.time_scale))
        if self.impacts is not None:
            object.__setattr__(self, "impacts", tuple(self.impacts))
            others = sorted({hit.object_id for hit in self.impacts} - {self.object_id})
            if others:
                raise InputError(
                    f"the trajectory of object {self.object_id} has impacts of {others}; give each "
                    "object its own"
                )

    @property
    def speed_times_s(self) -> NDArray[np.float64]:
        """Middles between neighbouring frames, (T - 1,), seconds."""
        return mid_times(self.times_s)

    def velocity_m_s(self) -> NDArray[np.float64]:
        """Return displacement over real time, (T - 1, 3), m/s; NaN where an end is missing."""
        dt_s = np.diff(self.times_s) / self.time_scale
        return np.asarray(np.diff(self.centroids_m, axis=0) / dt_s[:, None])

    def speed_m_s(self) -> NDArray[np.float64]:
        """Return the norm of `velocity_m_s`, (T - 1,), m/s (Eq. 3)."""
        return np.asarray(np.linalg.norm(self.velocity_m_s(), axis=1))
