"""Which frames of a video are observations, and where it cuts: found once, for everybody.

Video of 25 frames per second is often stored at 50, of 24 at 30, and screens are recorded faster
than they change. A frame that shows the one before once more is no observation: what moves seems to
stand still in it and to go twice as fast afterwards. Across a cut nothing moves at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frame_changes import SMALL_SIDE, find_cuts
from pavas_sdk.data.frames.views import SourceView
from pavas_sdk.data.video import Video

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data.video import FrameSource

__all__ = ["DistinctSource", "FrameSurvey", "repeats_among", "survey_frames"]

_SIDE = 160
_PART_S = 2.0
_CONTEXT = 9  # frames before a part that say what changes are usual there
_MOST_CHANGED = 0.002  # share of the pixels that tells whether anything moves
_STILL_LEVELS = 3.0  # what a codec leaves on a repetition, in levels of 255
_MOVING_LEVELS = 8.0
_MOST_STILL_LEVELS = 12.0
_SHARE = 0.12  # of the change around: a repetition changes less
_BESIDE = (
    0.35  # the frames beside it move like their surroundings: at the top of a flight all is slow
)
_AROUND = 6
_LONGEST = 4  # repetitions in a row; what stays the same for longer is at rest
_LEAST, _LEAST_SHARE = 4, 0.1  # single ones are no system: a bounce can look like one
_PERIODS = (2, 3, 4, 5, 6)
_REGULAR = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameSurvey:
    """What a look at every frame of a video tells.

    Attributes:
        times_s: When each frame appears, (T,) seconds.
        repeated: Whether it shows the one before once more, (T,).
        cuts_s: When another scene begins, increasing seconds.
    """

    times_s: NDArray[np.float64]
    repeated: NDArray[np.bool_]
    cuts_s: tuple[float, ...] = field(default=())

    def notes(self) -> tuple[str, ...]:
        """Return what should be known, in plain words."""
        notes = []
        count = int(self.repeated.sum())
        if count:
            stored, seen = (
                1.0 / float(np.median(np.diff(times)))
                for times in (self.times_s, self.times_s[~self.repeated])
            )
            notes.append(
                f"{count} of {self.repeated.size} frames show the one before once more (stored at "
                f"{stored:.3g} frames per second, seen about {seen:.3g} times): they are no "
                "observations and were passed over"
            )
        if self.cuts_s:
            shown = ", ".join(f"{time_s:.2f}" for time_s in self.cuts_s[:8])
            more = " s, ..." if len(self.cuts_s) > 8 else " s"
            notes.append(
                f"the video cuts to another scene at {shown}{more}: each scene was looked at by "
                "itself, and nothing is followed across a cut"
            )
        return tuple(notes)


def survey_frames(source: FrameSource) -> FrameSurvey:
    """Look at every frame once, two seconds at a time, and find repetitions and cuts.

    Raises:
        MediaError: The video cannot be read.
    """
    times: list[float] = []
    changes: list[float] = []
    cuts: list[float] = []
    tail: Video | None = None
    start_s = 0.0
    while start_s < source.duration_s - 1e-6:
        end_s = min(start_s + _PART_S, source.duration_s)
        part = source.read(start_s, end_s, max_side=_SIDE)
        start_s = end_s
        fresh = part.times_s > (times[-1] + 1e-9 if times else -np.inf)
        if not fresh.any():
            continue  # the frame before is still shown
        frames, moments = part.frames[fresh], part.times_s[fresh]
        before = np.zeros((0, *frames.shape[1:]), np.uint8) if tail is None else tail.frames
        joined = np.concatenate([before, frames])
        known = before.shape[0]
        changes += [
            _change(joined[index - 1], joined[index])
            for index in range(max(known, 1), joined.shape[0])
        ]
        times += moments.tolist()
        step = -(-max(joined.shape[1:3]) // SMALL_SIDE)
        found = find_cuts(joined[:, ::step, ::step])
        clock = np.concatenate([np.zeros(0) if tail is None else tail.times_s, moments])
        cuts += [float(clock[index]) for index in found if index >= known]
        keep = min(_CONTEXT, joined.shape[0])
        tail = Video(frames=joined[-keep:].copy(), times_s=clock[-keep:])
    repeated = np.concatenate([[False], repeats_among(np.asarray(changes, dtype=np.float64))])
    return FrameSurvey(
        times_s=np.asarray(times, dtype=np.float64),
        repeated=repeated[: len(times)],
        cuts_s=tuple(sorted(set(cuts))),
    )


def repeats_among(changes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which changes from frame to frame are none, (T,), where that is a system.

    A repetition lies between changes that are those of the motion around them. It counts when at
    least a tenth of the frames of moving scenes are such; where they come in a rhythm, the frames
    of the rhythm are repetitions also while nothing moves.

    Args:
        changes: Mean change of the pixels that change most, in levels, (T,).
    """
    usual = _usual(changes)
    still = changes < np.clip(_SHARE * usual, _STILL_LEVELS, _MOST_STILL_LEVELS)
    moving = changes > np.maximum(_MOVING_LEVELS, _BESIDE * usual)
    flags = np.zeros(changes.size, dtype=np.bool_)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], still, [False]]).astype(np.int8)))
    for first, behind in edges.reshape(-1, 2):
        if behind - first > _LONGEST or first == 0 or behind == changes.size:
            continue
        flags[first:behind] = moving[first - 1] and moving[behind]
    if flags.sum() < _LEAST or flags.sum() < _LEAST_SHARE * (flags.sum() + moving.sum()):
        return np.zeros_like(flags)
    rhythm = _in_rhythm(flags, moving)
    return rhythm if rhythm.any() else flags


def _usual(changes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a change is around each: the third quartile of those that are some, (T,)."""
    usual = np.zeros(changes.size)
    for index in range(changes.size):
        around = changes[max(index - _AROUND, 0) : index + _AROUND + 1]
        around = around[around >= _MOVING_LEVELS]
        usual[index] = np.percentile(around, 75) if around.size else 0.0
    return usual


def _in_rhythm(flags: NDArray[np.bool_], moving: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the whole rhythm that the flags follow; nothing where they follow none."""
    index = np.arange(flags.size)
    for period in _PERIODS:
        phase = index % period
        counts = np.stack(
            [np.bincount(phase[which], minlength=period) for which in (flags, moving & ~flags)]
        )
        share = counts[0] / np.maximum(counts.sum(axis=0), 1)
        repeated = share > _REGULAR
        if repeated.any() and not repeated.all() and (share[~repeated] < 1 - _REGULAR).all():
            return np.asarray(repeated[phase])
    return np.zeros_like(flags)


class DistinctSource(SourceView):
    """A frame source without the frames that show the one before once more.

    What is asked for at given times is shown as in the whole: a repetition looks like its original.

    Args:
        whole: The video.
        survey: Of `survey_frames`.
    """

    def __init__(self, whole: FrameSource, survey: FrameSurvey) -> None:
        super().__init__(whole)
        self._repeated_s = survey.times_s[survey.repeated]
        self._times_s = survey.times_s[~survey.repeated]

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second that show something new, from the median time between them."""
        if self._times_s.size < 2:
            return self._whole.frame_rate_hz
        return 1.0 / float(np.median(np.diff(self._times_s)))

    @property
    def frame_times_s(self) -> NDArray[np.float64] | None:
        """When each new picture appears, (T,) seconds."""
        return self._times_s

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the new pictures of [start_s, end_s); when there is none, the one shown then."""
        part = self._whole.read(start_s, end_s, fps=fps, max_side=max_side)
        if fps is not None or not self._repeated_s.size:
            return part
        near = np.clip(
            np.searchsorted(self._repeated_s, part.times_s - 1e-6), 0, self._repeated_s.size - 1
        )
        fresh = np.abs(self._repeated_s[near] - part.times_s) > 1e-6
        fresh[0] = fresh[0] or not fresh.any()
        return Video(
            frames=part.frames[fresh],
            times_s=part.times_s[fresh],
            source=part.source,
            end_s=part.end_s,
            time_scale=part.time_scale,
        )

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at the given times."""
        return self._whole.frames_at(times_s, max_side=max_side)


def _change(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Mean difference of the pixels that change most, in levels."""
    difference = (np.maximum(first, second) - np.minimum(first, second)).max(axis=2).ravel()
    most = max(16, int(_MOST_CHANGED * difference.size))
    if most >= difference.size:
        return float(difference.mean())
    return float(np.partition(difference, -most)[-most:].mean())
