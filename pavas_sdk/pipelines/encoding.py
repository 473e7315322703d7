"""What the encoders see of one window: pictures, one still picture, or none at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data.frames import facts_of
from pavas_sdk.pipelines.components import onload

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.data import FrameSource
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.pipelines.components import Backbone, SyncEncoder, VisualTextEncoder
    from pavas_sdk.pipelines.windows import LatentWindow

__all__ = [
    "VideoFeatures",
    "WindowCondition",
    "encode_still",
    "encode_window",
    "features_without_video",
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

    window: LatentWindow
    pooled: Tensor
    sync: Tensor
    times_s: NDArray[np.float64]
    state: AdapterState | None


def encode_window(
    clip: VisualTextEncoder,
    sync_encoder: SyncEncoder,
    source: FrameSource,
    window: LatentWindow,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Encode one window of a video with both encoders.

    The pictures are decoded once, a second or so at a time: a window never lies in memory whole
    at full size.

    Args:
        clip: Visual encoder.
        sync_encoder: Synchronisation encoder.
        source: The video.
        window: Which part.
        device: Where the encoders run.
    """
    clip_times = clip.frame_times_s(window.duration_s) + window.start_s
    sync_times = sync_encoder.frame_times_s(window.duration_s) + window.start_s
    clip_pixels, sync_pixels = _read_pixels(clip, sync_encoder, source, clip_times, sync_times)
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


def encode_still(
    transformer: Backbone,
    clip: VisualTextEncoder,
    sync_encoder: SyncEncoder,
    source: FrameSource,
    window: LatentWindow,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Return the features of one picture at every visual frame; nothing to synchronise with.

    Args:
        transformer: Backbone, for its learned tokens.
        clip: Visual encoder; sees the picture once.
        sync_encoder: Synchronisation encoder, for its number of features.
        source: The picture.
        window: Which part of the sound.
        device: Where the encoder runs.
    """
    times = clip.frame_times_s(window.duration_s) + window.start_s
    picture = source.frames_at(np.asarray([window.start_s]), max_side=clip.max_frame_side)
    pixels = clip.preprocess(picture).to(device=device, dtype=clip.dtype)
    onload(clip)
    visual = clip.encode_image(pixels)
    return VideoFeatures(
        pooled=visual.pooled.expand(times.size, -1)[None],
        patches=visual.patches.expand(times.size, -1, -1, -1)[None],
        sync=_empty_sync(transformer, sync_encoder, window).to(device),
        times_s=times,
    )


def features_without_video(
    transformer: Backbone,
    clip: VisualTextEncoder,
    sync_encoder: SyncEncoder,
    window: LatentWindow,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Return the backbone's learned tokens for "no video", as many as a video would have.

    Args:
        transformer: Backbone.
        clip: Visual encoder, for its frame times.
        sync_encoder: Synchronisation encoder, for its number of features.
        window: Which part of the sound.
        device: Of the result.
    """
    times = clip.frame_times_s(window.duration_s) + window.start_s
    pooled = transformer.empty_clip(1, times.size).to(device)
    return VideoFeatures(
        pooled=pooled,
        patches=pooled.new_zeros((1, times.size, 1, 1, 0)),
        sync=_empty_sync(transformer, sync_encoder, window).to(device),
        times_s=times,
    )


def _empty_sync(transformer: Backbone, sync_encoder: SyncEncoder, window: LatentWindow) -> Tensor:
    frames = len(sync_encoder.frame_times_s(window.duration_s))
    return transformer.empty_sync(1, sync_encoder.feature_count(frames))


def _read_pixels(
    clip: VisualTextEncoder,
    sync_encoder: SyncEncoder,
    source: FrameSource,
    clip_times: NDArray[np.float64],
    sync_times: NDArray[np.float64],
) -> tuple[Tensor, Tensor]:
    """Return the preprocessed frames of both encoders, read in one pass."""
    clip_shown, clip_place = _shown(source, clip_times, clip)
    sync_shown, sync_place = _shown(source, sync_times, sync_encoder)
    times = np.union1d(clip_shown, sync_shown)
    max_side = _largest_side(clip.max_frame_side, sync_encoder.max_frame_side)
    shrink = 1.0 if max_side is None else min(1.0, max_side / max(source.height, source.width))
    per_chunk = max(1, int(_CHUNK_BYTES / (source.height * source.width * 3 * shrink**2)))
    clip_parts: list[Tensor] = []
    sync_parts: list[Tensor] = []
    for first in range(0, times.size, per_chunk):
        chunk = times[first : first + per_chunk]
        frames = source.frames_at(chunk, max_side=max_side)
        for encoder, wanted, parts in (
            (clip, clip_shown, clip_parts),
            (sync_encoder, sync_shown, sync_parts),
        ):
            here = wanted[(wanted >= chunk[0]) & (wanted <= chunk[-1])]
            if here.size:
                parts.append(encoder.preprocess(frames.at_times(here)))
    clip_pixels = torch.cat(clip_parts)[clip_place]
    sync_pixels = torch.cat(sync_parts)[sync_place] if sync_parts else torch.zeros(0)
    return clip_pixels, sync_pixels


def _shown(
    source: FrameSource, times_s: NDArray[np.float64], encoder: VisualTextEncoder | SyncEncoder
) -> tuple[NDArray[np.float64], Tensor | slice]:
    """Return the increasing times of the frames to read, and which of them each time shows.

    The reference's clock may show one frame several times.
    """
    if not times_s.size:
        return times_s, slice(None)
    shown = facts_of(source).shown_times_s(times_s, encoder.config["frame_rate_hz"])
    if (np.diff(shown) > 0).all():
        return shown, slice(None)
    read, place = np.unique(shown, return_inverse=True)
    return read, torch.from_numpy(place)


def _largest_side(*sides: int | None) -> int | None:
    known = [side for side in sides if side is not None]
    return max(known) if len(known) == len(sides) else None
