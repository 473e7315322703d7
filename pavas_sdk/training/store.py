"""Clips on disk, in shards: frames at the encoders' size, sounds as log-mel spectrograms."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data.alignment import impact_energies_at, mask_grids_at, speeds_at
from pavas_sdk.data.timing import grid_times
from pavas_sdk.errors import InputError
from pavas_sdk.models import MEL_48K, MelSpectrogram, TinySyncEncoder
from pavas_sdk.models.tiny_frames import frames_to_pixels
from pavas_sdk.training.estimates import estimate_arrays, no_estimate
from pavas_sdk.training.shards import Shards, is_finished, write_rows
from pavas_sdk.training.targets import audible_contacts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.physics import PhysicsEstimator

__all__ = [
    "ClipStore",
    "StoreConfig",
    "clip_arrays",
    "clip_facts",
    "write_shard",
]

FORMAT_VERSION = 4  # 2 had no energies of impacts, 3 sound at 16 kHz and no edited takes
# Fillings that look alike touch within 20 ms of each other.
_SAME_MOMENT_S = 0.03


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreConfig:
    """Sizes of what is kept.

    Attributes:
        duration_s: Length of every clip.
        frame_rate_hz: Frames kept per second; also the rate of the physics frames.
        image_size: Side of a kept frame in pixels.
        grey_size: Side of a kept brightness frame, for the synchronisation encoder.
        grid: Cells a side of the mask grid.
        max_objects: Objects kept per clip (K); the rest is dropped.
        takes: Takes kept per clip (V).
        estimate_every: Of so many clips, one is also seen by the estimators; 0: none is.
    """

    duration_s: float = 4.0
    frame_rate_hz: float = 25.0
    image_size: int = 64
    grey_size: int = 128
    grid: int = 8
    max_objects: int = 4
    takes: int = 3
    estimate_every: int = 0

    @property
    def frames(self) -> int:
        """Frames T of a clip."""
        return int(self.times_s.size)

    @property
    def times_s(self) -> NDArray[np.float64]:
        """When frames are, (T,), seconds."""
        return grid_times(self.duration_s, self.frame_rate_hz)

    @property
    def samples(self) -> int:
        """Audio samples of a clip, whole mel frames."""
        return math.ceil(self.duration_s * MEL_48K.sample_rate_hz)

    @property
    def mel_frames(self) -> int:
        """Mel frames of a clip."""
        return self.samples // MEL_48K.hop_length


@cache
def _mel() -> MelSpectrogram:
    return MelSpectrogram(MEL_48K)


def checked_takes(takes: Sequence[LabelledClip]) -> tuple[LabelledClip, ...]:
    """Return the takes of one picture: clips that differ in what is heard and weighed.

    Raises:
        InputError: No take, takes of several pictures or of different sets of objects, or sound
            that is missing or at another rate than the codec's.
    """
    if not takes:
        raise InputError("training needs at least one take of a clip, got none")
    first = takes[0]
    for take in takes:
        if take.clip_id != first.clip_id or take.source is not first.source:
            raise InputError(
                f"takes must show one picture, got clips {first.clip_id} and {take.clip_id}"
            )
        ids = [[entry.object_id for entry in clip.physics] for clip in (first, take)]
        if ids[0] != ids[1]:
            raise InputError(f"the takes of clip {first.clip_id} have different objects: {ids}")
        if take.true_audio.sample_rate_hz != MEL_48K.sample_rate_hz:
            raise InputError(
                f"clip {first.clip_id} has sound at {take.true_audio.sample_rate_hz} Hz, "
                f"expected {MEL_48K.sample_rate_hz}"
            )
    return tuple(takes)


def clip_arrays(takes: Sequence[LabelledClip], config: StoreConfig) -> dict[str, NDArray[Any]]:
    """Return the arrays of one picture and its takes; every clip of a store has the same shapes.

    ``frames`` uint8 (T, S, S, 3), ``grey`` uint8 (T, G, G), ``mel`` float16 (V, M, F),
    ``mass_kg`` float32 (V, K) and ``speed_m_s`` float32 (V, K, T) with NaN where there is nothing,
    ``impact_energy_j`` float32 (V, K, T) with NaN where it is not known, ``masks`` uint8
    (K, T, P, P) in 1/255.

    Raises:
        InputError: See `checked_takes`.
    """
    takes = checked_takes(takes)
    times = config.times_s
    shown = takes[0]
    ids = [entry.object_id for entry in shown.physics.objects[: config.max_objects]]
    frames = shown.source.frames_at(times)
    pixels = frames_to_pixels(frames, config.image_size)
    grey = TinySyncEncoder.grey(frames_to_pixels(frames, config.grey_size))
    masks = np.zeros((config.max_objects, config.frames, config.grid, config.grid), dtype=np.uint8)
    for row, object_id in enumerate(ids):
        grids = mask_grids_at(shown.masks.get(object_id), times, config.grid)
        # a sliver still counts as seen
        masks[row] = np.ceil(grids * 255.0 - 1e-3).astype(np.uint8)
    mel = np.empty((config.takes, MEL_48K.mel_bins, config.mel_frames), dtype=np.float16)
    mass = np.full((config.takes, config.max_objects), np.nan, dtype=np.float32)
    speed = np.full((config.takes, config.max_objects, config.frames), np.nan, dtype=np.float32)
    energy = np.zeros_like(speed)
    analyse = _mel()
    for index in range(config.takes):
        take = takes[index % len(takes)]
        wave = torch.tensor(take.true_audio.fitted(config.samples).mono)[None]
        mel[index] = analyse(wave)[0, :, : config.mel_frames].numpy()
        impacts = take.physics.impacts()
        for row, object_id in enumerate(ids):
            entry = take.physics[object_id]
            mass[index, row] = np.nan if entry.mass_kg is None else entry.mass_kg
            speed[index, row] = speeds_at(entry, times)
            energy[index, row] = impact_energies_at(entry, impacts, times)
    return {
        "frames": (pixels.permute(0, 2, 3, 1) * 255.0).round().to(torch.uint8).numpy(),
        "grey": (grey * 255.0).round().to(torch.uint8).numpy(),
        "mel": mel,
        "mass_kg": mass,
        "speed_m_s": speed,
        "impact_energy_j": energy,
        "masks": masks,
    }


def clip_facts(takes: Sequence[LabelledClip], config: StoreConfig) -> dict[str, Any]:
    """Return what is kept of a clip as JSON: names, prompts and contacts that give off energy."""
    shown = takes[0]
    ids = [entry.object_id for entry in shown.physics.objects[: config.max_objects]]
    facts = []
    for index in range(config.takes):
        take = takes[index % len(takes)]
        heard = [contact for contact in take.contacts if contact.energy_change_j > 0]
        facts.append(
            {
                "prompt": take.prompt,
                "times_s": [round(float(contact.time_s), 5) for contact in heard],
                "energy_change_j": [float(contact.energy_change_j) for contact in heard],
                "object_ids": [
                    -1 if contact.object_id is None else int(contact.object_id) for contact in heard
                ],
                "edited": _is_edited(take, shown),
            }
        )
    return {
        "seed": shown.clip_id,
        "action": shown.action,
        "surface": shown.surface,
        "object_ids": ids,
        "materials": [shown.materials.get(object_id, "") for object_id in ids],
        "sizes_m": [shown.sizes_m.get(object_id) for object_id in ids],
        "takes": facts,
    }


def _is_edited(take: LabelledClip, shown: LabelledClip) -> bool:
    """Whether a take is heard at other moments than the picture shows."""
    moments = []
    for clip in (take, shown):
        times_s = [contact.time_s for contact in clip.contacts]
        moments.append(audible_contacts(times_s, [c.energy_change_j for c in clip.contacts]))
    if 0 in (moments[0].size, moments[1].size):
        return moments[0].size != moments[1].size
    apart = np.abs(moments[0][:, None] - moments[1][None])
    return bool(max(apart.min(axis=0).max(), apart.min(axis=1).max()) > _SAME_MOMENT_S)


def write_shard(
    folder: Path,
    seeds: Sequence[int],
    source: Callable[[int], Sequence[LabelledClip]],
    config: StoreConfig,
    *,
    estimator: PhysicsEstimator | None = None,
) -> None:
    """Make the clips of ``seeds`` and write them to ``folder``; a finished shard is left alone.

    Args:
        folder: Of the shard.
        seeds: Of its clips.
        source: Makes the takes of a seed, see `checked_takes`.
        config: Sizes of what is kept.
        estimator: Sees one of ``config.estimate_every`` clips; by default the default one.
    """
    from pavas_sdk.physics import PhysicsEstimator

    if is_finished(folder):
        return
    estimator = (estimator or PhysicsEstimator()) if config.estimate_every else None
    rows = _rows(seeds, source, config, estimator)
    write_rows(folder, rows, count=len(seeds), config=config, format_version=FORMAT_VERSION)


def _rows(
    seeds: Sequence[int],
    source: Callable[[int], Sequence[LabelledClip]],
    config: StoreConfig,
    estimator: PhysicsEstimator | None,
) -> Iterator[tuple[dict[str, NDArray[Any]], dict[str, Any]]]:
    for seed in seeds:
        takes = source(seed)
        seen = None
        if estimator is not None and seed % config.estimate_every == 0:
            seen = estimate_arrays(
                takes[0], config, estimator, number=seed // config.estimate_every
            )
        arrays = clip_arrays(takes, config) | (seen or no_estimate(config))
        yield arrays, clip_facts(takes, config) | {"estimated": seen is not None}


class ClipStore(Shards[StoreConfig]):
    """Finished shards of clips under one folder, read as one sequence.

    Attributes:
        facts: What `clip_facts` returned, clip by clip.

    Raises:
        InputError: There is no finished shard.
        FormatError: A shard was written by another version, or shards differ in size.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root, StoreConfig, FORMAT_VERSION)
