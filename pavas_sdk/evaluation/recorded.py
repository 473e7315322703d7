"""The evaluation on recorded clips, of which a person wrote down what happens."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import ConfigurationError, InputError, MediaNotFoundError
from pavas_sdk.evaluation.onset import WITHIN_S
from pavas_sdk.evaluation.recorded_clip import CONDITIONS, RecordedMeasurement
from pavas_sdk.evaluation.recorded_measurer import ClipMeasurer
from pavas_sdk.evaluation.recorded_summary import summarise_recorded
from pavas_sdk.evaluation.runner import run
from pavas_sdk.evaluation.sounds import fingerprint, load_pipeline
from pavas_sdk.evaluation.truth import ClipTruth, read_truth

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.physics.cache import CacheInput
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["evaluate_clips"]

FORMAT, FORMAT_VERSION = "pavas.clip_scores", 1


def evaluate_clips(
    truth: str | Path,
    folder: str | Path,
    *,
    model: str | PavasPipeline | None = None,
    estimator: PhysicsEstimator | str | None = None,
    physics: Sequence[str] = CONDITIONS,
    seeds: int = 3,
    steps: int | None = None,
    guidance: float | None = None,
    video_guidance: float | None = None,
    physics_guidance: float | None = None,
    within_s: float = WITHIN_S,
    cache: CacheInput = None,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Score estimators and sounds on recorded clips whose impacts are known. No prompt is given.

    Args:
        truth: Truth file, see `read_truth`.
        folder: Where the clips lie.
        model: Preset, folder or Hub repository, or a loaded pipeline; None is the default preset.
        estimator: Physics estimator to put in place of the model's own: an object, or a name.
        physics: What sounds are made from: "estimated", "true" (`true_physics`, with the masks of
            the estimated object that is nearest to it), "none" (the adapter's empty tokens).
        seeds: Sounds per clip and kind of physics, with the seeds 0, 1, 2, ...
        steps: Euler steps, or None for the pipeline's own number.
        guidance: Guidance scale, or None for the pipeline's own.
        video_guidance: Weight of the pictures, likewise.
        physics_guidance: Weight of physics and text, likewise.
        within_s: Largest distance of a pair of impact and detection.
        cache: Where estimates are kept, see `PhysicsEstimator.estimate`.
        path: File of finished clips that is continued, see `run`.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values: format, settings, and see `summarise_recorded`.

    Raises:
        FormatError: The truth file.
        MediaNotFoundError: Clips that the truth names are not in ``folder``.
        InputError: A clip is not the one that the truth is about.
        ConfigurationError: An impossible option; no estimator.
        ComponentFailedError: A slot or the pipeline failed on a clip.
        PavasError: There is no such model; see also `run`.
    """
    clips = read_truth(truth)
    if seeds < 0 or not 0 < within_s < float("inf"):
        raise ConfigurationError(
            f"expected seeds of 0 or more and within_s above 0 seconds, got {seeds} and {within_s}"
        )
    unknown = sorted(set(physics) - set(CONDITIONS))
    if unknown:
        raise ConfigurationError(
            f"physics must be of {', '.join(CONDITIONS)}, got {', '.join(unknown)}"
        )
    files = _find_files(clips, Path(folder))
    pipe = _pipeline(model, estimator)
    settings = {
        **_made_with(pipe, is_kept=path is not None),
        "physics": [name for name in CONDITIONS if name in physics],
        "seeds": seeds,
        "steps": steps,
        "guidance": guidance,
        "video_guidance": video_guidance,
        "physics_guidance": physics_guidance,
        "within_s": within_s,
        "truth": hashlib.sha256(Path(truth).read_bytes()).hexdigest(),
    }
    measurer = ClipMeasurer(
        pipe=pipe,
        files=files,
        physics=tuple(settings["physics"]),
        seeds=seeds,
        within_s=within_s,
        options={
            "num_inference_steps": steps,
            "guidance_scale": guidance,
            "video_guidance_scale": video_guidance,
            "physics_guidance_scale": physics_guidance,
        },
        cache=cache,
    )
    by_name = {clip.name: clip for clip in clips}
    rows = run(
        tuple(by_name),
        lambda: lambda name: measurer.measure(by_name[name]),
        RecordedMeasurement.from_json,
        settings={"measurement": "clips", **settings},
        path=path,
        progress=progress,
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": settings,
        **summarise_recorded(rows, rng=np.random.default_rng(0)),
    }


def _find_files(clips: Sequence[ClipTruth], folder: Path) -> dict[str, Path]:
    """The file of every clip, all checked before anything is measured."""
    files = {clip.name: folder / clip.name for clip in clips}
    missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        raise MediaNotFoundError(
            f"{len(missing)} of {len(files)} clips that the truth names are not in {folder}: "
            f"{', '.join(missing)}; give their folder with --clips"
        )
    for clip in clips:
        path = files[clip.name]
        if clip.sha256 and hashlib.sha256(path.read_bytes()).hexdigest() != clip.sha256:
            raise InputError(
                f"{path} is not the clip that the truth is about (another sha256); give the "
                "original, or take sha256 out of the truth when the picture is the same"
            )
    return files


def _pipeline(
    model: str | PavasPipeline | None, estimator: PhysicsEstimator | str | None
) -> PavasPipeline:
    from pavas_sdk.registry import DEFAULTS

    if model is None or isinstance(model, str):
        given = {} if estimator is None else {"physics_estimator": estimator}
        model = load_pipeline(model or DEFAULTS["pipeline"], **given)
    elif estimator is not None:
        raise ConfigurationError(
            "a loaded pipeline has its estimator; set pipe.physics_estimator, or name the model"
        )
    if model.physics_estimator is None:
        raise ConfigurationError(
            "this model has no physics estimator, whose impacts are part of the scores; choose one "
            "with estimator= (--estimator tiny)"
        )
    return model


def _made_with(pipe: PavasPipeline, *, is_kept: bool) -> dict[str, Any]:
    """What the results depend on: the model's files and the estimator.

    Raises:
        ConfigurationError: Results of a pipeline that was never saved are to be kept.
    """
    name, estimator = str(pipe.config.get("_name_or_path") or ""), pipe.physics_estimator
    if is_kept and not name:
        raise ConfigurationError(
            "finished clips are kept with the name of the model, and this pipeline was never "
            "saved; save it and load it again, or leave path out"
        )
    return {
        "model": name,
        "weights": fingerprint(name) if name else "",
        "estimator": None if estimator is None else estimator.to_json(),
    }
