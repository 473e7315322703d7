"""The evaluation on simulated clips, whose masses, speeds and contacts are known exactly."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.seeds import evaluation_seeds
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.evaluation.clip import ClipMeasurement, measure_clip
from pavas_sdk.evaluation.edits import EDITS, EditMeasurement, level_shifts_db, summarise_edits
from pavas_sdk.evaluation.runner import run
from pavas_sdk.evaluation.sounds import CODEC, REFERENCE, SoundMaker
from pavas_sdk.evaluation.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pavas_sdk.evaluation.sounds import SoundOptions

__all__ = ["evaluate_edits", "evaluate_simulated", "measure_edits"]


def evaluate_simulated(
    options: SoundOptions,
    *,
    clips: int = 200,
    seed: int = 0,
    jobs: int = 1,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compare generated with true sound at the impacts of simulated clips.

    Args:
        options: How sounds are made, see `sound_options`.
        clips: How many.
        seed: Which; different seeds share none, and training uses none of them.
        jobs: Processes.
        path: Results file that is continued, see `run`.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values: see `summarise`, with ``seed`` and the settings.

    Raises:
        PavasError: The model fails on a clip; see also `run`.
    """
    rows = run(
        evaluation_seeds(seed, clips),
        partial(sound_measurer, _in_processes(options, jobs)),
        ClipMeasurement.from_json,
        settings={"measurement": "simulated", **options.settings()},
        path=path,
        jobs=jobs,
        progress=progress,
    )
    summary = summarise(rows, rng=np.random.default_rng(seed))
    return {**summary, "seed": seed, **options.settings()}


def evaluate_edits(
    options: SoundOptions,
    *,
    clips: int = 200,
    seed: int = 0,
    jobs: int = 1,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Double and halve masses and speeds of simulated clips: does the level follow?

    Args:
        options: As for `evaluate_simulated`; ``physics`` is "true".
        clips: How many.
        seed: Which.
        jobs: Processes.
        path: Results file that is continued.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values: see `summarise_edits`, with ``seed`` and the settings.

    Raises:
        ConfigurationError: The model is the codec or the true sound, which hear no physics.
        PavasError: The model fails on a clip; see also `run`.
    """
    from pavas_sdk.simulation.sound import ENERGY_EXPONENT

    rows = run(
        evaluation_seeds(seed, clips),
        partial(edit_measurer, _in_processes(options, jobs)),
        EditMeasurement.from_json,
        settings={"measurement": "edits", **options.settings()},
        path=path,
        jobs=jobs,
        progress=progress,
    )
    summary = summarise_edits(
        rows, energy_exponent=ENERGY_EXPONENT, rng=np.random.default_rng(seed)
    )
    return {**summary, "seed": seed, **options.settings()}


def _in_processes(options: SoundOptions, jobs: int) -> SoundOptions:
    """Several processes share the cores: each computes with one thread."""
    return replace(options, threads=1) if jobs > 1 else options


def sound_measurer(options: SoundOptions) -> Callable[[int], ClipMeasurement]:
    """Load the model and return the function that measures the clip of a seed."""
    from pavas_sdk.simulation import simulate

    maker = SoundMaker(options)

    def measure(seed: int) -> ClipMeasurement:
        clip = simulate(seed).clip
        started = time.perf_counter()
        audio, objects = maker.sound(clip, seed)
        seconds = time.perf_counter() - started
        return measure_clip(clip, audio, objects=objects, seconds=seconds)

    return measure


def edit_measurer(options: SoundOptions) -> Callable[[int], EditMeasurement]:
    """Load the model and return the function that makes every edit of the clip of a seed.

    Raises:
        ConfigurationError: The model is the codec or the true sound, which hear no physics.
    """
    if options.model.split(":")[0] in (CODEC, REFERENCE):
        raise ConfigurationError(
            f"edits of the physics cannot change the {options.model}; give --model a pipeline"
        )
    maker = SoundMaker(options)
    return partial(measure_edits, maker)


def measure_edits(maker: SoundMaker, seed: int) -> EditMeasurement:
    """Make every edit of the simulated clip of a seed, with the same noise."""
    from pavas_sdk.simulation import simulate

    clip = simulate(seed).clip
    before = maker.with_physics(clip, clip.physics, seed)
    return EditMeasurement(
        clip_id=clip.clip_id,
        category=clip.action,
        shifts_db={
            edit.name: level_shifts_db(
                clip, before, maker.with_physics(clip, edit.applied(clip.physics), seed)
            )
            for edit in EDITS
        },
    )
