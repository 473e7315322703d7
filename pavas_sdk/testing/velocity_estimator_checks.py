"""The contract of a velocity estimator: with exact masks and points, speeds are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.interfaces import VelocityEstimator
from pavas_sdk.interfaces.validation import check_trajectories
from pavas_sdk.testing.check import Check, CheckFailedError, require
from pavas_sdk.testing.clips import moving_discs
from pavas_sdk.testing.equality import same_answer
from pavas_sdk.testing.estimator_checks import Question, estimator_checks, named_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.data import LabelledClip

__all__ = ["velocity_estimator_checks"]

SPEED_TOLERANCE = 0.15


def velocity_estimator_checks(make: Callable[..., VelocityEstimator]) -> list[Check]:
    """Return the checks of a velocity estimator.

    Args:
        make: Makes a new one; takes config fields as keywords (its class does).
    """
    extra = (
        check_speeds,
        check_time_scale,
        check_unseen_is_missing,
        check_object_order,
        check_no_masks,
    )
    return [*estimator_checks(QUESTION, make), *named_checks(VelocityEstimator.kind, extra, make)]


def _ask(component: Any, clip: LabelledClip, rng: np.random.Generator) -> Any:
    return component.estimate_velocity(
        clip.objects,
        clip.masks,
        clip.reconstruction,
        time_scale=clip.video.time_scale,
        rng=rng,
    )


def _validate(answer: Any, clip: LabelledClip) -> None:
    check_trajectories(
        answer,
        clip.masks,
        duration_s=clip.video.duration_s,
        time_scale=clip.video.time_scale,
        who="it",
    )


QUESTION = Question(interface=VelocityEstimator, ask=_ask, validate=_validate)


def _check_speeds(make: Callable[..., Any], clip: LabelledClip) -> None:
    answer = QUESTION.answer(make(), clip)
    for entry in clip.physics:
        object_id, wanted = entry.object_id, float(entry.speed_m_s[0])
        if object_id not in answer:
            raise CheckFailedError(
                f"it gave no path for object {object_id}, which is in plain sight"
            )
        speed = answer[object_id].speed_m_s()
        got = float(np.nanmedian(speed)) if np.isfinite(speed).any() else float("nan")
        require(
            abs(got - wanted) <= SPEED_TOLERANCE * wanted,
            f"object {object_id} moves at {wanted:.3f} m/s, it says {got:.3f} (median)",
        )


def check_speeds(make: Callable[..., Any]) -> None:
    """Exact masks and points give the exact speeds, within 15 %."""
    _check_speeds(make, moving_discs(3))


def check_time_scale(make: Callable[..., Any]) -> None:
    """A slow-motion factor of 4 gives four times the speed."""
    _check_speeds(make, moving_discs(1, time_scale=4.0))


def check_unseen_is_missing(make: Callable[..., Any]) -> None:
    """Where an object is not seen its centroid is NaN, never an invented place or zero."""
    clip = moving_discs(1, hidden=(5, 9))
    for path in QUESTION.answer(make(), clip).values():
        gone = np.isin(path.times_s, clip.masks[0].times_s[~clip.masks[0].visible])
        require(gone.any(), "its times leave out the frames in which the object is hidden")
        require(
            np.isnan(path.centroids_m[gone]).all(),
            f"it places a hidden object at {path.centroids_m[gone][0]}",
        )


def check_object_order(make: Callable[..., Any]) -> None:
    """The order of the objects does not matter."""
    clip, component = moving_discs(3), make()
    first = QUESTION.answer(component, clip)
    second = component.estimate_velocity(
        clip.objects[::-1],
        {key: clip.masks[key] for key in sorted(clip.masks, reverse=True)},
        clip.reconstruction,
        time_scale=clip.video.time_scale,
        rng=np.random.default_rng(0),
    )
    require(
        same_answer(dict(first), dict(second)),
        "another order of objects gives other paths; sort them by object_id first",
    )


def check_no_masks(make: Callable[..., Any]) -> None:
    """Objects without masks get no path, or one without any place."""
    clip = moving_discs(2)
    answer = make().estimate_velocity(
        clip.objects, {}, clip.reconstruction, rng=np.random.default_rng(0)
    )
    for object_id, path in check_trajectories(answer, clip.masks, who="it").items():
        require(
            np.isnan(path.centroids_m).all(),
            f"no masks were given, but it places object {object_id}",
        )
