"""The shape and size of a mask: round, long or neither, and how big in pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Shape", "measure_shape", "touches_edge"]

_MAX_FRAMES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Of an object, over its frames.

    Attributes:
        kind: "ball", "stick" or "object".
        major_px: Half length of the long axis.
        minor_px: Half length of the short axis.
        elongation: major / minor.
        area_px: Median area.
        whole: Share of frames in which the mask does not touch the border.
    """

    kind: str
    major_px: float
    minor_px: float
    elongation: float
    area_px: float
    whole: float

    @property
    def half_size_px(self) -> float:
        """Radius of a ball, half length of a stick, about the smaller half side of others.

        A ball's area is its surest measure; a mask that is neither round nor long is often a ball
        with a bit of something else.
        """
        if self.kind == "ball":
            return float(np.sqrt(self.area_px / np.pi))
        return self.major_px if self.kind == "stick" else 1.05 * self.minor_px

    @property
    def log_volume_px(self) -> float:
        """Ln of the volume in cubic pixels.

        A ball's, or that of a stick 13 times as long as thick: the thickness of a thin mask is
        mostly blur.
        """
        factor = 2.0 * np.pi * 0.075**2 if self.kind == "stick" else 4.0 / 3.0 * np.pi
        return float(np.log(factor) + 3.0 * np.log(self.half_size_px))


def measure_shape(masks: NDArray[np.bool_]) -> Shape | None:
    """Measure a mask track, (T, H, W); None when it is empty.

    Axes come from second moments: an ellipse of half axes a, b has variances a^2/4, b^2/4 and
    half a pixel is not taken off, because masks are about as wide as what they show. The median
    over frames is robust against occlusion and merging; motion blur stretches a mask, so frames
    are weighted towards the less stretched half.
    """
    seen = np.flatnonzero(masks.any(axis=(1, 2)))
    if seen.size == 0:
        return None
    if seen.size > _MAX_FRAMES:
        seen = seen[np.linspace(0, seen.size - 1, _MAX_FRAMES).round().astype(int)]
    inner = seen[~touches_edge(masks[seen])]
    chosen = np.asarray(inner if len(inner) >= 3 else seen)
    axes = np.array([_axes(masks[t]) for t in chosen])
    area = float(np.median(masks[chosen].sum(axis=(1, 2))))
    ratio = axes[:, 0] / axes[:, 1]
    calm = axes[ratio <= np.median(ratio) + 1e-9]
    major, minor = np.median(calm, axis=0)
    elongation = float(np.median(ratio))
    kind = "ball" if elongation < 1.35 else "stick" if elongation > 2.4 else "object"
    return Shape(
        kind=kind,
        major_px=float(major),
        minor_px=float(minor),
        elongation=elongation,
        area_px=area,
        whole=len(inner) / seen.size,
    )


def touches_edge(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether each mask of (T, H, W) touches the picture's edge, (T,)."""
    rows = masks[:, [0, -1]].any(axis=(1, 2))
    return np.asarray(rows | masks[:, :, [0, -1]].any(axis=(1, 2)))


def _axes(mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    if rows.size < 3:
        return 1.0, 1.0
    x, y = columns - columns.mean(), rows - rows.mean()
    xx, yy, xy = (x * x).mean(), (y * y).mean(), (x * y).mean()
    middle, spread = (xx + yy) / 2, float(np.hypot((xx - yy) / 2, xy))
    return 2.0 * float(np.sqrt(middle + spread)), 2.0 * float(np.sqrt(max(middle - spread, 0.06)))
