"""What stands in for pictures that are not there: text alone, or a single still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.features import VideoFeatures
from pavas_sdk.pipelines.offload import onload

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from pavas_sdk.data import FrameSource
    from pavas_sdk.models import SequenceConfig
    from pavas_sdk.pipelines.windows import Window

__all__ = ["NoVideo", "still_features", "text_features"]


class NoVideo:
    """A frame source without frames: it only lasts.

    Args:
        duration_s: Seconds.
    """

    source: str | None = None
    frame_rate_hz = 0.0
    height = 0
    width = 0
    time_scale = 1.0

    def __init__(self, duration_s: float) -> None:
        self.duration_s = duration_s

    def read(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse.

        Raises:
            InputError: Always.
        """
        raise InputError("there is no video to read: this sound is made from text alone")

    frames_at = read


def text_features(
    transformer: Any,
    clip: Any,
    sync_encoder: Any,
    sequence: SequenceConfig,
    window: Window,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Return the backbone's learned tokens for "no video", as many as a video would have.

    Args:
        transformer: Backbone.
        clip: Visual encoder, for its frame times.
        sync_encoder: Synchronisation encoder, for its number of features.
        sequence: The pipeline's rates.
        window: Which part of the sound.
        device: Of the result.
    """
    times = _times(clip, window)
    pooled = transformer.empty_clip(1, times.size).to(device)
    return VideoFeatures(
        pooled=pooled,
        patches=pooled.new_zeros((1, times.size, 1, 1, 0)),
        sync=_empty_sync(transformer, sync_encoder, sequence, window).to(device),
        times_s=times,
    )


def still_features(
    transformer: Any,
    clip: Any,
    sync_encoder: Any,
    sequence: SequenceConfig,
    source: FrameSource,
    window: Window,
    *,
    device: torch.device | str = "cpu",
) -> VideoFeatures:
    """Return the features of one picture at every visual frame; nothing to synchronise with.

    Args:
        transformer: Backbone.
        clip: Visual encoder; sees the picture once.
        sync_encoder: Synchronisation encoder, for its number of features.
        sequence: The pipeline's rates.
        source: The picture.
        window: Which part of the sound.
        device: Where the encoder runs.
    """
    times = _times(clip, window)
    picture = source.frames_at(
        np.asarray([window.start_s]), max_side=getattr(clip, "max_frame_side", None)
    )
    pixels = clip.preprocess(picture).to(device=device, dtype=clip.dtype)
    onload(clip)
    visual = clip.encode_image(pixels)
    return VideoFeatures(
        pooled=visual.pooled.expand(times.size, -1)[None],
        patches=visual.patches.expand(times.size, -1, -1, -1)[None],
        sync=_empty_sync(transformer, sync_encoder, sequence, window).to(device),
        times_s=times,
    )


def _times(clip: Any, window: Window) -> Any:
    times = np.asarray(clip.frame_times_s(window.duration_s), dtype=np.float64)
    return times + window.start_s


def _empty_sync(
    transformer: Any, sync_encoder: Any, sequence: SequenceConfig, window: Window
) -> Tensor:
    count = getattr(sync_encoder, "feature_count", None)
    length = (
        sequence.sync_length(window.duration_s)
        if count is None
        else count(len(sync_encoder.frame_times_s(window.duration_s)))
    )
    empty: Tensor = transformer.empty_sync(1, length)
    return empty
