"""Video and sound as ImageBind gets them in the public evaluation code. No network is here.

ImageBind's own weights and code are for non-commercial use; this is for whoever wraps them. Facts of
that code: one frame every 2 s from the first on, shorter side 224, three square crops, neighbouring
frames in pairs; sound of the whole file, in three pieces of 2 s.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.errors import InputError
from pavas_sdk.models.frame_pixels import resize_8bit
from pavas_sdk.models.listening.imagebind_sound import imagebind_pictures
from pavas_sdk.models.listening.sound import resample

if TYPE_CHECKING:
    from torch import Tensor

    from pavas_sdk.data import Audio, FrameSource

__all__ = ["imagebind_sound_input", "imagebind_video_input"]

_RATE_HZ = 16000
_FRAME_RATE_HZ = 0.5
_SIDE = 224
# per channel of RGB, as CLIP has them
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)


def imagebind_sound_input(audio: Audio) -> Tensor:
    """Return the log-mel pictures of a whole sound, (3, 1, 128, 204).

    Raises:
        InputError: Less than 2 s.
    """
    samples = torch.from_numpy(audio.samples.copy())
    return imagebind_pictures(resample(samples, audio.sample_rate_hz, _RATE_HZ))


def imagebind_video_input(video: FrameSource, length_s: float | None = None) -> Tensor:
    """Return crops of neighbouring frames, (3 (frames - 1), 3, 2, 224, 224), scaled as CLIP does.

    Args:
        video: The clip.
        length_s: Longer video is cut here, seconds.

    Raises:
        InputError: Less than 4 s: there are no two frames.
    """
    duration_s = video.duration_s if length_s is None else min(length_s, video.duration_s)
    count = int(_FRAME_RATE_HZ * duration_s + 1e-6)
    if count < 2:
        raise InputError(f"ImageBind sees a frame every 2 s, the video has {duration_s:.2f} s")
    seen = video.frames_at(np.arange(count) / _FRAME_RATE_HZ)
    pictures = torch.tensor(seen.frames).permute(0, 3, 1, 2).contiguous()
    shorter = min(seen.height, seen.width)
    height = _SIDE if seen.height == shorter else int(_SIDE * seen.height / seen.width)
    width = _SIDE if seen.width == shorter else int(_SIDE * seen.width / seen.height)
    pixels = resize_8bit(pictures, height, width).float() / 255.0
    mean, std = (torch.tensor(values)[:, None, None] for values in (_MEAN, _STD))
    pixels = (pixels - mean) / std
    spare_y, spare_x = height - _SIDE, width - _SIDE
    corners = [
        (math.ceil(share * spare_y), math.ceil(share * spare_x)) for share in (0.0, 0.5, 1.0)
    ]
    pairs = [pixels[index : index + 2].transpose(0, 1) for index in range(count - 1)]
    return torch.stack(
        [pair[..., y : y + _SIDE, x : x + _SIDE] for pair in pairs for y, x in corners]
    )
