"""What a visual encoder returns for the frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["VisualFeatures"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisualFeatures:
    """Features of T frames.

    Attributes:
        pooled: One vector per frame, (T, D).
        patches: One vector per cell of a P x P grid that spans the whole picture, (T, P, P, Dp):
            row 0 is the top, column 0 the left. V^l of PAVAS Eq. 4.
    """

    pooled: Tensor
    patches: Tensor
