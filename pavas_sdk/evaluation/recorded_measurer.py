"""One recorded clip: its physics is estimated, its sounds are made, and both are measured."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ComponentFailedError, InputError, PavasError
from pavas_sdk.evaluation.event_matching import scored_seconds
from pavas_sdk.evaluation.recorded_clip import (
    RecordedMeasurement,
    SoundMeasurement,
    find_main_object,
    measure_estimate,
    measure_sound,
)
from pavas_sdk.media import open_video

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data import LabelledClip, MaskTrack, PhysicsEstimate
    from pavas_sdk.evaluation.truth import ClipTruth
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["ClipMeasurer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipMeasurer:
    """Estimates the physics of a clip, makes its sounds, and measures both.

    Attributes:
        pipe: The model with its estimator.
        files: Clips by name.
        physics: Names of `CONDITIONS`.
        seeds: Sounds of each.
        within_s: Largest distance of a pair.
        options: Further arguments of the pipeline's call.
        cache: Where estimates are kept.
    """

    pipe: PavasPipeline
    files: Mapping[str, Path]
    physics: tuple[str, ...]
    seeds: int
    within_s: float
    options: Mapping[str, Any]
    cache: CacheInput = None

    def measure(self, truth: ClipTruth) -> RecordedMeasurement:
        """Measure one clip.

        Raises:
            ComponentFailedError: A slot or the pipeline failed on it.
            InputError: Its length is not the one in the truth.
        """
        started = time.perf_counter()
        try:
            with open_video(self.files[truth.name], time_scale=truth.time_scale) as source:
                _check_length(truth, source.duration_s)
                clip = truth.labelled(source)
                estimate, masks, _ = self.pipe.physics_and_masks(source, cache=self.cache)
                main = find_main_object(truth, estimate, masks)
                track = None if main is None else masks.get(main)
                wanted: dict[str, tuple[PhysicsEstimate | str, dict[int, MaskTrack] | None]] = {
                    "estimated": (estimate, masks),
                    "true": (clip.physics, _as_first(track)),
                    "none": ("none", None),
                }
                skipped = _without_truth(truth) if "true" in self.physics else {}
                sounds = {
                    name: self._sounds(truth, clip, *wanted[name])
                    for name in self.physics
                    if name not in skipped
                }
        except InputError:
            raise
        except PavasError as err:
            raise ComponentFailedError(f"clip {truth.name}: {err}") from err
        return measure_estimate(
            truth,
            estimate,
            main,
            sounds=sounds,
            skipped=skipped,
            within_s=self.within_s,
            seconds=time.perf_counter() - started,
        )

    def _sounds(
        self,
        truth: ClipTruth,
        clip: LabelledClip,
        physics: PhysicsEstimate | str,
        masks: Mapping[int, MaskTrack] | None,
    ) -> list[SoundMeasurement]:
        import torch

        if not self.seeds:
            return []
        outputs = self.pipe(
            [clip.source],
            physics=physics,
            masks=masks,
            num_waveforms_per_video=self.seeds,
            generator=[torch.Generator().manual_seed(seed) for seed in range(self.seeds)],
            **self.options,
        )
        return [
            measure_sound(truth, output.audio, seed=seed, within_s=self.within_s)
            for seed, output in enumerate(outputs)
        ]


def _as_first(track: MaskTrack | None) -> dict[int, MaskTrack]:
    """The masks of the one object of `true_physics`; without any it counts as occluded."""
    return {} if track is None else {0: replace(track, object_id=0)}


def _without_truth(truth: ClipTruth) -> dict[str, str]:
    """Why no sound is made from true physics, if so."""
    if truth.mass_range_kg is None:
        return {"true": "the truth has no mass_range_kg"}
    if scored_seconds(truth.duration_s, truth.unscored_s) == 0:
        return {"true": "no part of the clip is scored: its impacts are not known"}
    return {}


def _check_length(truth: ClipTruth, duration_s: float) -> None:
    if abs(duration_s - truth.duration_s) > max(0.1, 0.02 * truth.duration_s):
        raise InputError(
            f"{truth.name} lasts {duration_s:.2f} s, its truth says {truth.duration_s:.2f} s; give "
            "the clip that the truth is about"
        )
