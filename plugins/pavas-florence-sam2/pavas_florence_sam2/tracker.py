"""What an engine of SAM-2 does: follow prompted objects through the frames of one window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pavas_florence_sam2.boxes import Box

__all__ = ["Prompt", "Seen", "Tracker"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prompt:
    """Where an object is on one frame: a box or a mask.

    Attributes:
        object_id: Which object.
        frame: Index of the frame in the window.
        box: (x0, y0, x1, y1) as fractions of width and height, or None.
        mask: bool, (h, w), of any size, or None.
    """

    object_id: int
    frame: int
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """An object on one frame.

    Attributes:
        mask: bool, (h, w), of the size that was asked for; empty where the object is not seen.
        score: Probability that the object is there, in [0, 1].
    """

    mask: NDArray[np.bool_]
    score: float


class Tracker(Protocol):
    """Follows objects through a window of frames, forwards."""

    @property
    def image_side(self) -> int:
        """Side in pixels of the square picture that the model sees."""

    def track(
        self,
        frames: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        first: int,
        size: tuple[int, int],
    ) -> Iterator[tuple[int, Mapping[int, Seen]]]:
        """Yield each frame from ``first`` on with what is seen of each object.

        An object appears from its earliest prompt on. The answer about an object does not depend on
        the other objects.

        Args:
            frames: uint8, (N, H, W, 3). Those before ``first`` only carry prompts.
            prompts: At least one per object, on any frame.
            first: The first frame to answer about.
            size: Height and width of the masks.
        """
