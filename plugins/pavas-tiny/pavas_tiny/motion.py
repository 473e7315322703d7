"""Detector and segmenter "motion": what moves against the background, without any weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from pavas_sdk.data import MaskTrack, MovingObject
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig, MovingObjectDetector, Segmenter
from pavas_tiny.analysis import MotionAnalysis, analyse
from pavas_tiny.shape import measure_shape
from pavas_tiny.things import Words, read_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import FrameSource
    from pavas_tiny.selection import Mover

__all__ = ["MotionConfig", "MotionDetector", "MotionSegmenter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MotionConfig(ComponentConfig):
    """Settings of the motion analysis; detector and segmenter share the work when theirs agree.

    Attributes:
        max_side: Longer side in pixels at which the video is analysed.
        max_objects: Report at most so many objects, the clearest first.
    """

    max_side: int = 160
    max_objects: int = 4

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        if not 16 <= self.max_side <= 640:
            raise ConfigurationError(f"max_side must lie between 16 and 640, got {self.max_side}")
        if self.max_objects < 1:
            raise ConfigurationError(f"max_objects must be at least 1, got {self.max_objects}")


class MotionDetector(MovingObjectDetector):
    """Finds what moves against the background, with a still or a slowly moving camera.

    Labels are "ball", "stick" or "object" by the shape of the mask; when the prompt names things,
    its phrases are used for the objects that they fit.
    """

    config_class: ClassVar[type[ComponentConfig]] = MotionConfig

    @property
    def config(self) -> MotionConfig:
        """The frozen settings."""
        return cast("MotionConfig", self._config)

    def detect(
        self, video: FrameSource, *, prompt: str = "", rng: np.random.Generator
    ) -> Sequence[MovingObject]:
        """Return the moving objects with boxes, the clearest first."""
        del rng
        config = self.config
        found = analyse(video, max_side=config.max_side, max_objects=config.max_objects)
        shapes = [measure_shape(mover.masks) for mover in found.movers]
        kinds = ["object" if shape is None else shape.kind for shape in shapes]
        labels = name_objects(kinds, prompt)
        return [
            _moving_object(index, label, mover, found)
            for index, (label, mover) in enumerate(zip(labels, found.movers, strict=True))
        ]


class MotionSegmenter(Segmenter):
    """Masks of the objects that the motion analysis finds.

    An object with a box is the mover that fills it best at its time; objects without boxes take
    the movers that are left, in order of their ids.
    """

    config_class: ClassVar[type[ComponentConfig]] = MotionConfig

    @property
    def config(self) -> MotionConfig:
        """The frozen settings."""
        return cast("MotionConfig", self._config)

    def segment(
        self, video: FrameSource, objects: Sequence[MovingObject], *, rng: np.random.Generator
    ) -> Mapping[int, MaskTrack]:
        """Return a mask track for every object that was found."""
        del rng
        if not objects:
            return {}
        config = self.config
        found = analyse(video, max_side=config.max_side, max_objects=config.max_objects)
        tracks = {}
        for object_id, index in match_movers(objects, found).items():
            mover = found.movers[index]
            seen = mover.masks.any(axis=(1, 2))
            tracks[object_id] = MaskTrack(
                object_id=object_id,
                masks=mover.masks,
                times_s=found.times_s,
                scores=np.where(seen, mover.score, np.nan).astype(np.float32),
            )
        return tracks


def name_objects(kinds: Sequence[str], prompt: str) -> list[str]:
    """Return a label per object: a phrase of the prompt that fits, else the shape.

    Args:
        kinds: "ball", "stick" or "object" per object, the clearest object first.
        prompt: What the user says.
    """
    phrases = read_words(prompt)
    labels = list(kinds)
    free: list[Words] = list(phrases)
    for index, kind in enumerate(kinds):
        fitting = [words for words in free if _fits(words.shape, kind)]
        if not fitting and index == 0 and len(kinds) == 1 and len(phrases) == 1:
            fitting = free
        if fitting:
            labels[index] = fitting[0].phrase
            if len(kinds) <= len(phrases):
                free.remove(fitting[0])
    return labels


def _fits(shape: str, kind: str) -> bool:
    return not shape or shape == kind or (kind == "object" and shape in ("box", "ball", "stick"))


def _moving_object(index: int, label: str, mover: Mover, found: MotionAnalysis) -> MovingObject:
    areas = mover.masks.sum(axis=(1, 2))
    seen = np.flatnonzero(areas)
    typical = seen[np.abs(areas[seen] - np.median(areas[seen])) <= 0.3 * np.median(areas[seen])]
    frame = int(typical[typical.size // 2]) if typical.size else int(seen[seen.size // 2])
    height, width = found.size
    x0, y0, x1, y1 = _box(mover.masks[frame])
    return MovingObject(
        object_id=index,
        label=label,
        action="moving",
        score=round(mover.score, 4),
        box=(x0 / width, y0 / height, x1 / width, y1 / height),
        box_time_s=float(found.times_s[frame]),
    )


def _box(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def match_movers(objects: Sequence[MovingObject], found: MotionAnalysis) -> dict[int, int]:
    """Return the index of the mover that each object is, by object id; none for the unfound."""
    scores = []
    for thing in objects:
        if thing.box is None or thing.box_time_s is None:
            continue
        for index, mover in enumerate(found.movers):
            overlap = _box_overlap(thing.box, thing.box_time_s, mover, found)
            if overlap > 0.1:
                scores.append((overlap, thing.object_id, index))
    matched: dict[int, int] = {}
    for _, object_id, index in sorted(scores, key=lambda s: (-s[0], s[1], s[2])):
        if object_id not in matched and index not in matched.values():
            matched[object_id] = index
    left = [k for k in range(len(found.movers)) if k not in matched.values()]
    for thing in sorted(objects, key=lambda entry: entry.object_id):
        if thing.box is None and thing.object_id not in matched and left:
            matched[thing.object_id] = left.pop(0)
    return matched


def _box_overlap(
    box: tuple[float, float, float, float], time_s: float, mover: Mover, found: MotionAnalysis
) -> float:
    """Intersection over union of the box and the mover's box, at the nearest frame it is seen."""
    seen = np.flatnonzero(mover.masks.any(axis=(1, 2)))
    frame = seen[np.argmin(np.abs(found.times_s[seen] - time_s))]
    if abs(found.times_s[frame] - time_s) > 0.25:
        return 0.0
    height, width = found.size
    ax0, ay0, ax1, ay1 = np.asarray(box) * [width, height, width, height]
    bx0, by0, bx1, by1 = _box(mover.masks[frame])
    across = max(0.0, min(ax1, bx1) - max(ax0, bx0))
    down = max(0.0, min(ay1, by1) - max(ay0, by0))
    both = across * down
    union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - both
    return float(both / union) if union > 0 else 0.0
