"""Nodes that show what was estimated, as images."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from PIL import Image

from .clips import CATEGORY, CLIP_INPUTS, Physics, clip_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk import MaskTrack

__all__ = ["PavasPreviewCurves", "PavasPreviewMasks"]

_COLOURS = ((255, 159, 64), (76, 201, 240), (181, 229, 80), (255, 122, 184), (183, 155, 255))
_TINT = 0.45


class PavasPreviewMasks:
    """Tints each object in the frames, an outline around it."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("IMAGE",)
    FUNCTION: ClassVar = "draw"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {"required": {"physics": ("PAVAS_PHYSICS",)}, "optional": CLIP_INPUTS}

    def draw(
        self,
        physics: Physics,
        video: Any | None = None,
        images: Tensor | None = None,
        fps: float = 25.0,
    ) -> tuple[Tensor]:
        """Return the frames with masks, (T, H, W, 3); an object without a mask is left as it is.

        Raises:
            InputError: Neither or both of video and images are connected.
        """
        import torch

        drawn, times_s = clip_of(video, images, fps).frames()
        for index, entry in enumerate(physics.estimate):
            track = physics.masks.get(entry.object_id)
            if track is None:
                continue
            colour = np.array(_COLOURS[index % len(_COLOURS)], dtype=np.float32) / 255
            for k, time_s in enumerate(times_s):
                mask = _mask_at(track, time_s, drawn.shape[1:3])
                drawn[k][mask] += _TINT * (colour - drawn[k][mask])
                drawn[k][_edge(mask)] = colour
        return (torch.from_numpy(drawn),)


class PavasPreviewCurves:
    """Draws speed over time with the impacts; needs matplotlib (``pavas-comfyui[plot]``)."""

    CATEGORY: ClassVar = CATEGORY
    RETURN_TYPES: ClassVar = ("IMAGE",)
    FUNCTION: ClassVar = "draw"

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802  # ComfyUI's name
        """Return what the node takes."""
        return {"required": {"physics": ("PAVAS_PHYSICS",)}}

    def draw(self, physics: Physics) -> tuple[Tensor]:
        """Return one picture, (1, H, W, 3).

        Raises:
            ConfigurationError: matplotlib is not installed.
        """
        import torch

        stream = io.BytesIO()
        physics.estimate.plot().savefig(stream, format="png", dpi=120)
        picture = np.asarray(Image.open(stream).convert("RGB"), dtype=np.float32) / 255
        return (torch.from_numpy(picture.copy())[None],)


def _mask_at(track: MaskTrack, time_s: float, size: tuple[int, ...]) -> NDArray[np.bool_]:
    """The mask shown at a time, as large as the frames."""
    # a frame's time may be rounded: half a millisecond later it is surely shown
    index = max(0, int(np.searchsorted(track.times_s, time_s + 5e-4, side="right")) - 1)
    mask = track.masks[index]
    if mask.shape == tuple(size):
        return np.asarray(mask)
    resized = Image.fromarray(mask).resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(resized)


def _edge(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels of the mask that touch what is outside of it."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return mask & ~inner
