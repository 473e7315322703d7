"""What a node is given as video: ComfyUI's VIDEO, or IMAGE frames with their rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pavas_sdk import MaskTrack, PhysicsEstimate

__all__ = ["CATEGORY", "CLIP_INPUTS", "Physics", "clip_of"]

CATEGORY = "audio/PAVAS"
CLIP_INPUTS: dict[str, Any] = {
    "video": ("VIDEO", {"tooltip": "A video; its own frame rate is used."}),
    "images": ("IMAGE", {"tooltip": "Or frames, with their rate."}),
    "fps": (
        "FLOAT",
        {
            "default": 25.0,
            "min": 0.1,
            "max": 1000.0,
            "step": 0.001,
            "tooltip": "Frames per second of the images; not used for a video.",
        },
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Physics:
    """What goes from node to node as PAVAS_PHYSICS.

    Attributes:
        estimate: Objects, masses, speeds, impacts.
        masks: By object id; empty where none are known.
    """

    estimate: PhysicsEstimate
    masks: Mapping[int, MaskTrack]


def clip_of(video: Any | None, images: Tensor | None, fps: float) -> tuple[Tensor, float]:
    """Return frames (T, H, W, 3), float in [0, 1], and frames per second.

    Args:
        video: ComfyUI's VIDEO; trimmed and cropped ones are taken as they are shown.
        images: ComfyUI's IMAGE, (T, H, W, 3) or with alpha.
        fps: Of ``images``.

    Raises:
        InputError: None or both are given.
    """
    if (video is None) == (images is None):
        raise InputError("connect either video, or images with their fps")
    if video is not None:
        shown = video.get_components()
        images, fps = shown.images, float(shown.frame_rate)
    assert images is not None
    return images[..., :3].clamp(0.0, 1.0), fps
