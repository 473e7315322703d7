"""Tiny real components, for tests of plugins and pipelines: bright things before a dark wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from pavas_sdk.data import MaskTrack, MassEstimate, MovingObject, Reconstruction
from pavas_sdk.interfaces import (
    ComponentConfig,
    MassEstimator,
    MovingObjectDetector,
    Reconstructor,
    Segmenter,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource

__all__ = ["BrightDetector", "BrightSegmenter", "DensityMassEstimator", "WallReconstructor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrightConfig(ComponentConfig):
    """Settings of the bright-thing components.

    Attributes:
        threshold: Mean of the colours from which a pixel is bright, 0 to 255.
    """

    threshold: float = 150.0


def _bright_parts(
    video: FrameSource, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_], list[tuple[float, float]]]:
    """Times, bright pixels (T, H, W), and the centres of the parts in the fullest frame."""
    clip = video.read()
    bright = np.asarray(clip.frames.mean(axis=-1) > threshold)
    labels, counts = zip(*(ndimage.label(frame) for frame in bright), strict=True)
    fullest = int(np.argmax(counts))
    parts = range(1, counts[fullest] + 1)
    centres = ndimage.center_of_mass(bright[fullest], labels[fullest], list(parts))
    return clip.times_s, bright, sorted((float(y), float(x)) for y, x in centres)


class BrightDetector(MovingObjectDetector):
    """Takes every bright part for an object, numbered from top to bottom."""

    config_class = BrightConfig
    config: BrightConfig

    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        """Return one object per bright part."""
        del prompt, rng
        _, _, centres = _bright_parts(video, self.config.threshold)
        return [
            MovingObject(object_id=index, label="bright thing", action="moving")
            for index in range(len(centres))
        ]


class BrightSegmenter(Segmenter):
    """Gives each object the bright pixels nearest to its row."""

    config_class = BrightConfig
    config: BrightConfig

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Return the mask of each object that has a bright part."""
        del rng
        times, bright, centres = _bright_parts(video, self.config.threshold)
        if not centres:
            return {}
        rows = np.arange(bright.shape[1])[:, None]
        nearest = np.argmin(np.abs(rows - np.array([y for y, _ in centres])), axis=1)
        tracks = {}
        for entry in objects:
            if entry.object_id >= len(centres):
                continue
            masks = bright & (nearest == entry.object_id)[None, :, None]
            scores = np.where(masks.any(axis=(1, 2)), 1.0, np.nan)
            tracks[entry.object_id] = MaskTrack(
                object_id=entry.object_id, masks=masks, times_s=times, scores=scores
            )
        return tracks


@dataclass(frozen=True, slots=True, kw_only=True)
class WallConfig(ComponentConfig):
    """Settings of `WallReconstructor`.

    Attributes:
        metres_per_pixel: Width of a pixel on the wall.
        distance_m: Distance of the wall.
    """

    metres_per_pixel: float = 0.02
    distance_m: float = 2.0


class WallReconstructor(Reconstructor):
    """Takes the world for a wall at a known distance, straight before a camera at rest."""

    config_class = WallConfig
    config: WallConfig

    def reconstruct(
        self,
        video: FrameSource,
        *,
        objects: Sequence[MovingObject] = (),
        masks: Mapping[int, MaskTrack] | None = None,
        rng: np.random.Generator,
    ) -> Reconstruction:
        """Return the points of the wall at the masks' times, or the video's."""
        del objects, rng
        track = next(iter((masks or {}).values()), None)
        times = video.read().times_s if track is None else track.times_s
        height, width = (video.height, video.width) if track is None else track.masks.shape[1:]
        pixel_m = self.config.metres_per_pixel * video.width / width
        rows, columns = np.mgrid[:height, :width].astype(np.float64)
        x, y = (columns - (width - 1) / 2) * pixel_m, (rows - (height - 1) / 2) * pixel_m
        points = np.stack([x, y, np.full_like(x, self.config.distance_m)], axis=-1)
        count = times.size
        return Reconstruction(
            points_m=np.broadcast_to(points, (count, *points.shape)),
            confidence=np.ones((count, height, width), dtype=np.float32),
            camera_to_world=np.repeat(np.eye(4)[None], count, axis=0),
            times_s=times,
            scale_source="config",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DensityConfig(ComponentConfig):
    """Settings of `DensityMassEstimator`.

    Attributes:
        areal_density_kg_m2: Kilograms per square metre of an object's picture.
        metres_per_pixel: Width of a pixel.
    """

    areal_density_kg_m2: float = 20.0
    metres_per_pixel: float = 0.02


class DensityMassEstimator(MassEstimator):
    """Takes mass for proportional to the area in the picture."""

    config_class = DensityConfig
    config: DensityConfig

    def estimate_mass(
        self,
        video: FrameSource,
        objects: Sequence[MovingObject],
        *,
        masks: Mapping[int, MaskTrack] | None = None,
        reconstruction: Reconstruction | None = None,
        rng: np.random.Generator,
    ) -> Mapping[int, MassEstimate]:
        """Return the mass of each object that has a mask with a visible pixel."""
        del video, reconstruction, rng
        estimates = {}
        for entry in objects:
            track = (masks or {}).get(entry.object_id)
            if track is None or not track.visible.any():
                continue
            pixels = float(np.median(track.masks[track.visible].sum(axis=(1, 2))))
            mass_kg = pixels * self.config.metres_per_pixel**2 * self.config.areal_density_kg_m2
            estimates[entry.object_id] = MassEstimate(
                object_id=entry.object_id, mass_kg=mass_kg, source="area"
            )
        return estimates
