"""A whole run: sets opened, networks built, trained, and the result written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.files import make_folder
from pavas_sdk.errors import ConfigurationError, PavasWarning
from pavas_sdk.training.base_model import BaseModel
from pavas_sdk.training.checkpoint import CHECKPOINT_NAME, has_checkpoint
from pavas_sdk.training.datasets.mixture import Mixture
from pavas_sdk.training.datasets.opening import open_features
from pavas_sdk.training.run_config import RunConfig
from pavas_sdk.training.set_levels import check_levels, known_levels, levels_in_words
from pavas_sdk.training.stage_export import export_stage
from pavas_sdk.training.stages import (
    build_objective,
    check_sets,
    read_stage,
    resolved,
    write_stage,
)
from pavas_sdk.training.stored_averages import mix_stored
from pavas_sdk.training.train_loop import train_objective

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pavas_sdk.training.stages import Stage
    from pavas_sdk.training.train_loop import RunResult

__all__ = ["TrainedRun", "export_average", "train_stage"]

_FIGURES = {"validation": "validation_loss", "swapped": "validation_loss_swapped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedRun:
    """What a run left.

    Attributes:
        result: How the training ended.
        written: Folders by what is in them; empty when it was not finished.
    """

    result: RunResult
    written: Mapping[str, Path]


def train_stage(
    stage: Stage,
    config: RunConfig,
    folder: str | Path,
    features: Sequence[str | Path],
    *,
    repeats: Sequence[int] | None = None,
    validation: Sequence[str | Path] = (),
    resume: bool = False,
    until_step: int | None = None,
    tracker: str | None = None,
    save_pipeline: bool = False,
    mixed_levels: bool = False,
    on_report: Callable[[Mapping[str, Any]], None] | None = None,
) -> TrainedRun:
    """Train a backbone, an adapter or a LoRA, and write the result into the folder of the run.

    Args:
        stage: What is trained.
        config: Numbers.
        folder: Of the run: ``stage.json``, checkpoint, averages, log, curve, page, and the result.
        features: Folders of `pavas prepare`, or MMAudio's own.
        repeats: How often each set counts.
        validation: Folders of other clips.
        resume: Go on from the folder's checkpoint.
        until_step: Stop, with a checkpoint, after this step.
        tracker: "tensorboard", "wandb" or "trackio".
        save_pipeline: Also write a whole pipeline.
        mixed_levels: Take sets that were prepared at different levels, and warn.
        on_report: Called with each entry of the log.

    Raises:
        ConfigurationError: Features, base and adapter do not belong together; sets were prepared
            at different levels; a package is missing; or the folder holds another run.
        FormatError: Features or a checkpoint are damaged.
        OutputError: The folder cannot be written.
        WeightsError: The base is missing or damaged.
        PavasError: The training diverged.
    """
    folder = Path(folder)
    base = BaseModel.open(stage.base)
    clips = Mixture([open_features(entry) for entry in features], repeats)
    check_levels(clips, mixed_levels=mixed_levels)
    others = _others(validation, clips, base)
    asked = replace(stage, features=tuple(str(entry) for entry in features))
    stage = _begun(folder, asked) if resume else resolved(asked, base, clips)
    objective = build_objective(stage, config, base)
    make_folder(folder)
    if not resume:
        _refuse_other_run(folder)
        write_stage(folder, stage)
    result = train_objective(
        objective,
        config,
        folder,
        clips,
        validation=others,
        resume=resume,
        until_step=until_step,
        tracker=tracker,
        facts={"kind": stage.kind, "base": stage.base, "clips": len(clips)},
        on_report=on_report,
    )
    if not result.finished or not result.is_main_process:
        return TrainedRun(result=result, written={})
    told = _told(config, result, clips)
    written = export_stage(
        stage, objective, base, folder, training=told, save_pipeline=save_pipeline
    )
    return TrainedRun(result=result, written=written)


def export_average(
    folder: str | Path,
    *,
    sigma_rel: float,
    step: int | None = None,
    out: str | Path | None = None,
    save_pipeline: bool = False,
) -> dict[str, Path]:
    """Write the result of a run once more, with the average of another width or step.

    Args:
        folder: Of the run, finished or not.
        sigma_rel: Width, as a share of the training.
        step: At this step; None: the last one stored.
        out: Where to; by default a folder in that of the run.
        save_pipeline: Also write a whole pipeline.

    Returns:
        Folders by what is in them.

    Raises:
        ConfigurationError: No averages are stored, or not up to that step.
        FormatError: The run or an average is damaged.
        OutputError: The folder cannot be written.
    """
    folder = Path(folder)
    stage = read_stage(folder)
    base = BaseModel.open(stage.base)
    objective = build_objective(stage, RunConfig(), base)
    trained = {name: p for name, p in objective.named_parameters() if p.requires_grad}
    averaged = mix_stored(folder, sigma_rel=sigma_rel, step=step)
    if set(averaged) != set(trained):
        odd = sorted(set(averaged) ^ set(trained))
        raise ConfigurationError(
            f"the averages in {folder} are of another network: {len(odd)} names, as {odd[0]}"
        )
    for name, value in averaged.items():
        trained[name].data.copy_(value)
    at = "" if step is None else f"-{step}"
    target = Path(out) if out is not None else folder / f"average-{sigma_rel:g}{at}"
    make_folder(target)
    return export_stage(
        stage,
        objective,
        base,
        target,
        training={"average": sigma_rel, **({"step": step} if step else {})},
        save_pipeline=save_pipeline,
    )


def _others(validation: Sequence[str | Path], clips: Mixture, base: BaseModel) -> Mixture | None:
    """The sets for validation: of the same encoders and sizes, or refused; of another level, said."""
    if not validation:
        return None
    others = Mixture([open_features(entry) for entry in validation])
    check_sets(others, base)
    if wrong := clips.layout.differences(others.layout):
        raise ConfigurationError(
            f"the clips for validation have other sizes than those to train on: {', '.join(wrong)}; "
            "annotate and prepare both with the same options"
        )
    known, found = known_levels(clips), known_levels(others)
    if known and found and not found <= known:
        warnings.warn(
            f"the clips for validation were prepared at another level ({', '.join(sorted(found))}) "
            f"than those to train on ({', '.join(sorted(known))}), which their loss contains; "
            "prepare them with --level-from FEATURES",
            PavasWarning,
            stacklevel=3,
        )
    return others


def _begun(folder: Path, asked: Stage) -> Stage:
    """The stage that a run was begun with, if it is the one asked for."""
    begun = read_stage(folder)
    names = ("kind", "base", "from_base", "adapter_only", "rank", "alpha", "targets", "seed")
    changed = [
        f"{name} was {getattr(begun, name)}, is {getattr(asked, name)}"
        for name in names
        if getattr(begun, name) != getattr(asked, name)
    ]
    if changed:
        raise ConfigurationError(
            f"the run in {folder} trains something else: {'; '.join(changed)}. Go on with its "
            "options, or train in another folder"
        )
    return begun


def _refuse_other_run(folder: Path) -> None:
    if has_checkpoint(folder):
        raise ConfigurationError(
            f"{folder / CHECKPOINT_NAME} is there from an earlier run; go on from it with --resume "
            "(resume=True), or give another folder (--out)"
        )


def _told(config: RunConfig, result: RunResult, clips: Mixture) -> dict[str, Any]:
    """What an adapter's description says of its training."""
    return {
        "clips": len(clips),
        "steps": result.steps,
        "skipped_steps": result.skipped,
        "batch": config.batch,
        "learning_rate": config.optimisation.learning_rate,
        "seed": config.seed,
        "average": config.average.final_sigma_rel,
        "level": levels_in_words(clips),
        **{_FIGURES[name]: round(value, 6) for name, value in result.validation.items()},
    }
