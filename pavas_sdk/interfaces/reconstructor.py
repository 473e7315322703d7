"""Reconstructor: metric geometry (PAVAS Sec. 3.3, step 4)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject, Reconstruction, Video

__all__ = ["Reconstructor", "from_function"]


class Reconstructor(Component):
    """Gives every pixel a point in one world frame, in metres where it can."""

    kind: ClassVar[str] = "reconstructor"

    @abstractmethod
    def reconstruct(
        self,
        video: FrameSource,
        *,
        objects: Sequence[MovingObject] = (),
        masks: Mapping[int, MaskTrack] | None = None,
        rng: np.random.Generator,
    ) -> Reconstruction:
        """Return points for (a subset of) the video's frames.

        Args:
            video: The clip.
            objects: The moving objects, for reconstructors that use them (sizes by label).
            masks: Their masks, for reconstructors that use them (free flight gives the scale).
                With masks given, the reconstruction has the masks' times.
            rng: The only source of randomness.
        """


class _FunctionReconstructor(Reconstructor):
    """A plain function as a reconstructor."""

    def __init__(self, function: Callable[[Video], Reconstruction]) -> None:
        super().__init__()
        self._function = function
        self.name = getattr(function, "__name__", "function")

    def reconstruct(
        self,
        video: FrameSource,
        *,
        objects: Sequence[MovingObject] = (),
        masks: Mapping[int, MaskTrack] | None = None,
        rng: np.random.Generator,
    ) -> Reconstruction:
        """Call the function with the frames at the masks' times, or with all frames."""
        del objects, rng
        track = next(iter((masks or {}).values()), None)
        return self._function(video.read() if track is None else video.frames_at(track.times_s))


def from_function(function: Callable[[Video], Reconstruction]) -> Reconstructor:
    """Make a reconstructor of a function from frames (`Video`) to a `Reconstruction` of them.

    Example:
        >>> reconstructor = from_function(my_depth_model)
    """
    return _FunctionReconstructor(function)
