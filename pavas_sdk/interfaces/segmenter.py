"""Segmenter: where each object is (PAVAS Sec. 3.3, step 3)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject, Video

    MaskFunction = Callable[[Video, MovingObject], NDArray[np.bool_] | None]

__all__ = ["Segmenter", "from_function"]


class Segmenter(Component):
    """Masks each object through time."""

    kind: ClassVar[str] = "segmenter"

    @abstractmethod
    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Return a mask track per object id.

        A missing id means "not localised"; an id that was not asked for breaks the contract. All
        tracks share times and size; the size may be smaller than the video's (same aspect).

        Args:
            video: The clip.
            objects: What to look for.
            rng: The only source of randomness.
        """


class _FunctionSegmenter(Segmenter):
    """A plain function as a segmenter."""

    def __init__(self, function: MaskFunction) -> None:
        super().__init__()
        self._function = function
        self.name = getattr(function, "__name__", "function")

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Read the video once and call the function for each object; None means "not found"."""
        import numpy as np

        from pavas_sdk.data import MaskTrack

        del rng
        frames = video.read()
        tracks = {}
        for entry in objects:
            masks = self._function(frames, entry)
            if masks is not None:
                tracks[entry.object_id] = MaskTrack(
                    object_id=entry.object_id,
                    masks=masks,
                    times_s=frames.times_s,
                    scores=np.full(frames.times_s.size, np.nan, dtype=np.float32),
                )
        return tracks


def from_function(function: MaskFunction) -> Segmenter:
    """Make a segmenter of a function from frames (`Video`) and an object to masks, bool (T, H, W).

    The masks are those of all frames; None means "not found".

    Example:
        >>> segmenter = from_function(lambda clip, thing: clip.frames[..., 0] > 200)
    """
    return _FunctionSegmenter(function)
