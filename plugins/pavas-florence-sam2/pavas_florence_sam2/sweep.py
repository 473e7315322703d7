"""Follows objects through all windows of a video, in one direction, with prompts carried along.

A window starts with frames that are not its own: for each object the frame on which it was found,
with its box, and the last frame on which it was clearly seen, with its mask. So each window is a
small video by itself, nothing older is held, and an object that is hidden at the end of a window is
found again in the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pavas_florence_sam2.plausibility import IMPLAUSIBLE, JumpWatch, is_complement
from pavas_florence_sam2.tracker import Prompt
from pavas_sdk.interfaces import report_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_florence_sam2.boxes import Box
    from pavas_florence_sam2.tracker import Seen, Tracker

__all__ = ["Followed", "Part", "Sweep"]

_CLEARLY = 0.5


@dataclass(slots=True, kw_only=True, eq=False)
class Followed:
    """An object and what is known of it so far.

    Attributes:
        object_id: Which object.
        box: Where it was found, as fractions of width and height.
        frame: Number of the frame on which it was found, in the whole video.
        masks: Packed masks by frame number.
        scores: Scores by frame number.
        complement: Whether its mask on that frame lies outside of the box.
    """

    object_id: int
    box: Box
    frame: int
    masks: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    scores: dict[int, float] = field(default_factory=dict)
    complement: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Frames of a window in the order in which they are swept.

    Attributes:
        frames: uint8, (N, H, W, 3).
        numbers: Their numbers in the whole video, in the order of the frames.
    """

    frames: NDArray[np.uint8]
    numbers: Sequence[int]


@dataclass(slots=True, kw_only=True, eq=False)
class _Anchor:
    """A frame of an earlier window with what is known on it."""

    number: int
    picture: NDArray[np.uint8]
    box: Box | None = None
    mask: NDArray[np.bool_] | None = None


class Sweep:
    """One direction: give it the parts in order.

    Args:
        tracker: The engine.
        size: Height and width of the masks.
        jump_distance: See `JumpWatch`.
        unit: What its progress is counted in.
    """

    def __init__(
        self,
        tracker: Tracker,
        *,
        size: tuple[int, int],
        jump_distance: float,
        unit: str = "frames",
    ) -> None:
        self._tracker = tracker
        self._size = size
        self._jump_distance = jump_distance
        self._found: dict[int, _Anchor] = {}
        self._last: dict[int, _Anchor] = {}
        self._watches: dict[int, JumpWatch] = {}
        self._unit = unit
        self._done = 0

    def add(self, part: Part, things: Sequence[Followed]) -> None:
        """Follow the objects that were found in this part or before through it."""
        by_id = {thing.object_id: thing for thing in things}
        prompts, pictures = self._prompts(part, things)
        if not prompts:
            return
        first = len(pictures)
        frames = np.concatenate([np.stack(pictures), part.frames]) if pictures else part.frames
        for index, seen in self._tracker.track(frames, prompts, first=first, size=self._size):
            self._take(by_id, part, index - first, seen)
            self._done += 1
            report_progress(self._done, unit=self._unit)

    def _prompts(
        self, part: Part, things: Sequence[Followed]
    ) -> tuple[list[Prompt], list[NDArray[np.uint8]]]:
        """The prompts of this part, and the carried frames that stand before its own."""
        anchors: list[tuple[int, _Anchor]] = []
        starting: list[Followed] = []
        places = {number: place for place, number in enumerate(part.numbers)}
        for thing in things:
            key = thing.object_id
            if thing.frame in places:
                starting.append(thing)
            elif key in self._found:
                anchors.append((key, self._found[key]))
                last = self._last.get(key)
                if last is not None and last.number != thing.frame:
                    anchors.append((key, last))
        pictures = {anchor.number: anchor.picture for _, anchor in anchors}
        # in the order of the sweep: memory is told how long ago a frame was
        ascending = len(part.numbers) < 2 or part.numbers[0] < part.numbers[-1]
        order = sorted(pictures, reverse=not ascending)
        index = {number: place for place, number in enumerate(order)}
        prompts = [
            Prompt(object_id=key, frame=index[a.number], box=a.box, mask=a.mask)
            for key, a in anchors
        ]
        for thing in starting:
            place = places[thing.frame]
            prompts.append(
                Prompt(object_id=thing.object_id, frame=len(order) + place, box=thing.box)
            )
            picture = part.frames[place].copy()
            self._found[thing.object_id] = _Anchor(
                number=thing.frame, picture=picture, box=thing.box
            )
        return prompts, [pictures[number] for number in order]

    def _take(
        self, by_id: Mapping[int, Followed], part: Part, place: int, seen: Mapping[int, Seen]
    ) -> None:
        number = part.numbers[place]
        for key, answer in seen.items():
            thing = by_id[key]
            watch = self._watches.setdefault(key, JumpWatch(distance=self._jump_distance))
            jumped = watch.jumped(answer.mask, number)
            if number == thing.frame:
                thing.complement = is_complement(answer.mask, thing.box)
            visible = bool(answer.mask.any())
            if number not in thing.masks:
                thing.masks[number] = np.packbits(answer.mask)
                score = answer.score * (IMPLAUSIBLE if jumped else 1.0)
                thing.scores[number] = score if visible else float("nan")
            if visible and not jumped and answer.score > _CLEARLY:
                self._last[key] = _Anchor(
                    number=number, picture=part.frames[place], mask=answer.mask
                )
        if place == len(part.numbers) - 1:
            for anchor in self._last.values():
                # a view would keep the frames of the whole window
                anchor.picture = anchor.picture.copy()
