"""The contract of a segmenter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.interfaces import Segmenter
from pavas_sdk.interfaces.validation import check_masks
from pavas_sdk.testing.check import Check, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer
from pavas_sdk.testing.estimator_checks import Question, estimator_checks, named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import LabelledClip

__all__ = ["segmenter_checks"]


def segmenter_checks(make: Callable[..., Segmenter]) -> list[Check]:
    """Return the checks of a segmenter.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    extra = (check_object_order, check_no_objects)
    return [*estimator_checks(QUESTION, make), *named_checks(Segmenter.kind, extra, make)]


def _ask(component: Any, clip: LabelledClip, rng: np.random.Generator) -> Any:
    return component.segment(clip.source, clip.objects, rng=rng)


def _validate(answer: Any, clip: LabelledClip) -> None:
    check_masks(
        answer,
        clip.masks,
        duration_s=clip.video.duration_s,
        size=(clip.video.height, clip.video.width),
        who="it",
    )


QUESTION = Question(interface=Segmenter, ask=_ask, validate=_validate)


def check_object_order(make: Callable[..., Any]) -> None:
    """The order of the objects does not matter."""
    clip, component = moving_discs(3), make()
    first = QUESTION.answer(component, clip)
    second = component.segment(clip.source, clip.objects[::-1], rng=np.random.default_rng(0))
    require(same_answer(dict(first), dict(second)), "another order of objects gives other masks")


def check_no_objects(make: Callable[..., Any]) -> None:
    """No objects give no masks."""
    answer = QUESTION.answer(make(), moving_discs(0))
    require(len(answer) == 0, f"no objects were given, masks of {sorted(answer)} came back")
