"""Masks for objects that are already known: the segmenter slot alone, window by window."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frames import WindowSource, plan_windows
from pavas_sdk.errors import ComponentError
from pavas_sdk.interfaces.validation import check_masks
from pavas_sdk.physics.joining import compact_track
from pavas_sdk.registry.calls import call_component

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource, MaskTrack, PhysicsEstimate
    from pavas_sdk.physics import PhysicsEstimator

__all__ = ["segment_objects"]


def segment_objects(
    estimator: PhysicsEstimator | None, source: FrameSource, physics: PhysicsEstimate
) -> tuple[dict[int, MaskTrack], tuple[str, ...]]:
    """Return masks of the objects of a given estimate, and what could not be had.

    A segmenter that is missing or fails is no reason to give up: the sound can be made with the
    adapter's occlusion token in place of what an object looks like. The notes say so.

    Args:
        estimator: Holds the segmenter; None gives no masks.
        source: The video.
        physics: Its objects.
    """
    if not physics.objects:
        return {}, ()
    if estimator is None:
        return {}, ("no segmenter: objects are conditioned on without their masks",)
    config, ref = estimator.config, estimator.provenance["segmenter"]
    segmenter = estimator.slots["segmenter"]
    objects = [entry.object for entry in physics]
    windows = plan_windows(source.duration_s, window_s=config.window_s, overlap_s=config.overlap_s)
    rng = np.random.default_rng(0)
    tracks: dict[int, MaskTrack] = {}
    try:
        for window in windows:
            many = len(windows) > 1
            part = WindowSource(source, window) if many else source
            answer = call_component(
                ref,
                lambda part=part: segmenter.segment(part, objects, rng=rng),  # type: ignore[misc]
                timeout_s=config.timeout_s,
            )
            check_masks(answer, [entry.object_id for entry in objects])
            for object_id, track in answer.items():
                small = compact_track(
                    track,
                    max_side=config.long_mask_max_side if many else config.mask_max_side,
                    max_rate_hz=config.long_mask_rate_hz if many else None,
                )
                small = replace(small, times_s=small.times_s + window.start_s)
                tracks[object_id] = _continued(tracks.get(object_id), small)
    except ComponentError as err:
        return {}, (f"no masks, objects are conditioned on without them: {err}",)
    lost = [entry for entry in physics if entry.object_id not in tracks]
    return tracks, tuple(
        f"object {entry.object_id} ({entry.object.label}) was not found in the picture"
        for entry in lost
    )


def _continued(earlier: MaskTrack | None, track: MaskTrack) -> MaskTrack:
    if earlier is None:
        return track
    new = track.times_s > earlier.times_s[-1] + 1e-6
    return replace(
        earlier,
        masks=np.concatenate([earlier.masks, track.masks[new]]),
        times_s=np.concatenate([earlier.times_s, track.times_s[new]]),
        scores=np.concatenate([earlier.scores, track.scores[new]]),
    )
