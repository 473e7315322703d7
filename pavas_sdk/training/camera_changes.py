"""A clip as another camera would have taken it, and where things are in the changed picture.

Recorded clips differ from simulated ones in size, tilt, shake, sharpness and noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["CameraChange", "blurred_and_noisy", "draw_camera_change"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CameraChange:
    """Where each part of the changed picture is taken from.

    Positions are -1 to 1 from the left to the right edge and from the upper to the lower one: what
    the changed picture shows at p was at ``matrix @ p + shift`` of its frame.

    Attributes:
        matrix: (2, 2).
        shift: (T, 2).
    """

    matrix: NDArray[np.float64]
    shift: NDArray[np.float64]

    def of_pictures(self, pictures: Tensor) -> Tensor:
        """Return changed pictures, (T, C, H, W) to the same; beyond the edge they are mirrored."""
        return self._seen(pictures, "reflection")

    def of_masks(self, masks: Tensor) -> Tensor:
        """Return changed masks, (T, K, h, w) to the same; beyond the edge there is nothing."""
        return self._seen(masks, "zeros")

    def of_place(self, place: tuple[float, float], frame: int) -> tuple[float, float]:
        """Return where a place of a frame lies in the changed one, in shares of width and height."""
        before = 2.0 * np.asarray(place, dtype=np.float64) - 1.0
        across, down = np.linalg.inv(self.matrix) @ (before - self.shift[frame])
        return float(across + 1.0) / 2.0, float(down + 1.0) / 2.0

    def _seen(self, pictures: Tensor, padding: str) -> Tensor:
        count, _, height, width = pictures.shape
        rows = torch.empty(count, 2, 3)
        rows[:, :, :2] = torch.from_numpy(self.matrix).float()
        rows[:, :, 2] = torch.from_numpy(self.shift).float()
        grid = F.affine_grid(
            rows.to(pictures.device), [count, 1, height, width], align_corners=False
        )
        return F.grid_sample(pictures, grid, padding_mode=padding, align_corners=False)


def draw_camera_change(frames: int, rng: np.random.Generator) -> CameraChange:
    """Return a camera that is mirrored, tilted, nearer or farther; in one clip of three it shakes.

    Args:
        frames: T.
        rng: Draws the change.
    """
    angle = float(rng.normal(0.0, 0.1))
    zoom = float(np.exp(rng.uniform(-0.5, 0.25)))  # below 1: nearer
    stretch = float(np.exp(rng.normal(0.0, 0.12)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    shift = rng.uniform(-1, 1, 2) * max(0.0, 1.0 - zoom) + rng.normal(0.0, 0.05, 2)
    shake = np.zeros((frames, 2))
    if rng.random() < 1 / 3:
        steps = rng.normal(0.0, rng.uniform(0.0, 0.012), (frames, 2))
        for frame in range(1, frames):
            shake[frame] = 0.85 * shake[frame - 1] + steps[frame]
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    matrix = np.array([[mirror * cos * stretch, -sin], [mirror * sin, cos / stretch]])
    return CameraChange(matrix=matrix, shift=shift + shake)


def blurred_and_noisy(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Return pictures dark for light (a fifth of the clips), blurred (three in ten), and noisy.

    Args:
        pictures: Brightness (T, H, W) in [0, 1], of one clip.
        rng: Draws the changes.
    """
    if rng.random() < 0.2:
        pictures = 1.0 - pictures
    if rng.random() < 0.3:
        pictures = F.avg_pool2d(pictures[:, None], 3, stride=1, padding=1, count_include_pad=False)[
            :, 0
        ]
    level = float(rng.uniform(0.0, 0.02))
    noise = torch.from_numpy(rng.standard_normal(tuple(pictures.shape), dtype=np.float32))
    return (pictures + level * noise.to(pictures.device)).clamp(0.0, 1.0)
