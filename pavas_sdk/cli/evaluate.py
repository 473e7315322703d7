"""``pavas evaluate``: how good the sound is, on simulated clips and on recorded ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.evaluate_ablation import ablation
from pavas_sdk.cli.evaluate_clips import clips as recorded_clips
from pavas_sdk.cli.evaluate_estimators import estimators
from pavas_sdk.cli.evaluate_folder import folder
from pavas_sdk.cli.evaluate_listening import listening
from pavas_sdk.cli.evaluate_pairs import pairs
from pavas_sdk.cli.evaluate_phyavbench import phyavbench
from pavas_sdk.cli.evaluate_table import table
from pavas_sdk.cli.evaluate_vgg_impact import vgg_impact
from pavas_sdk.cli.evaluation_report import interval_text, number_text
from pavas_sdk.cli.output import json_option, say, show_json, show_table
from pavas_sdk.cli.progress import ClipProgress

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["evaluate"]

_CLIPS = 200


@click.group(cls=CommandGroup)
def evaluate() -> None:
    """Measure how good the sound is.

    Simulated clips are made from seeds that training never uses: evaluation seed S takes the clips
    10,000,000 + S * 1,000,000 + i.
    """


evaluate.add_command(recorded_clips)
evaluate.add_command(folder)
evaluate.add_command(estimators)
evaluate.add_command(vgg_impact)
evaluate.add_command(pairs)
evaluate.add_command(phyavbench)
evaluate.add_command(listening)
evaluate.add_command(table)
evaluate.add_command(ablation)


def _shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that both measurements share."""
    for option in reversed(
        (
            click.option(
                "--clips",
                type=click.IntRange(1),
                default=_CLIPS,
                show_default=True,
                help="How many.",
            ),
            click.option(
                "--seed",
                type=click.IntRange(0),
                default=0,
                show_default=True,
                help="Which clips; different seeds share none.",
            ),
            click.option(
                "--model",
                default=None,
                shell_complete=complete_model,
                help="Preset, folder or Hub repository; by default the default preset.",
            ),
            click.option(
                "--adapter",
                metavar="SOURCE",
                help="Adapter in place of the model's own: a folder, or owner/name on the Hub.",
            ),
            click.option(
                "--prompts",
                type=click.Choice(["auto", "clip", "none"]),
                default="auto",
                show_default=True,
                help="Whether the model is told what the clip shows. auto: only with given "
                "physics or none, not with estimated.",
            ),
            click.option("--steps", type=click.IntRange(1), help="Euler steps."),
            click.option("--guidance", type=float, help="Guidance scale."),
            click.option("--video-guidance", type=float, help="Weight of the pictures."),
            click.option("--physics-guidance", type=float, help="Weight of physics and text."),
            click.option(
                "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes."
            ),
            click.option(
                "--out",
                type=click.Path(dir_okay=False, path_type=Path),
                help="Keep the rows of finished clips here (JSON lines), and go on from there.",
            ),
            json_option,
        )
    ):
        function = option(function)
    return function


@evaluate.command()
@_shared_options
@click.option(
    "--physics",
    type=click.Choice(["true", "estimated", "none"]),
    default="true",
    show_default=True,
    help="What the model is given: true masses, speeds and masks; nothing; or empty tokens.",
)
def simulated(
    clips: int,
    seed: int,
    model: str | None,
    adapter: str | None,
    prompts: str,
    steps: int | None,
    guidance: float | None,
    video_guidance: float | None,
    physics_guidance: float | None,
    jobs: int,
    out: Path | None,
    as_json: bool,
    physics: str,
) -> None:
    """Compare generated with true sound at the impacts of simulated clips.

    --model codec sends the true sound through codec and vocoder: the best that can be reached.
    """
    from pavas_sdk.evaluation import evaluate_simulated, sound_options

    options = sound_options(
        model,
        physics=physics,
        prompts=prompts,
        steps=steps,
        guidance=guidance,
        video_guidance=video_guidance,
        physics_guidance=physics_guidance,
        adapter=adapter,
    )
    measured = evaluate_simulated(
        options, clips=clips, seed=seed, jobs=jobs, path=out, progress=ClipProgress()
    )
    if as_json:
        show_json(measured)
        return
    show_table(
        ("METRIC", "VALUE", "95 %"),
        [
            (name, number_text(measured[name]), interval_text(interval))
            for name, interval in measured["intervals"].items()
        ],
    )
    show_table(
        ("CLASS", "CLIPS", "IMPACTS", "APCC", "REFERENCE", "DELTA", "95 %"),
        [
            (
                name,
                row["clips"],
                row["impacts"],
                number_text(row["apcc"]),
                number_text(row["apcc_reference"]),
                number_text(row["apcc_delta"]),
                interval_text(row["intervals"]["apcc_delta"]),
            )
            for name, row in measured["apcc_classes"].items()
        ],
    )
    show_table(
        ("MATERIAL", "IMPACTS", "CENTROID Hz", "TRUE", "20 dB DOWN s", "TRUE"),
        [
            (
                name,
                row["impacts"],
                number_text(row["centroid_hz"]),
                number_text(row["centroid_reference_hz"]),
                number_text(row["decay_20db_s"]),
                number_text(row["decay_20db_reference_s"]),
            )
            for name, row in measured["timbre"].items()
        ],
    )
    say(f"{measured['impacts']} impacts in {measured['clips']} clips, seed {seed}")


@evaluate.command()
@_shared_options
def edits(
    clips: int,
    seed: int,
    model: str | None,
    adapter: str | None,
    prompts: str,
    steps: int | None,
    guidance: float | None,
    video_guidance: float | None,
    physics_guidance: float | None,
    jobs: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Double and halve masses and speeds, with the same noise: does the level follow?"""
    from pavas_sdk.evaluation import evaluate_edits, sound_options

    options = sound_options(
        model,
        prompts=prompts,
        steps=steps,
        guidance=guidance,
        video_guidance=video_guidance,
        physics_guidance=physics_guidance,
        adapter=adapter,
    )
    measured = evaluate_edits(
        options, clips=clips, seed=seed, jobs=jobs, path=out, progress=ClipProgress()
    )
    if as_json:
        show_json(measured)
        return
    show_table(
        ("EDIT", "RIGHT WAY", "95 %", "SHIFT dB", "EXPECTED dB"),
        [
            (
                name,
                number_text(row["right_way"]),
                interval_text(row["intervals"]["right_way"]),
                number_text(row["shift_db"]),
                number_text(row["expected_db"]),
            )
            for name, row in measured["edits"].items()
        ],
    )
    say(
        f"{number_text(measured['right_way'])} of {measured['impacts']} impacts move the right way "
        f"({measured['clips']} clips, seed {seed})"
    )
