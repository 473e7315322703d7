"""Segmenter: where each object is (PAVAS Sec. 3.3, step 3)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject

__all__ = ["Segmenter"]


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
