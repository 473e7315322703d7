"""One sound per object: what each one adds, so that together they are the sound that was made.

A network is not linear: sounds that are made for one object each do not sum to the one that is made
for all. So they only say whose is what: of each cell of the sound's spectrogram, an object gets the
share that its own sound has there of all objects' sounds (a generalised Wiener filter: shares are of
power). The shares sum to one, so the stems sum to the sound.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, MaskTrack, PhysicsEstimate
    from pavas_sdk.pipelines.pipeline import PavasPipeline

__all__ = ["STEMS_ERROR_DB", "object_stems", "pipeline_stems", "split_by_sounds"]

STEMS_ERROR_DB = -120.0
"""The stems' sum, in floating point, is off the sound by less than this, relative to its peak."""

_WINDOW_S = 0.02
_FLOOR = 1e-12  # of the mean power: where nothing sounds alone, all get the same share


def object_stems(
    audio: Audio, physics: PhysicsEstimate, make: Callable[[PhysicsEstimate], Audio]
) -> dict[int, Audio]:
    """Return the share of each object in a sound, by object id.

    Args:
        audio: The sound.
        physics: What it was made from.
        make: Makes the sound of other physics with the same noise and settings, at the model's
            own level; called once per object, with the others left out.

    Returns:
        As many sounds as objects, each as long and of the same rate; their sum is ``audio`` within
        `STEMS_ERROR_DB`. Of one object, the sound itself.
    """
    ids = [entry.object_id for entry in physics]
    if len(ids) < 2:
        return dict.fromkeys(ids, audio)
    alone = {}
    for object_id in ids:
        only = physics
        for other in ids:
            if other != object_id:
                only = only.without(other)
        alone[object_id] = make(only)
    return split_by_sounds(audio, alone)


def pipeline_stems(
    pipe: PavasPipeline,
    audio: Audio,
    physics: PhysicsEstimate,
    *,
    seed: int,
    masks: Mapping[int, MaskTrack] | None,
    **call: Any,
) -> dict[int, Audio]:
    """Return the share of each object in a sound that a pipeline made; see `object_stems`.

    Args:
        pipe: What made it.
        audio: The sound.
        physics: What it was made from.
        seed: Its noise.
        masks: By object id, where it was made for a video.
        **call: The video and the settings with which it was made.

    Raises:
        InputError: A callback stopped the pipeline.
    """

    def make(only: PhysicsEstimate) -> Audio:
        have = None
        if masks is not None:
            have = {one.object_id: masks[one.object_id] for one in only if one.object_id in masks}
        made = pipe(**call, physics=only, masks=have, level="physical", seed=seed)
        if pipe.interrupt:
            raise InputError("stopped: the sounds of the single objects were not made")
        alone: Audio = made[0].audio
        return alone

    return object_stems(audio, physics, make)


def split_by_sounds(audio: Audio, alone: Mapping[int, Audio]) -> dict[int, Audio]:
    """Split a sound into shares like the given sounds.

    Args:
        audio: The sound.
        alone: What each part sounds like; of the same rate and channels, and as long to a
            window's length (a twentieth of a second).

    Raises:
        InputError: None is given, or rates, channels or lengths differ.
    """
    if not alone:
        raise InputError("to split a sound, give what at least one part of it sounds like")
    rate_hz, shape = audio.sample_rate_hz, audio.samples.shape
    for key, other in alone.items():
        if other.sample_rate_hz != rate_hz or other.channels != audio.channels:
            raise InputError(
                f"the sound of {key} has {other.channels} channels at {other.sample_rate_hz} Hz, "
                f"the whole has {audio.channels} at {rate_hz} Hz"
            )
        if abs(other.samples.shape[1] - shape[1]) > rate_hz / 20:
            raise InputError(
                f"the sound of {key} lasts {other.duration_s:.2f} s, the whole "
                f"{audio.duration_s:.2f} s"
            )
    length = 2 * round(_WINDOW_S * rate_hz / 2)
    transform = ShortTimeFFT(hann(length, sym=False), hop=length // 4, fs=rate_hz)
    if shape[1] < length:  # too short for a window
        part = audio.samples / np.float32(len(alone))
        return {key: replace(audio, samples=part) for key in alone}
    whole = transform.stft(audio.samples.astype(np.float64))
    powers = [_power(transform, other.fitted(shape[1])) for other in alone.values()]
    total = np.sum(powers, axis=0)
    floor = _FLOOR * total.mean() + np.finfo(np.float64).tiny
    stems = {}
    for key, power in zip(alone, powers, strict=True):
        share = (power + floor) / (total + len(alone) * floor)
        samples = transform.istft(whole * share, k1=shape[1])
        stems[key] = replace(audio, samples=samples.astype(np.float32))
    return stems


def _power(transform: ShortTimeFFT, audio: Audio) -> NDArray[np.float64]:
    spectrum = transform.stft(audio.samples.astype(np.float64))
    return np.asarray(np.abs(spectrum) ** 2)
