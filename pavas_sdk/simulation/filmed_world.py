"""A seed's world and its picture, which clips with and without sound share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import MaskTrack, Video
from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.compression import through_h264
from pavas_sdk.simulation.render import frame_times, render_frames
from pavas_sdk.simulation.sampling import sample_world

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene, SceneConfig

__all__ = ["FilmedWorld", "film_world", "moving_bodies"]

_MOVED_SHARE = 0.25  # of its size: a body that moves less counts as lying still


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilmedWorld:
    """What happens, and what the camera saw of it.

    Attributes:
        scene: The world.
        motion: How it moved.
        video: Its frames, after compression where the scene says so.
        bodies: int8 (T, H, W): index of the body seen at each pixel's middle, or -1.
    """

    scene: Scene
    motion: Motion
    video: Video
    bodies: NDArray[np.int8]

    @property
    def object_of_body(self) -> Mapping[int, int]:
        """Object id by index of the body, see `moving_bodies`."""
        return {b: object_id for object_id, b in enumerate(moving_bodies(self.scene, self.motion))}

    def masks(self) -> dict[int, MaskTrack]:
        """Return the exact masks by object id."""
        masks = {}
        for body, object_id in self.object_of_body.items():
            mask = self.bodies == body
            seen = mask.any(axis=(1, 2))
            masks[object_id] = MaskTrack(
                object_id=object_id,
                masks=mask,
                times_s=self.video.times_s,
                scores=np.where(seen, 1.0, np.nan).astype(np.float32),
            )
        return masks


def film_world(seed: int, config: SceneConfig) -> FilmedWorld:
    """Draw a world, let it happen, and film it; the same arguments give the same bits.

    Args:
        seed: Any non-negative integer.
        config: How.
    """
    scene, motion = sample_world(seed, config)
    picture = render_frames(scene, motion)
    frames, shooting = picture.frames, scene.shooting
    if shooting.crf is not None:
        frames = through_h264(frames, shooting.fps * shooting.repeats, shooting.crf)
    video = Video(
        frames=frames,
        times_s=frame_times(scene),
        source=f"simulation:{seed}",
        end_s=config.duration_s,
    )
    return FilmedWorld(scene=scene, motion=motion, video=video, bodies=picture.bodies)


def moving_bodies(scene: Scene, motion: Motion) -> list[int]:
    """Indices of the bodies that are objects of the clip.

    These move by more than a quarter of their size, or are heard: the energy of an audible contact
    is theirs. Where the scene says so those that lie still are objects too; arms never are.
    """
    heard = {c.body for c in motion.collisions if c.energy_change_j >= AUDIBLE_J}
    moved = []
    for index, item in enumerate(scene.objects):
        path = motion.position_m[:, index]
        span = float(np.max(path.max(axis=0) - path.min(axis=0)))
        moves = span > _MOVED_SHARE * item.size_m
        if item.counts and (scene.resting_objects or moves or index in heard):
            moved.append(index)
    return moved
