"""What the backbone and the adapter are told about one window of a video."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data import MaskTrack
from pavas_sdk.data.frames import facts_of
from pavas_sdk.data.timing import nearest_index
from pavas_sdk.pipelines.offload import onload

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.data import FrameSource, ObjectPhysics
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.pipelines.windows import Window

__all__ = [
    "AdapterInputs",
    "VideoFeatures",
    "WindowCondition",
    "adapter_inputs",
    "encode_window",
    "objects_within",
]

# Decoded pictures that are held at once while a window is encoded: about 24 frames of 720p.
_CHUNK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VideoFeatures:
    """Encoder features of one window.

    Attributes:
        pooled: Visual tokens, (1, L, D).
        patches: Patch features V^l, (1, L, P, P, D_p).
        sync: Synchronisation features, (1, M, D_sync); M is 0 for less than one segment.
        times_s: (L,), times of the visual frames on the video's clock.
    """

    pooled: Tensor
    patches: Tensor
    sync: Tensor
    times_s: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WindowCondition:
    """What is kept of a window while all windows are denoised: small, whatever the backbone.

    Attributes:
        window: Where it lies.
        pooled: As in `VideoFeatures`.
        sync: As in `VideoFeatures`.
        times_s: As in `VideoFeatures`.
        state: The adapter's state, or None without an adapter.
    """

    window: Window
    pooled: Tensor
    sync: Tensor
    times_s: NDArray[np.float64]
    state: AdapterState | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AdapterInputs:
    """Arguments of ``ConditioningAdapter.encode`` beside the patch features.

    Attributes:
        masks: (1, K, L, P, P).
        mass_kg: (1, K), NaN where unknown.
        speed_m_s: (1, K, L), NaN where missing.
        valid: bool, (1, K).
    """

    masks: Tensor
    mass_kg: Tensor
    speed_m_s: Tensor
    valid: Tensor


def encode_window(
    clip: Any,
    sync_encoder: Any,
    source: FrameSource,
    window: Window,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Encode one window of a video with both encoders.

    The pictures are decoded once, a second or so at a time: a window never lies in memory whole
    at full size. An encoder that has no use for large pictures says so by an attribute
    ``max_frame_side`` (pixels of the longer side).

    Args:
        clip: Visual encoder.
        sync_encoder: Synchronisation encoder.
        source: The video.
        window: Which part.
        device: Where the encoders run.
    """
    clip_times = np.asarray(clip.frame_times_s(window.duration_s), dtype=np.float64)
    sync_times = np.asarray(sync_encoder.frame_times_s(window.duration_s), dtype=np.float64)
    clip_times = clip_times + window.start_s
    sync_times = sync_times + window.start_s
    clip_shown, clip_repeats = _shown(source, clip_times, clip)
    sync_shown, sync_repeats = _shown(source, sync_times, sync_encoder)
    clip_pixels, sync_pixels = _read_pixels(clip, sync_encoder, source, clip_shown, sync_shown)
    if clip_repeats is not None:
        clip_pixels = clip_pixels[clip_repeats]
    if sync_repeats is not None:
        sync_pixels = sync_pixels[sync_repeats]
    onload(clip)
    visual = clip.encode_image(clip_pixels.to(device=device, dtype=clip.dtype))
    if sync_times.size:
        onload(sync_encoder)
        sync = sync_encoder.encode(sync_pixels.to(device=device, dtype=sync_encoder.dtype))
    else:
        sync = visual.pooled.new_zeros((0, 0))
    return VideoFeatures(
        pooled=visual.pooled[None],
        patches=visual.patches[None],
        sync=sync[None],
        times_s=clip_times,
    )


def _shown(
    source: FrameSource, times_s: NDArray[np.float64], encoder: Any
) -> tuple[NDArray[np.float64], Tensor | None]:
    """Return the increasing times of the frames to read, and which of them each time shows.

    A source with a clock of its own (`ReferenceClockSource`) may show one frame several times.
    """
    if not times_s.size:
        return times_s, None
    shown = facts_of(source).shown_times_s(times_s, encoder.config.frame_rate_hz)
    if (np.diff(shown) > 0).all():
        return shown, None
    shown, place = np.unique(shown, return_inverse=True)
    return shown, torch.from_numpy(place)


def _read_pixels(
    clip: Any,
    sync_encoder: Any,
    source: FrameSource,
    clip_times: NDArray[np.float64],
    sync_times: NDArray[np.float64],
) -> tuple[Tensor, Tensor]:
    """Return the preprocessed frames of both encoders, read in one pass."""
    times = np.union1d(clip_times, sync_times)
    max_side = _largest_side(clip, sync_encoder)
    shrink = 1.0 if max_side is None else min(1.0, max_side / max(source.height, source.width))
    per_chunk = max(1, int(_CHUNK_BYTES / (source.height * source.width * 3 * shrink**2)))
    clip_parts: list[Tensor] = []
    sync_parts: list[Tensor] = []
    for first in range(0, times.size, per_chunk):
        chunk = times[first : first + per_chunk]
        frames = source.frames_at(chunk, max_side=max_side)
        for encoder, wanted, parts in (
            (clip, clip_times, clip_parts),
            (sync_encoder, sync_times, sync_parts),
        ):
            here = wanted[(wanted >= chunk[0]) & (wanted <= chunk[-1])]
            if here.size:
                parts.append(encoder.preprocess(frames.at_times(here)))
    sync_pixels = torch.cat(sync_parts) if sync_parts else torch.zeros(0)
    return torch.cat(clip_parts), sync_pixels


def _largest_side(*encoders: Any) -> int | None:
    sides: list[int] = []
    for encoder in encoders:
        side = getattr(encoder, "max_frame_side", None)
        if side is None:
            return None
        sides.append(int(side))
    return max(sides)


def adapter_inputs(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
    grid: int,
    *,
    device: torch.device | str = "cpu",
) -> AdapterInputs:
    """Align masks, masses and speeds with the physics frames of a window.

    Masks and speeds are taken nearest in time. Outside the span of a track (by more than half a
    step) the object is absent and its speed missing. An object without a mask track counts as
    occluded throughout.

    Args:
        objects: K objects.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames.
        grid: P, side of the patch grid.
        device: Of the result.
    """
    count, length = len(objects), times_s.size
    mask = np.zeros((1, count, length, grid, grid), dtype=np.float32)
    mass = np.full((1, count), np.nan, dtype=np.float32)
    speed = np.full((1, count, length), np.nan, dtype=np.float32)
    for index, entry in enumerate(objects):
        if entry.mass_kg is not None:
            mass[0, index] = entry.mass_kg
        speed[0, index] = speeds_at(entry, times_s)
        if entry.object_id in masks:
            mask[0, index] = _mask_grid(masks[entry.object_id], times_s, grid)
    return AdapterInputs(
        masks=torch.from_numpy(mask).to(device),
        mass_kg=torch.from_numpy(mass).to(device),
        speed_m_s=torch.from_numpy(speed).to(device),
        valid=torch.ones((1, count), dtype=torch.bool, device=device),
    )


def objects_within(
    objects: Sequence[ObjectPhysics],
    masks: Mapping[int, MaskTrack],
    times_s: NDArray[np.float64],
) -> tuple[ObjectPhysics, ...]:
    """Return the objects that exist in a window: of a long video it sees few.

    An object exists from the first to the last frame of its track and of its known speeds; one
    with neither is taken to be there all the time.

    Args:
        objects: Of the whole clip.
        masks: Mask tracks by object id.
        times_s: (L,), times of the physics frames of the window.
    """
    return tuple(entry for entry in objects if _exists(entry, masks.get(entry.object_id), times_s))


def _exists(entry: ObjectPhysics, track: MaskTrack | None, times_s: NDArray[np.float64]) -> bool:
    spans = [entry.speed_times_s[np.isfinite(entry.speed_m_s)]]
    if track is not None:
        spans.append(track.times_s)
    known = [span for span in spans if span.size]
    if not known or not times_s.size:
        return True
    return any(span[0] <= times_s[-1] and span[-1] >= times_s[0] for span in known)


def speeds_at(entry: ObjectPhysics, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an object's speed at ``times_s``, nearest in time, NaN where it is missing, (L,)."""
    index, inside = _nearest_inside(entry.speed_times_s, times_s)
    values = np.full(times_s.size, np.nan)
    values[inside] = entry.speed_m_s[index[inside]]
    return values


def _mask_grid(track: MaskTrack, times_s: NDArray[np.float64], grid: int) -> NDArray[np.float32]:
    index, inside = _nearest_inside(track.times_s, times_s)
    out = np.zeros((times_s.size, grid, grid), dtype=np.float32)
    if inside.any():
        needed, position = np.unique(index[inside], return_inverse=True)
        part = MaskTrack(
            object_id=track.object_id,
            masks=track.masks[needed],
            times_s=track.times_s[needed],
            scores=track.scores[needed],
        )
        out[inside] = part.grid(grid)[position]
    return out


def _nearest_inside(
    have_s: NDArray[np.float64], wanted_s: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Nearest entry for each time, and whether the time lies within the span of the entries."""
    if have_s.size == 0:
        return np.zeros(wanted_s.size, dtype=np.int64), np.zeros(wanted_s.size, dtype=np.bool_)
    # Half a step; a single entry holds for half a physics frame (8 per second).
    step = float(np.median(np.diff(have_s))) if have_s.size > 1 else 0.125
    margin = 0.5 * step + 1e-6
    inside = (wanted_s >= have_s[0] - margin) & (wanted_s <= have_s[-1] + margin)
    return nearest_index(have_s, wanted_s), inside
