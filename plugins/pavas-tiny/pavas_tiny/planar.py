"""Reconstructor "planar": the scene as one plane facing the camera, with a metric scale."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from pavas_sdk.data import Reconstruction
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig, Reconstructor
from pavas_tiny.analysis import MotionAnalysis, analyse, impact_curve
from pavas_tiny.flight import Piece, fit_gravity, fit_pieces, smooth_path
from pavas_tiny.object_motion import SeenObject
from pavas_tiny.scale import Scale, fuse, gravity_scale, plausible_fall, pooled, size_scale
from pavas_tiny.seen_impacts import see_impacts
from pavas_tiny.shape import Shape, measure_shape, touches_edge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject

__all__ = ["PlanarConfig", "PlanarReconstructor"]

_FOCAL = 1.2  # of the longer side: a field of view of about 45 degrees
_MOST_AT_EDGE = 0.2  # share of a piece's frames


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanarConfig(ComponentConfig):
    """Settings of `PlanarReconstructor`.

    Attributes:
        metres_per_pixel: Scale in pixels of the original video, when it is known.
        object_size_m: Diameter (longest side) of the clearest object, when it is known.
        max_side: Longer side in pixels at which camera motion is analysed; as in the detector.
        max_objects: As in the detector, so that the analysis is shared.
        smooth: Put objects on fitted paths (pieces of rest, even motion, free flight) instead of
            the raw centres of their masks.
    """

    metres_per_pixel: float | None = None
    object_size_m: float | None = None
    max_side: int = 160
    max_objects: int = 4
    smooth: bool = True

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A size that is not finite and positive, or both given.
        """
        for name in ("metres_per_pixel", "object_size_m"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"{name} must be finite and above 0, got {value}")
        if self.metres_per_pixel is not None and self.object_size_m is not None:
            raise ConfigurationError("give metres_per_pixel or object_size_m, not both")


@dataclass(slots=True, eq=False)
class _Object:
    """What is known of one object."""

    thing: MovingObject
    shape: Shape
    centres: NDArray[np.float64]  # (T, 2) reference pixels
    pieces: list[Piece]
    at_edge: NDArray[np.bool_]  # (T,) whether the mask touches the picture's edge


class PlanarReconstructor(Reconstructor):
    """Every pixel on one plane parallel to the picture; metres by the best rung there is.

    Rungs: the user's scale, gravity (free flight of any object that is whole in the picture, within
    30 degrees of down), the usual size of a named thing, a prior on sizes. `Reconstruction.scale_source` names it.
    World axes are those of the middle frame's camera: x right, y down, z forward. Motion along
    the line of sight is not seen.
    """

    config_class: ClassVar[type[ComponentConfig]] = PlanarConfig

    @property
    def config(self) -> PlanarConfig:
        """The frozen settings."""
        return cast("PlanarConfig", self._config)

    def reconstruct(
        self,
        video: FrameSource,
        *,
        objects: Sequence[MovingObject] = (),
        masks: Mapping[int, MaskTrack] | None = None,
        rng: np.random.Generator,
    ) -> Reconstruction:
        """Return the plane's points at the masks' times (without masks: at all frames)."""
        del rng
        config = self.config
        found = analyse(video, max_side=config.max_side, max_objects=config.max_objects)
        tracks = dict(masks or {})
        if tracks:
            first = next(iter(tracks.values()))
            times, (height, width) = first.times_s, first.masks.shape[1:]
        else:
            times, (height, width) = found.times_s, found.size
        camera = _camera_at(found, times, (height, width))
        known = [
            entry
            for thing in objects
            if thing.object_id in tracks
            and (entry := _measure(thing, tracks[thing.object_id], found, camera)) is not None
        ]
        scale = self._scale(video, known, width)
        points = self._points(times, (height, width), camera, known, tracks, scale)
        seen = [_seen(entry, tracks[entry.thing.object_id]) for entry in known]
        impacts = see_impacts(
            seen,
            found.envelope,
            impact_curve(video, max_side=config.max_side),
            m_per_px=scale.m_per_px,
            time_scale=video.time_scale,
            scale_log_std=scale.log_std,
        )
        return replace(points, impacts=impacts)

    def _scale(self, video: FrameSource, known: list[_Object], width: int) -> Scale:
        """Metres per analysed pixel, by the best rung there is."""
        config = self.config
        if config.metres_per_pixel is not None:
            value = config.metres_per_pixel * video.width / width
            return Scale(log_m_per_px=math.log(value), log_std=0.0, source="user")
        if not known:
            return Scale(log_m_per_px=math.log(1.0 / width), log_std=1.0, source="none")
        if config.object_size_m is not None:
            value = config.object_size_m / 2.0 / known[0].shape.half_size_px
            return Scale(log_m_per_px=math.log(value), log_std=0.05, source="user-size")
        sizes = [size_scale(entry.shape, entry.thing.label) for entry in known]
        expected = pooled(sizes)
        gravity = fit_gravity(
            [_free_pieces(entry.pieces, entry.at_edge) for entry in known],
            plausible=plausible_fall(expected, time_scale=video.time_scale),
        )
        if gravity is None:
            return expected
        sticks = all(entry.shape.kind == "stick" for entry in known)
        fall = gravity_scale(gravity, time_scale=video.time_scale, sticks_only=sticks)
        return fuse([expected, fall])

    def _points(
        self,
        times: NDArray[np.float64],
        size: tuple[int, int],
        camera: NDArray[np.float64],
        known: list[_Object],
        tracks: Mapping[int, MaskTrack],
        scale: Scale,
    ) -> Reconstruction:
        height, width = size
        m_per_px = scale.m_per_px
        focal = _FOCAL * max(height, width)
        depth = m_per_px * focal
        centre = np.array([(width - 1) / 2, (height - 1) / 2])
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        count = times.size
        points = np.empty((count, height, width, 3), dtype=np.float32)
        linear = camera[:, :, :2]
        shift = camera[:, :, 2] - centre
        for axis in (0, 1):
            points[..., axis] = m_per_px * (
                linear[:, axis, 0, None, None].astype(np.float32) * columns
                + linear[:, axis, 1, None, None].astype(np.float32) * rows
                + shift[:, axis, None, None].astype(np.float32)
            )
        points[..., 2] = depth
        if self.config.smooth:
            for entry in known:
                _place(
                    entry, tracks[entry.thing.object_id], times, camera, points, m_per_px, centre
                )
        poses = np.tile(np.eye(4), (count, 1, 1))
        zoom = np.sqrt(np.abs(np.linalg.det(linear)))
        poses[:, :2, :2] = linear / zoom[:, None, None]
        poses[:, :2, 3] = m_per_px * (linear @ centre + shift)
        poses[:, 2, 3] = depth * (1.0 - zoom)
        intrinsics = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
        return Reconstruction(
            points_m=points,
            confidence=np.ones((count, height, width), dtype=np.float32),
            camera_to_world=poses,
            times_s=times,
            intrinsics=np.tile(intrinsics, (count, 1, 1)),
            is_metric=scale.source != "none",
            scale_source=scale.source,
            scale_log_std=scale.log_std,
        )


def _camera_at(
    found: MotionAnalysis, times: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Frame-to-reference similarities at other times and another size, (T, 2, 3)."""
    from pavas_sdk.data.timing import nearest_index

    matrix = found.camera.matrix[nearest_index(found.times_s, times)].copy()
    ratio = size[1] / found.size[1]
    matrix[:, :, 2] *= ratio
    return matrix


def _measure(
    thing: MovingObject, track: MaskTrack, found: MotionAnalysis, camera: NDArray[np.float64]
) -> _Object | None:
    shape = measure_shape(track.masks)
    if shape is None:
        return None
    centres = _own_centres(track, found)
    if centres is None:
        centres = np.full((track.times_s.size, 2), np.nan)
        for frame in np.flatnonzero(track.visible):
            rows, columns = np.nonzero(track.masks[frame])
            centres[frame] = camera[frame] @ (columns.mean(), rows.mean(), 1.0)
    pieces = fit_pieces(track.times_s, centres)
    return _Object(
        thing=thing, shape=shape, centres=centres, pieces=pieces, at_edge=touches_edge(track.masks)
    )


def _free_pieces(pieces: list[Piece], at_edge: NDArray[np.bool_]) -> list[Piece]:
    """Pieces of what is whole in the picture: an arm, or a thing cut by the edge, is no ruler."""
    return [p for p in pieces if at_edge[p.first : p.last + 1].mean() <= _MOST_AT_EDGE]


def _seen(entry: _Object, track: MaskTrack) -> SeenObject:
    return SeenObject(
        object_id=entry.thing.object_id,
        times_s=track.times_s,
        masks=track.masks,
        shape=entry.shape,
        centres=entry.centres,
        pieces=entry.pieces,
        free=_free_pieces(entry.pieces, entry.at_edge),
    )


def _own_centres(track: MaskTrack, found: MotionAnalysis) -> NDArray[np.float64] | None:
    """Sub-pixel centres when the masks are those of the motion analysis."""
    for mover in found.movers:
        if mover.masks is track.masks or (
            mover.masks.shape == track.masks.shape and np.array_equal(mover.masks, track.masks)
        ):
            return mover.centres
    return None


def _place(
    entry: _Object,
    track: MaskTrack,
    times: NDArray[np.float64],
    camera: NDArray[np.float64],
    points: NDArray[np.float32],
    m_per_px: float,
    centre: NDArray[np.float64],
) -> None:
    """Move each frame's object points together onto the smooth path, in place."""
    path = smooth_path(times, entry.centres, entry.pieces)
    for frame in np.flatnonzero(track.visible & np.isfinite(path).all(axis=1)):
        mask = track.masks[frame]
        own = points[frame][mask]
        where = (path[frame] - centre) * m_per_px
        cut = own.shape[0] // 10
        ordered = np.sort(own[:, :2], axis=0)
        middle = ordered[cut : own.shape[0] - cut].mean(axis=0)
        points[frame, mask, :2] = own[:, :2] + (where - middle).astype(np.float32)
