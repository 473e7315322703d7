"""Eq. 3 of PAVAS: the path of an object is the centroid of its points, its speed the steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, cast

import numpy as np
from scipy.signal import savgol_filter

from pavas_sdk.data import Trajectory
from pavas_sdk.data.background import masks_on_points
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig, VelocityEstimator
from pavas_sdk.physics.body_centre import bulge_m, near_median_depth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import MaskTrack, MovingObject, Reconstruction

__all__ = ["CentroidVelocityConfig", "CentroidVelocityEstimator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CentroidVelocityConfig(ComponentConfig):
    """Settings of `CentroidVelocityEstimator`.

    Attributes:
        centroid: "trimmed_mean" (robust against points that lie on the background) or "mean"
            (as in the paper).
        trim: Share of the points left out at each end of each coordinate, in [0, 0.5).
        centre: "body": the middle of the body, found from how far its visible side bulges towards
            the camera (nothing is changed where points lie in a plane); or "surface": the centroid
            of the visible points themselves (as in the paper), which moves 2 to 5 % less.
        depth_mads: Points whose depth is further from the median than so many scaled median
            absolute deviations are background and left out; 0 keeps all.
        min_confidence: Points count when their confidence is above this.
        min_points: A frame with fewer counting points is missing (NaN), never zero.
        smoothing_frames: Length of a Savitzky-Golay filter (order 2) over the centroids, odd and
            at least 5; 0 is off.
    """

    centroid: Literal["trimmed_mean", "mean"] = "trimmed_mean"
    trim: float = 0.1
    centre: Literal["body", "surface"] = "body"
    depth_mads: float = 4.0
    min_confidence: float = 0.0
    min_points: int = 4
    smoothing_frames: int = 0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        if self.centroid not in ("trimmed_mean", "mean"):
            raise ConfigurationError(
                f"centroid must be 'trimmed_mean' or 'mean', got {self.centroid!r}"
            )
        if not 0.0 <= self.trim < 0.5:
            raise ConfigurationError(f"trim must lie in [0, 0.5), got {self.trim}")
        if self.centre not in ("body", "surface"):
            raise ConfigurationError(f"centre must be 'body' or 'surface', got {self.centre!r}")
        if not (math.isfinite(self.depth_mads) and self.depth_mads >= 0):
            raise ConfigurationError(f"depth_mads must be 0 or more, got {self.depth_mads}")
        if self.min_points < 1:
            raise ConfigurationError(f"min_points must be at least 1, got {self.min_points}")
        frames = self.smoothing_frames
        if frames != 0 and (frames < 5 or frames % 2 == 0):
            raise ConfigurationError(
                f"smoothing_frames must be 0 (off) or an odd number from 5, got {frames}"
            )


class CentroidVelocityEstimator(VelocityEstimator):
    """Centroids of the confident points under each mask (Eq. 3).

    Times come from the reconstruction, so a variable frame rate is right. The paper takes the plain
    mean of the visible points; here background points are left out, the mean is trimmed, and the
    place is that of the body behind the visible surface. All three can be switched off:
    ``centroid="mean", centre="surface", depth_mads=0`` is the paper's. Impacts that the reconstructor
    saw are handed on.

    Example:
        >>> CentroidVelocityEstimator(centroid="mean").config.centroid
        'mean'
    """

    config_class: ClassVar[type[ComponentConfig]] = CentroidVelocityConfig

    @property
    def config(self) -> CentroidVelocityConfig:
        """The frozen settings."""
        return cast("CentroidVelocityConfig", self._config)

    def estimate_velocity(
        self,
        objects: Sequence[MovingObject],
        masks: Mapping[int, MaskTrack],
        reconstruction: Reconstruction,
        *,
        time_scale: float = 1.0,
        rng: np.random.Generator,
    ) -> Mapping[int, Trajectory]:
        """Return a trajectory for every object that has a mask."""
        del rng
        found = {}
        for entry in objects:
            if entry.object_id not in masks:
                continue
            inside = masks_on_points(masks[entry.object_id], reconstruction)
            centroids, counts = self._centroids(inside, reconstruction)
            found[entry.object_id] = Trajectory(
                object_id=entry.object_id,
                times_s=reconstruction.times_s,
                centroids_m=self._smooth(centroids),
                point_counts=counts,
                time_scale=time_scale,
                impacts=reconstruction.impacts_of(entry.object_id),
            )
        return found

    def _centroids(
        self, inside: NDArray[np.bool_], reconstruction: Reconstruction
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        config = self.config
        frames = reconstruction.points_m.shape[0]
        centroids = np.full((frames, 3), np.nan)
        counts = np.zeros(frames, dtype=np.int64)
        behind = np.full(frames, np.nan)
        cameras = reconstruction.camera_to_world[:, :3, 3]
        trim = config.trim if config.centroid == "trimmed_mean" else 0.0
        for frame in range(frames):
            counted = inside[frame] & (reconstruction.confidence[frame] > config.min_confidence)
            points = reconstruction.points_m[frame][counted].astype(np.float64)
            points = points[np.isfinite(points).all(axis=1)]
            if config.depth_mads > 0 and points.shape[0] > 0:
                points = points[near_median_depth(points, cameras[frame], config.depth_mads)]
            counts[frame] = points.shape[0]
            if points.shape[0] >= config.min_points:
                centroids[frame] = _trimmed_mean(points, trim)
                if config.centre == "body":
                    behind[frame] = bulge_m(points, cameras[frame])
        if np.isfinite(behind).any():
            # one offset for the whole path: a body is rigid, and noise must not become motion
            away = centroids - cameras
            distance = np.linalg.norm(away, axis=1, keepdims=True)
            centroids = centroids + max(0.0, float(np.nanmedian(behind))) * away / distance
        return centroids, counts

    def _smooth(self, centroids: NDArray[np.float64]) -> NDArray[np.float64]:
        length = self.config.smoothing_frames
        if length == 0:
            return centroids
        smooth = centroids.copy()
        seen = np.isfinite(centroids).all(axis=1)
        edges = np.flatnonzero(np.diff(np.concatenate([[False], seen, [False]]).astype(int)))
        for start, end in edges.reshape(-1, 2):
            if end - start >= length:
                smooth[start:end] = savgol_filter(centroids[start:end], length, 2, axis=0)
        return smooth


def _trimmed_mean(points: NDArray[np.float64], trim: float) -> NDArray[np.float64]:
    cut = int(trim * points.shape[0])
    if cut == 0:
        return np.asarray(points.mean(axis=0))
    ordered = np.sort(points, axis=0)
    return np.asarray(ordered[cut : points.shape[0] - cut].mean(axis=0))
