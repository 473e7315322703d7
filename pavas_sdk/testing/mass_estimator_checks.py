"""The contract of a mass estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.interfaces import MassEstimator
from pavas_sdk.interfaces.validation import check_masses
from pavas_sdk.testing.check import Check, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer
from pavas_sdk.testing.estimator_checks import Question, estimator_checks, named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import LabelledClip

__all__ = ["mass_estimator_checks"]


def mass_estimator_checks(make: Callable[..., MassEstimator]) -> list[Check]:
    """Return the checks of a mass estimator.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    extra = (check_object_order, check_without_geometry, check_subset, check_no_objects)
    return [*estimator_checks(QUESTION, make), *named_checks(MassEstimator.kind, extra, make)]


def _ask(component: Any, clip: LabelledClip, rng: np.random.Generator) -> Any:
    return component.estimate_mass(
        clip.source, clip.objects, masks=clip.masks, reconstruction=clip.reconstruction, rng=rng
    )


QUESTION = Question(
    interface=MassEstimator,
    ask=_ask,
    validate=lambda answer, clip: check_masses(answer, clip.masks, who="it"),
)


def check_object_order(make: Callable[..., Any]) -> None:
    """The order of the objects does not matter."""
    clip, component = moving_discs(3), make()
    first = QUESTION.answer(component, clip)
    second = component.estimate_mass(
        clip.source,
        clip.objects[::-1],
        masks={key: clip.masks[key] for key in sorted(clip.masks, reverse=True)},
        reconstruction=clip.reconstruction,
        rng=np.random.default_rng(0),
    )
    require(
        same_answer(dict(first), dict(second)),
        "another order of objects gives other masses; sort them by object_id first",
    )


def check_without_geometry(make: Callable[..., Any]) -> None:
    """It answers without masks and points too, which are optional."""
    clip = moving_discs(2)
    answer = make().estimate_mass(clip.source, clip.objects, rng=np.random.default_rng(0))
    check_masses(answer, clip.masks, who="it")


def check_subset(make: Callable[..., Any]) -> None:
    """Asked about one of three objects, it answers about no other."""
    clip = moving_discs(3)
    answer = make().estimate_mass(
        clip.source,
        clip.objects[1:2],
        masks=clip.masks,
        reconstruction=clip.reconstruction,
        rng=np.random.default_rng(0),
    )
    check_masses(answer, [clip.objects[1].object_id], who="it")


def check_no_objects(make: Callable[..., Any]) -> None:
    """No objects give no masses."""
    answer = QUESTION.answer(make(), moving_discs(0))
    require(same_answer(dict(answer), {}), f"no objects were given, {answer!r} came back")
