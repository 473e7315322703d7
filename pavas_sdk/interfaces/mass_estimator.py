"""MassEstimator: how heavy each object is (PAVAS Sec. 3.3, step 2)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MaskTrack, MassEstimate, MovingObject, Reconstruction

__all__ = ["MassEstimator", "from_function"]


class MassEstimator(Component):
    """Gives one time-invariant mass per object."""

    kind: ClassVar[str] = "mass_estimator"

    @abstractmethod
    def estimate_mass(
        self,
        video: FrameSource,
        objects: Sequence[MovingObject],
        *,
        masks: Mapping[int, MaskTrack] | None = None,
        reconstruction: Reconstruction | None = None,
        rng: np.random.Generator,
    ) -> Mapping[int, MassEstimate]:
        """Return a mass per object id; a missing id means "could not".

        Args:
            video: The clip.
            objects: The moving objects.
            masks: Their masks, when a segmenter gave them (size priors use them).
            reconstruction: Metric points, when a reconstructor gave them.
            rng: The only source of randomness.
        """


class _FunctionMassEstimator(MassEstimator):
    """A plain function as a mass estimator."""

    def __init__(self, function: Callable[[MovingObject], float | None]) -> None:
        super().__init__()
        self._function = function
        self.name = getattr(function, "__name__", "function")

    def estimate_mass(
        self,
        video: FrameSource,
        objects: Sequence[MovingObject],
        *,
        masks: Mapping[int, MaskTrack] | None = None,
        reconstruction: Reconstruction | None = None,
        rng: np.random.Generator,
    ) -> Mapping[int, MassEstimate]:
        """Call the function once per object; None means "could not"."""
        from pavas_sdk.data import MassEstimate

        del video, masks, reconstruction, rng
        answers = {entry.object_id: self._function(entry) for entry in objects}
        return {
            object_id: MassEstimate(object_id=object_id, mass_kg=mass_kg, source=self.name)
            for object_id, mass_kg in answers.items()
            if mass_kg is not None
        }


def from_function(function: Callable[[MovingObject], float | None]) -> MassEstimator:
    """Make a mass estimator of a function from an object to kilograms (None: could not).

    Example:
        >>> estimator = from_function(lambda thing: {"hammer": 0.6}.get(thing.label))
    """
    return _FunctionMassEstimator(function)
