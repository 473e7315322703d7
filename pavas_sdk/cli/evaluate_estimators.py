"""``pavas evaluate estimators``: masses, speeds and impacts against truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.evaluation_report import (
    interval_text,
    keep_option,
    number_text,
    report_file,
    report_options,
    write_report,
)
from pavas_sdk.cli.output import say, show_json, show_table
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["estimators"]

_COPIED = 0.5


@click.command()
@click.option(
    "--simulated",
    "clips",
    type=click.IntRange(1),
    metavar="N",
    help="Masses, speeds and impacts on N simulated clips.",
)
@click.option(
    "--masses",
    metavar="FILE",
    help="Masses of the things in a list (pavas.masses); everyday: the shipped table.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Which simulated clips."
)
@click.option(
    "--prompts",
    type=click.Choice(["none", "clip"]),
    default="none",
    show_default=True,
    help="Whether the estimators are told what a simulated clip shows.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option(
    "--skip-failures", is_flag=True, help="With --masses: a failure is no answer, not an error."
)
@estimator_options
@click.option("--device", default="cpu", show_default=True, help="torch device of the models.")
@keep_option
@report_options
def estimators(
    clips: int | None,
    masses: str | None,
    seed: int,
    prompts: str,
    jobs: int,
    skip_failures: bool,
    device: str,
    keep: Path | None,
    out: str | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Score physics estimators against known masses, speeds and impacts.

    Either --simulated N (any slots), or --masses FILE (the mass estimator alone).
    """
    from pavas_sdk.cli.estimate import move_to_device
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.evaluation import evaluate_estimators, evaluate_masses

    if (clips is None) == (masses is None):
        raise click.UsageError("give either --simulated N or --masses FILE (or --masses everyday)")
    choice = take_choice(options)
    report = report_file(out, "estimators.json", overwrite=overwrite)
    if jobs > 1 and device != "cpu":
        raise ConfigurationError(f"--jobs {jobs} works with --device cpu only, got {device}")
    estimator = choice.build()
    move_to_device(estimator, device)
    if masses is not None:
        measured = evaluate_masses(
            estimator,
            masses,
            skip_failures=skip_failures,
            path=keep,
            progress=ClipProgress("things"),
        )
    else:
        measured = evaluate_estimators(
            estimator,
            clips=clips or 0,
            seed=seed,
            prompts=prompts,
            jobs=jobs,
            path=keep,
            progress=ClipProgress(),
        )
    write_report(report, measured)
    if as_json:
        show_json(measured)
    elif masses is not None:
        _show_masses(measured)
    else:
        _show_simulated(measured)


def _show_masses(measured: Mapping[str, Any]) -> None:
    show_table(
        ("FIGURE", "VALUE", "95 %"),
        [
            (name, number_text(value), interval_text(measured["intervals"][name]))
            for name, value in measured["figures"].items()
        ],
    )
    show_table(
        ("FARTHEST OFF", "ESTIMATED kg", "TRUE kg"),
        [
            (row["name"], f"{row['mass_kg']:.3g}", f"{row['true_kg']:.3g}")
            for row in measured["worst"]
        ],
    )
    say(
        f"{measured['things']} things, {measured['shown']} with a picture, "
        f"{len(measured['unanswered'])} without an answer"
    )
    copied = measured["copied_share"]
    if copied is not None and copied > _COPIED:
        say(
            f"{copied:.0%} of the answers are the list's own numbers: this estimator looks masses up "
            "in the list that it is scored against, so these figures say nothing about it"
        )


def _show_simulated(measured: Mapping[str, Any]) -> None:
    show_table(
        ("OF", "FIGURE", "VALUE", "95 %"),
        [
            (group, name, number_text(value), interval_text(measured["intervals"][group][name]))
            for group, part in measured["scores"].items()
            for name, value in part.items()
        ],
    )
    say(
        f"{measured['objects']} objects and {measured['impacts']} impacts in {measured['clips']} "
        f"clips, seed {measured['seed']}"
    )
