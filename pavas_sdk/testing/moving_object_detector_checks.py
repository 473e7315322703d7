"""The contract of a moving-object detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.interfaces import MovingObjectDetector
from pavas_sdk.interfaces.validation import check_objects
from pavas_sdk.testing.check import Check, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.estimator_checks import Question, estimator_checks, named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from pavas_sdk.data import LabelledClip

__all__ = ["moving_object_detector_checks"]


def moving_object_detector_checks(make: Callable[..., MovingObjectDetector]) -> list[Check]:
    """Return the checks of a moving-object detector.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    kind = MovingObjectDetector.kind
    return [
        *estimator_checks(QUESTION, make),
        *named_checks(kind, (check_prompt, check_boxes), make),
    ]


def _ask(component: Any, clip: LabelledClip, rng: np.random.Generator) -> Any:
    return component.detect(clip.source, rng=rng)


QUESTION = Question(
    interface=MovingObjectDetector,
    ask=_ask,
    validate=lambda answer, clip: check_objects(answer, who="it"),
)


def check_prompt(make: Callable[..., Any]) -> None:
    """Any prompt is taken: empty, long, in any script."""
    import numpy as np

    clip, component = moving_discs(1), make()
    for prompt in ("", "a wooden ball " * 200, "мяч 🏀\n"):
        answer = component.detect(clip.source, prompt=prompt, rng=np.random.default_rng(0))
        check_objects(answer, who="it")


def check_boxes(make: Callable[..., Any]) -> None:
    """A box comes with a time within the clip."""
    clip = moving_discs(2)
    for entry in QUESTION.answer(make(), clip):
        if entry.box is None:
            continue
        time_s = entry.box_time_s
        require(
            time_s is not None and 0 <= time_s <= clip.video.duration_s,
            f"object {entry.object_id} has a box at {time_s} s in a clip of "
            f"{clip.video.duration_s} s",
        )
