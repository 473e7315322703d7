"""Reconstructor: metric geometry (PAVAS Sec. 3.3, step 4)."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pavas_sdk.interfaces.component import Component

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from pavas_sdk.data import FrameSource, MaskTrack, MovingObject, Reconstruction

__all__ = ["Reconstructor"]


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
