"""How one object moves: along its smooth path, and by its raw centres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pavas_tiny.flight import smooth_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_tiny.flight import Piece
    from pavas_tiny.shape import Shape

__all__ = ["SeenObject", "SmoothMotion", "line_velocity", "smooth_motion"]

_NEAR_S = 0.25

SmoothMotion: TypeAlias = "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeenObject:
    """What is known of one object.

    Attributes:
        object_id: Its id.
        times_s: (T,) times of its masks.
        masks: bool, (T, H, W).
        shape: Of its masks.
        centres: (T, 2) px, NaN where unseen.
        pieces: Of its path.
        free: Those in which it is whole in the picture: they may be flight.
    """

    object_id: int
    times_s: NDArray[np.float64]
    masks: NDArray[np.bool_]
    shape: Shape
    centres: NDArray[np.float64]
    pieces: Sequence[Piece]
    free: Sequence[Piece]

    def apart_px(self, point: tuple[float, float], time_s: float) -> float:
        """Return how far a point is from the mask nearest in time, px; infinite beyond a quarter second.

        Args:
            point: x and y in pixels of the masks.
            time_s: When.
        """
        frames = np.flatnonzero(
            (np.abs(self.times_s - time_s) <= _NEAR_S) & self.masks.any(axis=(1, 2))
        )
        if frames.size == 0:
            return float("inf")
        frame = frames[np.argmin(np.abs(self.times_s[frames] - time_s))]
        rows, columns = np.nonzero(self.masks[frame])
        return float(np.hypot(columns - point[0], rows - point[1]).min())


def smooth_motion(entry: SeenObject, m_per_px: float, time_scale: float) -> SmoothMotion:
    """Times (T - 1,), speeds (T - 1,) and velocities (T - 1, 3) along the smooth path, m/s."""
    times = entry.times_s
    path = smooth_path(times, entry.centres, list(entry.pieces)) * m_per_px
    velocity = np.zeros((times.size - 1, 3))
    velocity[:, :2] = np.diff(path, axis=0) / (np.diff(times) / time_scale)[:, None]
    return 0.5 * (times[1:] + times[:-1]), np.linalg.norm(velocity, axis=1), velocity


def line_velocity(entry: SeenObject, start_s: float, end_s: float) -> NDArray[np.float64] | None:
    """Slope of the line through the centres of a stretch, px/s; None for fewer than two."""
    times = entry.times_s
    inside = (times >= start_s) & (times <= end_s) & np.isfinite(entry.centres).all(axis=1)
    if inside.sum() < 2:
        return None
    offsets = times[inside] - times[inside].mean()
    places = entry.centres[inside] - entry.centres[inside].mean(axis=0)
    return np.asarray(offsets @ places / (offsets @ offsets))
