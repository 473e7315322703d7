"""``pavas train backbone | adapter | lora | ema``: trainings on folders of features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.training.run_config import RunConfig
    from pavas_sdk.training.runs import TrainedRun

__all__ = ["adapter", "backbone", "ema", "lora"]

F = TypeVar("F", bound="Callable[..., Any]")
_FOLDER = click.Path(path_type=Path)


def _shared(preset: str) -> Callable[[F], F]:
    """Arguments and options of all trainings on features.

    Args:
        preset: Used when neither an option nor a file names one.
    """
    parts = (
        click.argument("features", type=_FOLDER, nargs=-1, required=True),
        click.option(
            "-o",
            "--out",
            type=click.Path(file_okay=False, path_type=Path),
            required=True,
            help="Folder of the run.",
        ),
        click.option(
            "--base",
            help="Pipeline to start from: preset, folder or owner/name. Default: that of the "
            "features.",
        ),
        click.option(
            "--preset",
            help="Numbers by name: mmaudio-stage1, pavas-stage2, few-clips, tiny. "
            f"[default: {preset}]",
        ),
        click.option(
            "--config",
            "config_file",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="TOML file of numbers that differ from the preset's; it may name the preset.",
        ),
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="One number: drop.text=0.2, optimisation.warmup=10, mixed_precision=no.",
        ),
        click.option("--steps", type=click.IntRange(1), help="Optimiser steps."),
        click.option("--batch", type=click.IntRange(1), help="Clips of a step, in all processes."),
        click.option("--micro-batch", type=click.IntRange(1), help="Clips computed at once."),
        click.option("--learning-rate", type=float, help="After the warm-up."),
        click.option("--seed", type=click.IntRange(0), help="Of weights, order and noise."),
        click.option(
            "--repeat",
            "repeats",
            type=click.IntRange(1),
            multiple=True,
            help="How often each folder of features counts, in their order.",
        ),
        click.option("--mixed-levels", is_flag=True, help="Take FEATURES of different levels."),
        click.option(
            "--validation",
            type=_FOLDER,
            multiple=True,
            help="Features of other clips, for a loss with fixed draws.",
        ),
        click.option("--resume", is_flag=True, help="Go on from the last checkpoint."),
        click.option(
            "--tracker",
            type=click.Choice(["tensorboard", "wandb", "trackio"]),
            help="Also report there.",
        ),
        json_option,
    )

    def decorate(function: F) -> F:
        wrapped: Any = function
        for part in reversed(parts):
            wrapped = part(wrapped)
        return wrapped  # type: ignore[no-any-return]

    return decorate


@click.command()
@_shared("mmaudio-stage1")
@click.option("--from-base", is_flag=True, help="Go on from the base's weights.")
@click.option("--save-pipeline", is_flag=True, help="Also write OUT/pipeline, to generate with.")
def backbone(from_base: bool, save_pipeline: bool, **options: Any) -> None:
    """Train a flow network on FEATURES (stage 1): new weights, of the base's architecture.

    The result is OUT/transformer. Several processes: `accelerate launch $(which pavas) train ...`.
    """
    _train(
        "mmaudio-stage1",
        options,
        {"kind": "backbone", "from_base": from_base},
        save_pipeline=save_pipeline,
    )


@click.command()
@_shared("pavas-stage2")
@click.option("--adapter", "adapter_name", default="", help="Registered adapter, as acme/mine.")
@click.option("--adapter-only", is_flag=True, help="Freeze the backbone.")
@click.option(
    "--variant",
    type=click.Choice(["delta", "direct"]),
    help="Of the default adapter: shifts of adaptive norms, or a sum (Table 3, C).",
)
@click.option(
    "--option",
    "adapter_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="Of the adapter: hidden_dim=384, impacts=true.",
)
@click.option(
    "--from-base",
    is_flag=True,
    help="Go on from the adapter that the base has, not from a new one.",
)
@click.option("--licence", default="", help="Of the trained adapter, as SPDX: CC-BY-4.0.")
@click.option("--save-pipeline", is_flag=True, help="Also write OUT/pipeline, to generate with.")
def adapter(
    adapter_name: str,
    adapter_only: bool,
    variant: str | None,
    adapter_options: tuple[str, ...],
    from_base: bool,
    licence: str,
    save_pipeline: bool,
    **options: Any,
) -> None:
    """Train an adapter on FEATURES with physics (stage 2), and the backbone with it.

    The result is OUT/adapter, and OUT/transformer unless --adapter-only.
    """
    from pavas_sdk.training.presets import read_settings

    chosen = {**read_settings(adapter_options), **({"variant": variant} if variant else {})}
    stage = {
        "kind": "adapter",
        "adapter": adapter_name,
        "adapter_only": adapter_only,
        "adapter_options": chosen,
        "from_base": from_base,
        "licence": licence,
    }
    _train("pavas-stage2", options, stage, save_pipeline=save_pipeline)


@click.command()
@_shared("few-clips")
@click.option("--rank", type=click.IntRange(1), default=16, show_default=True, help="Of the LoRA.")
@click.option("--alpha", type=float, help="Scale times rank. [default: the rank]")
@click.option(
    "--targets", help="Regular expression over names of maps. [default: attention, AdaLN]"
)
def lora(rank: int, alpha: float | None, targets: str | None, **options: Any) -> None:
    """Train a LoRA of the base's flow network on FEATURES (needs pavas-sdk[lora]).

    The result is OUT/lora, for pipe.load_lora_weights.
    """
    stage: dict[str, Any] = {"kind": "lora", "rank": rank, "alpha": alpha}
    if targets:
        stage["targets"] = targets
    _train("few-clips", options, stage)


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--sigma-rel", type=float, required=True, help="Width, as a share of the training.")
@click.option("--step", type=click.IntRange(1), help="At this step. [default: the last one]")
@click.option("-o", "--out", type=_FOLDER, help="Where to. [default: RUN/average-WIDTH]")
@click.option("--save-pipeline", is_flag=True, help="Also write a pipeline, to generate with.")
@json_option
def ema(
    run: Path,
    sigma_rel: float,
    step: int | None,
    out: Path | None,
    save_pipeline: bool,
    as_json: bool,
) -> None:
    """Write the result of RUN once more, with the moving average of another width or step."""
    from pavas_sdk.training.runs import export_average

    written = export_average(
        run, sigma_rel=sigma_rel, step=step, out=out, save_pipeline=save_pipeline
    )
    _show_written({name: str(path) for name, path in written.items()}, {}, as_json=as_json)


def _train(
    preset: str,
    options: Mapping[str, Any],
    stage: Mapping[str, Any],
    *,
    save_pipeline: bool = False,
) -> None:
    from pavas_sdk.training.runs import train_stage
    from pavas_sdk.training.stages import Stage

    config = _config(preset, options)
    features = list(options["features"])
    seed = {} if options["seed"] is None else {"seed": options["seed"]}
    say(f"Training in {options['out']}: {config.steps} steps of {config.batch} clips")
    run = train_stage(
        Stage(base=options["base"] or _base_of(features), **seed, **stage),
        config,
        options["out"],
        features,
        repeats=list(options["repeats"]) or None,
        validation=list(options["validation"]),
        resume=options["resume"],
        tracker=options["tracker"],
        save_pipeline=save_pipeline,
        mixed_levels=options["mixed_levels"],
        on_report=_say_report,
    )
    _show_run(run, options)


def _config(preset: str, options: Mapping[str, Any]) -> RunConfig:
    from pavas_sdk.training.presets import preset_config, read_config_file, read_settings

    values: dict[str, Any] = {}
    if options["config_file"] is not None:
        named, values = read_config_file(options["config_file"])
        preset = named or preset
    config = preset_config(options["preset"] or preset).changed(values)
    words = {
        "steps": options["steps"],
        "batch": options["batch"],
        "micro_batch": options["micro_batch"],
        "optimisation.learning_rate": options["learning_rate"],
        "seed": options["seed"],
    }
    config = config.changed({name: value for name, value in words.items() if value is not None})
    return config.changed(read_settings(options["settings"]))


def _base_of(features: list[Path]) -> str:
    from pavas_sdk.training.datasets.opening import open_features

    for folder in features:
        description = getattr(open_features(folder), "description", None)
        if description is not None and description.model:
            return str(description.model)
    raise ConfigurationError(
        "these features do not say which model made them; name it: --base mmaudio-small-16k"
    )


def _say_report(entry: Mapping[str, Any]) -> None:
    told = "  ".join(
        f"{name} {value:.5g}"
        for name, value in entry.items()
        if name in ("loss", "validation", "swapped", "steps_per_s") and value is not None
    )
    say(f"step {entry['step']}  {told}")


def _show_run(run: TrainedRun, options: Mapping[str, Any]) -> None:
    result = run.result
    if not result.is_main_process:
        return
    if result.skipped:
        say(f"{result.skipped} steps were not finite and were skipped")
    written = {name: str(path) for name, path in run.written.items()}
    told = {"steps": result.steps, "loss": result.loss, "skipped": result.skipped}
    say(f"Curve and figures: {options['out'] / 'index.html'}")
    _show_written(written, told, as_json=options["as_json"])


def _show_written(written: Mapping[str, str], told: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        show_json({**told, "written": dict(written)})
    else:
        for path in written.values():
            show(path)
