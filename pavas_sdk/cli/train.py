"""``pavas train``: the recipes behind the weights."""

from __future__ import annotations

from pathlib import Path

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.cli.train_stages import adapter, backbone, ema, lora

__all__ = ["train"]


@click.group(cls=CommandGroup)
def train() -> None:
    """Train a model (needs pavas-sdk[train])."""


for command in (backbone, adapter, lora, ema):
    train.add_command(command)


@train.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for everything; finished stages in it are kept.",
)
@click.option(
    "--clips",
    type=click.IntRange(2),
    default=3000,
    show_default=True,
    help="Simulated clips of 4 s.",
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=5800,
    show_default=True,
    help="Steps of the flow network; fewer shrink everything else, too.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of weights, order and noise.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes that simulate."
)
@click.option("--without-physics", is_flag=True, help="Train the twin without an adapter.")
@click.option("--resume", is_flag=True, help="Go on from the last checkpoint.")
@json_option
def tiny(
    out: Path,
    clips: int,
    steps: int,
    seed: int,
    jobs: int,
    without_physics: bool,
    resume: bool,
    as_json: bool,
) -> None:
    """Train pavas-tiny on simulated impacts: clips, encoders, flow network, gain, pipeline.

    The defaults are near the shipped weights' recipe. The result, OUT/pipeline, is a folder for
    `pavas generate --model`. With --without-physics in the same folder, clips, encoders and
    features are shared, and the result is OUT/pipeline_without_physics.
    """
    from dataclasses import replace

    from pavas_sdk.training.recipe import TinyRecipe, scaled
    from pavas_sdk.training.tiny import train_tiny

    recipe = scaled(TinyRecipe(jobs=jobs), clips=clips, steps=steps, seed=seed)
    recipe = replace(recipe, with_physics=not without_physics)
    say(f"Training pavas-tiny in {out} ({clips} clips, {steps} steps)")
    folder = train_tiny(out, recipe, resume=resume)
    if as_json:
        show_json({"pipeline": str(folder), "clips": clips, "steps": steps, "seed": seed})
    else:
        say(f"Saved {folder}")
        show(str(folder))
