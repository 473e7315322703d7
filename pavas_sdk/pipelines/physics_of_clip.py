"""The physics of one clip: as given, none, or estimated; and masks of its objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.pipelines.physics_input import check_fits

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource, MaskTrack
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines.arguments import MasksInput
    from pavas_sdk.pipelines.physics_input import PhysicsRequest

__all__ = ["physics_of_clip"]

NOTHING_MOVES = (
    "no moving object was found: the sound is made with the learned tokens for no physics"
)
NO_SEGMENTER = "no segmenter: objects are conditioned on without their masks"


def physics_of_clip(
    source: FrameSource,
    request: PhysicsRequest,
    estimator: PhysicsEstimator | None,
    *,
    prompt: str,
    masks: MasksInput,
    cache: CacheInput,
    has_adapter: bool,
) -> tuple[PhysicsEstimate, dict[int, MaskTrack], tuple[str, ...]]:
    """Return the physics of a clip, masks of its objects, and notes on what is missing.

    Args:
        source: The clip.
        request: What is wanted, checked against the clip.
        estimator: Of the pipeline.
        prompt: What the user says about the clip.
        masks: Masks for a given estimate.
        cache: Where estimates are kept.
        has_adapter: Whether the sound is conditioned on physics; without, masks need not be found.

    Raises:
        ComponentError: A slot failed.
        PhysicsInputError: Given masks are of objects that were not found.
    """
    if request.given is not None:
        if masks is not None or not has_adapter:
            return request.given, dict(masks or {}), ()
        if estimator is None:
            return request.given, {}, (NO_SEGMENTER,) if request.given.objects else ()
        return request.given, *estimator.segment(source, request.given)
    if request.disabled or estimator is None:
        nothing = PhysicsEstimate(
            objects=(),
            duration_s=source.duration_s,
            time_scale=source.time_scale,
            notes=("physics was not used",),
        )
        return nothing, {}, ()
    result = estimator.estimate(source, prompt=prompt, overrides=request.overrides, cache=cache)
    check_fits(result.physics, source, masks)
    notes = result.physics.notes
    if not result.physics.objects and has_adapter:
        notes = (*notes, NOTHING_MOVES)
    return result.physics, {**result.masks, **(masks or {})}, notes
