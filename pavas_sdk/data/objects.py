"""What moves, and where it is in the picture."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import _json
from pavas_sdk.data._validation import frozen_array, increasing_times
from pavas_sdk.data.short_text import short_text
from pavas_sdk.errors import FormatError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = ["MaskTrack", "MovingObject"]

_MOST_PIXELS = 2**28  # eight times 8K: a corrupt size must not ask for all memory


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingObject:
    """One object that really moves (apparent motion by the camera is excluded; PAVAS Sec. 3.3).

    Attributes:
        object_id: Non-negative, unique within a clip, assigned by the detector slot.
        label: What it is ("runner in striped shirt").
        action: What it does ("sprinting"), or "".
        score: Confidence in [0, 1], or None when the detector gives none.
        box: Optional hint (x0, y0, x1, y1) at ``box_time_s``, as fractions of width and height in
            [0, 1].
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
            InputError: A negative id, an empty label, a score or a box outside [0, 1].
        """
        try:
            object_id = operator.index(self.object_id)
        except TypeError as err:
            raise InputError(f"object_id must be an int, got {self.object_id!r}") from err
        if object_id < 0:
            raise InputError(f"object_id must be 0 or more, got {object_id}")
        object.__setattr__(self, "object_id", object_id)
        if not str(self.label).strip():
            raise InputError(f"object {object_id} needs a label, got {self.label!r}")
        if self.score is not None:
            if not 0.0 <= self.score <= 1.0:
                raise InputError(f"score must lie in [0, 1], got {self.score}")
            object.__setattr__(self, "score", float(self.score))
        if self.box is not None:
            box = frozen_array(f"box of object {object_id}", self.box, np.float64, (4,))
            if not ((box >= 0) & (box <= 1)).all():
                raise InputError(f"box of object {object_id} must lie in [0, 1], got {self.box}")
            object.__setattr__(self, "box", tuple(float(side) for side in box))

    @property
    def short_label(self) -> str:
        """The label on one line, at most 60 characters: what messages and pictures show."""
        return short_text(str(self.label))

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
        where = "moving object"
        data = _json.mapping(data, where)
        box = data.get("box")
        try:
            return cls(
                object_id=_json.integer(_json.required(data, "object_id", where), "object_id"),
                label=_json.text(_json.required(data, "label", where), "label"),
                action=_json.text(data.get("action") or "", "action"),
                score=_json.optional_number(data.get("score"), "score"),
                box=None if box is None else tuple(_json.series(box, "box")),
                box_time_s=_json.optional_number(data.get("box_time_s"), "box_time_s"),
            )
        except FormatError:
            raise
        except InputError as err:
            raise FormatError(f"not a moving object: {err}") from err


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MaskTrack:
    """The mask of one object through time, M_i^l of PAVAS Sec. 3.3.

    Attributes:
        object_id: Which object.
        masks: bool, (T, H, W).
        times_s: float64, (T,), seconds, increasing.
        scores: float32, (T,), confidence in [0, 1]; NaN where the object is absent or the segmenter
            gives none.
    """

    object_id: int
    masks: NDArray[np.bool_]
    times_s: NDArray[np.float64]
    scores: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Shapes or lengths do not fit, masks are not bool or whole numbers 0 and 1, or
                scores lie outside [0, 1].
        """
        masks = frozen_array("masks", _yes_or_no(self.masks), np.bool_, (None, None, None))
        count = masks.shape[0]
        object.__setattr__(self, "masks", masks)
        object.__setattr__(self, "times_s", increasing_times("times_s", self.times_s, length=count))
        scores = frozen_array("scores", self.scores, np.float32, (count,))
        if (scores < 0).any() or (scores > 1).any():
            raise InputError(
                f"scores must lie in [0, 1] or be NaN, got {np.nanmin(scores)} to "
                f"{np.nanmax(scores)}"
            )
        object.__setattr__(self, "scores", scores)

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
        where = "mask track"
        data = _json.mapping(data, where)
        size = [
            _json.integer(side, "size")
            for side in _json.items(_json.required(data, "size", where), "size")
        ]
        if len(size) != 2 or min(size) < 0 or size[0] * size[1] > _MOST_PIXELS:
            raise FormatError(f"size must be [height, width] in pixels, got {size}")
        frames = _json.items(_json.required(data, "counts", where), "counts")
        masks = np.zeros((len(frames), *size), dtype=np.bool_)
        for mask, counts in zip(masks, frames, strict=True):
            mask[:] = _from_runs(_json.items(counts, "counts"), *size)
        try:
            return cls(
                object_id=_json.integer(_json.required(data, "object_id", where), "object_id"),
                masks=masks,
                times_s=_json.series(_json.required(data, "times_s", where), "times_s"),
                scores=_json.series(_json.required(data, "scores", where), "scores").astype(
                    np.float32
                ),
            )
        except FormatError:
            raise
        except InputError as err:
            raise FormatError(f"not a mask track: {err}") from err

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


def _yes_or_no(masks: Any) -> Any:
    """Masks as they are; shares and probabilities, which would all become True, are refused."""
    array = np.asarray(masks)
    if array.dtype != np.bool_ and array.size:
        if array.dtype.kind not in "iu":
            raise InputError(
                f"masks must be bool, got {array.dtype}; compare them with a threshold first: "
                "masks > 0.5"
            )
        if array.min() < 0 or array.max() > 1:
            raise InputError(
                f"masks must be bool, or whole numbers 0 and 1, got {array.min()} to {array.max()}"
            )
    return array


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


def _from_runs(counts: list[Any], height: int, width: int) -> NDArray[np.bool_]:
    runs = [_json.integer(count, "counts") for count in counts]
    if any(run < 0 for run in runs) or sum(runs) != height * width:
        raise FormatError(
            f"runs sum to {sum(runs)}, a mask of {height} x {width} has {height * width} pixels"
        )
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, np.asarray(runs, dtype=np.int64)).reshape(height, width)
