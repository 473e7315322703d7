"""Pictures for the impact detector on disk, in shards: brightness, objects, speeds, contacts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.models import TinySyncEncoder
from pavas_sdk.models.tiny_frames import frames_to_pixels
from pavas_sdk.simulation import SceneConfig, simulate_picture
from pavas_sdk.training.shards import Shards, is_finished, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.simulation import SimulatedPicture

__all__ = ["ImpactStore", "PictureConfig", "picture_arrays", "picture_facts", "write_pictures"]

FORMAT_VERSION = 1
_PHASE_STREAM = 77  # draws apart from those of the world with the same seed


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureConfig:
    """Sizes of what is kept of a picture.

    Attributes:
        duration_s: Length of every clip.
        frame_rate_hz: Frames kept per second.
        grey_size: Side of a kept brightness frame in pixels.
        grid: Cells a side of the mask grid: those of the detector, 8 px each.
        max_objects: Objects kept per clip (K); the rest is dropped.
        shifted_share: Of the clips that are looked at from a moment within the first frame on, drawn
            at random; the others from 0 s on.
    """

    duration_s: float = 4.0
    frame_rate_hz: float = 25.0
    grey_size: int = 128
    grid: int = 16
    max_objects: int = 4
    shifted_share: float = 0.6

    @property
    def scene(self) -> SceneConfig:
        """How the pictures are simulated."""
        return SceneConfig(duration_s=self.duration_s, height=self.grey_size, width=self.grey_size)

    @property
    def frames(self) -> int:
        """Frames T of a clip."""
        return int(grid_times(self.duration_s, self.frame_rate_hz).size)

    def times_s(self, seed: int) -> NDArray[np.float64]:
        """When a seed's clip is looked at, (T,), seconds; the last moment may lie beyond its end."""
        rng = np.random.default_rng([seed, _PHASE_STREAM])
        shifted = rng.random() < self.shifted_share
        shift_s = float(rng.uniform(0.0, 1.0 / self.frame_rate_hz))
        return grid_times(self.duration_s, self.frame_rate_hz) + (shift_s if shifted else 0.0)


def picture_arrays(
    picture: SimulatedPicture, seed: int, config: PictureConfig
) -> dict[str, NDArray[Any]]:
    """Return the arrays of one picture; every clip of a store has the same shapes.

    ``grey`` uint8 (T, G, G), ``masks`` uint8 (K, T, P, P) in 1/255, ``speed_m_s`` float32 (K, T)
    with NaN where there is no object. A frame is the one that a display shows at that moment.
    """
    times_s = config.times_s(seed)
    video = picture.video
    assert video.end_s is not None
    shown = hold_index(video.times_s, np.minimum(times_s, video.end_s - 1e-6))
    held = Video(frames=video.frames[shown], times_s=times_s)
    grey = TinySyncEncoder.grey(frames_to_pixels(held, config.grey_size))
    count, side, most = config.frames, config.grid, config.max_objects
    masks = np.zeros((most, count, side, side), dtype=np.uint8)
    speed = np.full((most, count), np.nan, dtype=np.float32)
    for row, (object_id, track) in enumerate(list(picture.masks.items())[:most]):
        # a sliver still counts as seen
        masks[row] = np.ceil(track.grid(side)[shown] * 255.0 - 1e-3)
        speed[row] = picture.speeds_at(object_id, times_s)
    return {
        "grey": (grey * 255.0).round().clamp(0, 255).byte().numpy(),
        "masks": masks,
        "speed_m_s": speed,
    }


def picture_facts(picture: SimulatedPicture, seed: int, config: PictureConfig) -> dict[str, Any]:
    """Return what is kept of a picture as JSON: when it is looked at, and its contacts."""
    return {
        "seed": seed,
        "action": picture.action,
        "first_frame_s": float(config.times_s(seed)[0]),
        "contacts": [
            {
                "time_s": contact.time_s,
                "energy_change_j": contact.energy_change_j,
                "mass_kg": contact.mass_kg,
                "place": list(contact.place),
            }
            for contact in picture.contacts
        ],
    }


def write_pictures(
    folder: Path,
    seeds: Sequence[int],
    config: PictureConfig,
    *,
    source: Callable[[int, SceneConfig], SimulatedPicture] = simulate_picture,
) -> None:
    """Make the pictures of ``seeds`` and write them to ``folder``; a finished shard is left alone.

    Args:
        folder: Of the shard.
        seeds: Of its clips.
        config: Sizes of what is kept.
        source: Makes the picture of a seed.
    """
    if is_finished(folder):
        return
    rows = _rows(seeds, config, source)
    write_rows(folder, rows, count=len(seeds), config=config, format_version=FORMAT_VERSION)


def _rows(
    seeds: Sequence[int],
    config: PictureConfig,
    source: Callable[[int, SceneConfig], SimulatedPicture],
) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, Any]]]:
    for seed in seeds:
        picture = source(seed, config.scene)
        yield picture_arrays(picture, seed, config), picture_facts(picture, seed, config)


class ImpactStore(Shards[PictureConfig]):
    """Finished shards of pictures under one folder, read as one sequence.

    Attributes:
        facts: What `picture_facts` returned, clip by clip.

    Raises:
        InputError: There is no finished shard.
        FormatError: A shard was written by another version, or shards differ in size.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, PictureConfig, FORMAT_VERSION)
