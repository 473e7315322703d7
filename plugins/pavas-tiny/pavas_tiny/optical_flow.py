"""Dense optical flow between neighbouring frames, without what the camera does.

DIS flow (Kroeger et al., "Fast Optical Flow using Dense Inverse Search", ECCV 2016) as OpenCV has it.
The camera's part is one similarity per pair, fitted robustly to the flow itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FlowField"]

_LEAST_SIDE = 32  # DIS needs room for its pyramid: smaller pictures are reflected at their edge
_CELLS = 16  # grid cells along the shorter side, from which the camera's part is fitted
_ROUNDS = 4


class FlowField:
    """Flow between pictures of one size.

    Args:
        size: (height, width) of the pictures.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        import cv2  # takes a tenth of a second, and not every use of the plugin needs it

        self._cv2 = cv2
        self._size = size
        self._dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        height, width = size
        self._padding = (max(0, _LEAST_SIDE - height), max(0, _LEAST_SIDE - width))
        y, x = (np.arange(n, dtype=np.float32) for n in size)
        unit = 0.5 * min(size)
        self._x, self._y = (x - (width - 1) / 2) / unit, (y - (height - 1) / 2) / unit
        step = max(1, min(size) // _CELLS)
        self._rows, self._columns = slice(step // 2, None, step), slice(step // 2, None, step)
        grid_y, grid_x = np.meshgrid(self._y[self._rows], self._x[self._columns], indexing="ij")
        a, b, one = grid_x.ravel(), grid_y.ravel(), np.ones(grid_x.size)
        # u = s x - r y + tu, v = r x + s y + tv
        across = np.stack([a, -b, one, 0 * one], axis=1)
        down = np.stack([b, a, 0 * one, one], axis=1)
        self._design = np.concatenate([across, down]).astype(np.float64)

    def grey(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the brightness of a picture (H, W, 3), ready for `between`."""
        cv2 = self._cv2
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        down, right = self._padding
        if down or right:
            grey = cv2.copyMakeBorder(grey, 0, down, 0, right, cv2.BORDER_REFLECT)
        return np.asarray(grey, dtype=np.uint8)

    def between(self, first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how far each pixel moves relative to the background, (H, W, 2) pixels: x, y.

        Args:
            first: From `grey`.
            second: The later picture, likewise.
        """
        height, width = self._size
        # None: there is no flow to begin from, which the stub does not know
        found = self._dis.calc(first, second, None)  # type: ignore[call-overload]
        flow = np.asarray(found, dtype=np.float32)[:height, :width]
        scale, turn, shift_x, shift_y = self._camera(flow)
        flow[..., 0] -= scale * self._x - (turn * self._y)[:, None] + shift_x
        flow[..., 1] -= turn * self._x + (scale * self._y)[:, None] + shift_y
        return flow

    def _camera(self, flow: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of most of the picture: iterated least squares with Tukey's weights."""
        seen = flow[self._rows, self._columns].reshape(-1, 2).T.astype(np.float64)
        fit = np.array([0.0, 0.0, *np.median(seen, axis=1)])
        both = seen.ravel()
        for _ in range(_ROUNDS):
            miss = (both - self._design @ fit).reshape(2, -1)
            size = np.hypot(miss[0], miss[1])
            weight = np.clip(1 - (size / (4 * (np.median(size) + 0.05))) ** 2, 0, None) ** 2
            weighted = self._design.T * np.tile(weight, 2)
            fit = np.linalg.solve(weighted @ self._design + 1e-9 * np.eye(4), weighted @ both)
        return fit.astype(np.float32)
