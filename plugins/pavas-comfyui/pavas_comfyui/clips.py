"""What a node is given as video: ComfyUI's VIDEO, or IMAGE frames with their rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk import MaskTrack, PhysicsEstimate

__all__ = ["CATEGORY", "CLIP_INPUTS", "Clip", "Physics", "clip_of"]

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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clip:
    """What a node was given to look at, as the SDK takes it.

    Attributes:
        video: A file's path, or frames (T, H, W, 3), float in [0, 1].
        fps: Frames per second of frames; None for a file, which has its own clock.
    """

    video: str | Tensor
    fps: float | None

    def frames(self) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """Return every frame, (T, H, W, 3) in [0, 1], and when each is shown, (T,) seconds."""
        if isinstance(self.video, str):
            from pavas_sdk import read_video

            shown = read_video(self.video)
            return np.divide(shown.frames, 255, dtype=np.float32), shown.times_s
        assert self.fps is not None
        frames = self.video.cpu().numpy().astype(np.float32, copy=True)
        return frames, np.arange(len(frames)) / self.fps


def clip_of(video: Any | None, images: Tensor | None, fps: float) -> Clip:
    """Return what is connected.

    A file that is shown whole is read from the file, as ``pavas generate`` reads it: upright, with
    each frame at its own time. ComfyUI's frames of it have one average rate and, in some versions,
    lie on their side. A video that was trimmed, cropped or made of frames is taken as it is shown.

    Args:
        video: ComfyUI's VIDEO.
        images: ComfyUI's IMAGE, (T, H, W, 3) or with alpha.
        fps: Of ``images``.

    Raises:
        InputError: None or both are given.
    """
    if (video is None) == (images is None):
        raise InputError("connect either video, or images with their fps")
    if video is not None:
        path = _path_of_whole(video)
        if path is not None:
            return Clip(video=path, fps=None)
        shown = video.get_components()
        images, fps = shown.images, float(shown.frame_rate)
    assert images is not None
    return Clip(video=images[..., :3].clamp(0.0, 1.0), fps=fps)


def _path_of_whole(video: Any) -> str | None:
    """The path of ComfyUI's own file video, unless it shows only a part of it."""
    kind = type(video)
    # other people's classes name a file, too, and may show something else
    if kind.__name__ != "VideoFromFile" or not hasattr(video, "get_stream_source"):
        return None
    path = video.get_stream_source()
    if not isinstance(path, str):
        return None
    whole = kind(path)
    if (video.get_duration(), video.get_dimensions()) != (
        whole.get_duration(),
        whole.get_dimensions(),
    ):
        return None
    return path
