"""What moves, and where it is in the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data._validation import frozen_array, increasing_times
from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["MaskTrack", "MovingObject"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingObject:
    """One object that really moves (apparent motion by the camera is excluded; PAVAS Sec. 3.3).

    Attributes:
        object_id: Non-negative, unique within a clip, assigned by the detector slot.
        label: What it is ("runner in striped shirt").
        action: What it does ("sprinting"), or "".
        score: Confidence in [0, 1], or None when the detector gives none.
        box: Optional hint (x0, y0, x1, y1) in pixels at ``box_time_s``, as fractions of width and
            height in [0, 1].
        box_time_s: When ``box`` holds.
    """

    object_id: int
    label: str
    action: str = ""
    score: float | None = None
    box: tuple[float, float, float, float] | None = None
    box_time_s: float | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: A negative id, an empty label, or a score outside [0, 1].
        """
        if self.object_id < 0:
            raise InputError(f"object_id must be 0 or more, got {self.object_id}")
        if not self.label.strip():
            raise InputError(f"object {self.object_id} needs a label, got an empty one")
        if self.score is not None and not 0.0 <= self.score <= 1.0:
            raise InputError(f"score must lie in [0, 1], got {self.score}")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        out: dict[str, Any] = {
            "object_id": self.object_id,
            "label": self.label,
            "action": self.action,
            "score": self.score,
        }
        if self.box is not None:
            out["box"] = list(self.box)
            out["box_time_s"] = self.box_time_s
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MovingObject:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
        """
        try:
            box = data.get("box")
            return cls(
                object_id=int(data["object_id"]),
                label=str(data["label"]),
                action=str(data.get("action") or ""),
                score=None if data.get("score") is None else float(data["score"]),
                box=None if box is None else (box[0], box[1], box[2], box[3]),
                box_time_s=data.get("box_time_s"),
            )
        except (KeyError, TypeError, IndexError, ValueError) as err:
            raise FormatError(f"not a moving object: {err!r} in {dict(data)!r}") from err


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskTrack:
    """The mask of one object through time, M_i^l of PAVAS Sec. 3.3.

    Attributes:
        object_id: Which object.
        masks: bool, (T, H, W).
        times_s: float64, (T,), seconds, increasing.
        scores: float32, (T,), confidence in [0, 1]; NaN where the object is absent.
    """

    object_id: int
    masks: NDArray[np.bool_]
    times_s: NDArray[np.float64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Shapes or lengths do not fit.
        """
        masks = frozen_array("masks", self.masks, np.bool_, (None, None, None))
        count = masks.shape[0]
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "times_s", increasing_times("times_s", self.times_s, length=count))
        object.__setattr__(
            self, "scores", frozen_array("scores", self.scores, np.float32, (count,))
        )

    @property
    def visible(self) -> NDArray[np.bool_]:
        """Where the object has at least one pixel, bool (T,)."""
        return np.asarray(self.masks.any(axis=(1, 2)))

    def to_json(self) -> dict[str, Any]:
        """Return JSON values: each frame's mask run-length coded over rows, zeros first."""
        return {
            "object_id": self.object_id,
            "size": [int(n) for n in self.masks.shape[1:]],
            "times_s": [float(t) for t in self.times_s],
            "scores": [None if np.isnan(s) else float(s) for s in self.scores],
            "counts": [_run_lengths(mask) for mask in self.masks],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MaskTrack:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing, or runs do not fill the mask.
        """
        try:
            height, width = (int(n) for n in data["size"])
            masks = [_from_runs(counts, height, width) for counts in data["counts"]]
            return cls(
                object_id=int(data["object_id"]),
                masks=np.stack(masks) if masks else np.zeros((0, height, width), dtype=np.bool_),
                times_s=np.asarray(data["times_s"], dtype=np.float64),
                scores=np.asarray(
                    [np.nan if s is None else s for s in data["scores"]], dtype=np.float32
                ),
            )
        except (KeyError, TypeError, ValueError) as err:
            raise FormatError(f"not a mask track: {err!r}") from err

    def grid(self, side: int) -> NDArray[np.float32]:
        """Return the share of each cell of a ``side`` x ``side`` grid that the mask covers.

        Returns:
            float32, (T, side, side), in [0, 1]. Exact area weighting, whatever the mask size
            (PAVAS Eq. 4: masks at grid resolution; area fraction is this project's decision).
        """
        _, height, width = self.masks.shape
        rows = _area_weights(height, side)
        columns = _area_weights(width, side)
        return np.asarray(rows @ self.masks.astype(np.float32) @ columns.T, dtype=np.float32)


def _area_weights(pixels: int, cells: int) -> NDArray[np.float32]:
    """Overlap of each cell with each pixel as a share of the cell, (cells, pixels)."""
    pixel = np.arange(pixels, dtype=np.float64)
    left = np.arange(cells, dtype=np.float64)[:, None] * pixels / cells
    right = left + pixels / cells
    overlap = np.minimum(right, pixel + 1) - np.maximum(left, pixel)
    return np.asarray(np.clip(overlap, 0, None) * cells / pixels, dtype=np.float32)


def _run_lengths(mask: NDArray[np.bool_]) -> list[int]:
    flat = mask.ravel()
    if flat.size == 0:
        return []
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    runs = np.diff(np.concatenate([[0], changes, [flat.size]]))
    return ([0] if flat[0] else []) + [int(n) for n in runs]


def _from_runs(counts: list[int], height: int, width: int) -> NDArray[np.bool_]:
    if any(n < 0 for n in counts) or sum(counts) != height * width:
        raise ValueError(
            f"runs sum to {sum(counts)}, a mask of {height} x {width} has {height * width} pixels"
        )
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(height, width)
