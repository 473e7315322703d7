"""MovingObjectDetector: what moves in a video (PAVAS Sec. 3.3, step 1)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MovingObject

__all__ = ["MovingObjectDetector", "from_function"]


class MovingObjectDetector(Component):
    """Finds the objects that really move; motion caused by the camera is excluded."""

    kind: ClassVar[str] = "moving_object_detector"

    @abstractmethod
    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        """Return the moving objects, with unique ids; an empty list is a valid answer.

        Args:
            video: The clip; read what is needed, at the size that is needed.
            prompt: What the user says about the clip; may be empty, may be ignored.
            rng: The only source of randomness.
        """


class _FunctionDetector(MovingObjectDetector):
    """A plain function as a detector."""

    def __init__(self, function: Callable[[FrameSource], Sequence[MovingObject | str]]) -> None:
        super().__init__()
        self._function = function
        self.name = getattr(function, "__name__", "function")

    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        """Call the function; plain labels become objects, numbered in order."""
        from pavas_sdk.data import MovingObject

        del prompt, rng
        return [
            MovingObject(object_id=index, label=thing) if isinstance(thing, str) else thing
            for index, thing in enumerate(self._function(video))
        ]


def from_function(
    function: Callable[[FrameSource], Sequence[MovingObject | str]],
) -> MovingObjectDetector:
    """Make a detector of a function from a video to objects, or to their labels.

    Example:
        >>> detector = from_function(lambda video: ["hammer", "nail"])
    """
    return _FunctionDetector(function)
