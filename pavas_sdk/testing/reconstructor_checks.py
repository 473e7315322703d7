"""The contract of a reconstructor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.interfaces import Reconstructor
from pavas_sdk.interfaces.validation import check_reconstruction
from pavas_sdk.testing.check import Check, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer
from pavas_sdk.testing.estimator_checks import Question, estimator_checks, named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import LabelledClip

__all__ = ["reconstructor_checks"]


def reconstructor_checks(make: Callable[..., Reconstructor]) -> list[Check]:
    """Return the checks of a reconstructor.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    extra = (check_object_order, check_without_objects, check_says_its_scale)
    return [*estimator_checks(QUESTION, make), *named_checks(Reconstructor.kind, extra, make)]


def _ask(component: Any, clip: LabelledClip, rng: np.random.Generator) -> Any:
    return component.reconstruct(clip.source, objects=clip.objects, masks=clip.masks, rng=rng)


def _validate(answer: Any, clip: LabelledClip) -> None:
    check_reconstruction(answer, masks=clip.masks, duration_s=clip.video.duration_s, who="it")


QUESTION = Question(interface=Reconstructor, ask=_ask, validate=_validate)


def check_object_order(make: Callable[..., Any]) -> None:
    """The order of the objects does not matter."""
    clip, component = moving_discs(3), make()
    first = QUESTION.answer(component, clip)
    second = component.reconstruct(
        clip.source,
        objects=clip.objects[::-1],
        masks={key: clip.masks[key] for key in sorted(clip.masks, reverse=True)},
        rng=np.random.default_rng(0),
    )
    require(
        same_answer(first, second),
        "another order of objects gives other points; sort them by object_id first",
    )


def check_without_objects(make: Callable[..., Any]) -> None:
    """It answers without objects and masks too, which are optional."""
    clip = moving_discs(1)
    answer = make().reconstruct(clip.source, rng=np.random.default_rng(0))
    check_reconstruction(answer, duration_s=clip.video.duration_s, who="it")


def check_says_its_scale(make: Callable[..., Any]) -> None:
    """A metric reconstruction says where its metres come from."""
    answer = QUESTION.answer(make(), moving_discs(1))
    require(
        not answer.is_metric or answer.scale_source,
        "is_metric is True, but scale_source does not say which rung gave the scale",
    )
