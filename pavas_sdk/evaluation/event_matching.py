"""Events against events: precision, recall, F1 within a tolerance.

Conventions
-----------
Times are seconds from the first frame. Detections are paired with true events one to one, as many
pairs as possible (of these the closest), see `pavas_sdk.evaluation.onset.match_onsets`; a pair is at
most ``within_s`` apart, 100 ms by default. Stretches that are not scored, (start, end) with the end
left out, take true events and detections within them away before anything is paired.

Scores of many clips are those of the summed counts, so that a clip with many events weighs more.

Degenerate input: precision is NaN without detections, recall is NaN without true events, F1 is NaN
where there is neither, and 0 where there is only one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.onset import WITHIN_S, match_onsets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

__all__ = ["EventCounts", "evaluate", "match_events", "scored_events", "scored_seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCounts:
    """What precision, recall and F1 are made of; counts of clips can be added.

    Attributes:
        true: True events.
        detected: Detections.
        matched: Pairs of both.
    """

    true: int = 0
    detected: int = 0
    matched: int = 0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: More pairs than events, or a negative count.
        """
        if not 0 <= self.matched <= min(self.true, self.detected):
            raise InputError(
                f"{self.matched} pairs cannot be of {self.true} true events and {self.detected} "
                "detections"
            )

    def __add__(self, other: EventCounts) -> EventCounts:
        """Return the counts of both."""
        return EventCounts(
            true=self.true + other.true,
            detected=self.detected + other.detected,
            matched=self.matched + other.matched,
        )

    @property
    def precision(self) -> float:
        """Share of the detections that are true; NaN without detections."""
        return self.matched / self.detected if self.detected else float("nan")

    @property
    def recall(self) -> float:
        """Share of the true events that are detected; NaN without true events."""
        return self.matched / self.true if self.true else float("nan")

    @property
    def f1(self) -> float:
        """Harmonic mean of both, 2 matched / (true + detected); NaN where there is neither."""
        either = self.true + self.detected
        return 2 * self.matched / either if either else float("nan")


def scored_events(
    times_s: ArrayLike, unscored_s: Sequence[tuple[float, float]] = ()
) -> NDArray[np.float64]:
    """Return the events that no unscored stretch holds, (E,), in order.

    Args:
        times_s: Events, in any order.
        unscored_s: Stretches (start, end); the end is left out.

    Raises:
        InputError: Times that are not finite, or not a sequence.
    """
    times = np.sort(np.asarray(times_s, dtype=np.float64))
    if times.ndim != 1 or not np.isfinite(times).all():
        raise InputError("event times must be a sequence of finite seconds")
    for start_s, end_s in unscored_s:
        times = times[(times < start_s) | (times >= end_s)]
    return times


def scored_seconds(duration_s: float, unscored_s: Sequence[tuple[float, float]] = ()) -> float:
    """Return how much of a clip is scored, seconds; stretches may overlap or pass its end."""
    scored, at = 0.0, 0.0
    for start_s, end_s in sorted(unscored_s):
        scored += max(0.0, min(start_s, duration_s) - at)
        at = max(at, min(end_s, duration_s))
    return scored + max(0.0, duration_s - at)


def match_events(
    true_s: ArrayLike,
    detected_s: ArrayLike,
    *,
    unscored_s: Sequence[tuple[float, float]] = (),
    within_s: float = WITHIN_S,
) -> EventCounts:
    """Count true events, detections and their pairs.

    Args:
        true_s: True events, in any order.
        detected_s: Detections, in any order.
        unscored_s: Stretches that are not scored.
        within_s: Largest distance of a pair.

    Raises:
        InputError: Times that are not finite, or a tolerance that is not positive.
    """
    if not 0 < within_s < float("inf"):
        raise InputError(f"within_s must be above 0 seconds, got {within_s}")
    true, detected = scored_events(true_s, unscored_s), scored_events(detected_s, unscored_s)
    pairs = match_onsets(true, detected, within_s=within_s)
    return EventCounts(true=true.size, detected=detected.size, matched=len(pairs))


def evaluate(
    true_s: ArrayLike,
    detected_s: ArrayLike,
    *,
    unscored_s: Sequence[tuple[float, float]] = (),
    within_s: float = WITHIN_S,
) -> dict[str, float]:
    """Return every metric of this module for one clip; arguments as for `match_events`."""
    counts = match_events(true_s, detected_s, unscored_s=unscored_s, within_s=within_s)
    return {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
