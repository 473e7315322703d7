"""``pavas evaluate clips``: how good estimators and sound are on recorded clips."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.output import json_option, named_file, say, show, show_json, show_table
from pavas_sdk.errors import OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["clips"]

_CONDITIONS = ("estimated", "true", "none")


@click.command()
@click.argument("truth", type=click.Path(path_type=Path))
@click.option(
    "--clips",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the clips lie; by default beside TRUTH.",
)
@click.option(
    "--model",
    default=None,
    shell_complete=complete_model,
    help="Preset, folder or Hub repository; by default the default preset.",
)
@click.option(
    "--physics",
    type=click.Choice(_CONDITIONS),
    multiple=True,
    default=_CONDITIONS,
    help="What sounds are made from: the estimate, physics made from the truth, or empty tokens. "
    "May be repeated; by default all three.",
)
@click.option(
    "--seeds",
    type=click.IntRange(0),
    default=3,
    show_default=True,
    help="Sounds per clip and kind of physics; 0: the estimators alone.",
)
@click.option(
    "--within",
    "within_s",
    type=click.FloatRange(0, min_open=True),
    default=0.1,
    show_default=True,
    metavar="SECONDS",
    help="How far a detection may be from its impact.",
)
@click.option("--steps", type=click.IntRange(1), help="Euler steps.")
@click.option("--guidance", type=float, help="Guidance scale.")
@click.option("--video-guidance", type=float, help="Weight of the pictures.")
@click.option("--physics-guidance", type=float, help="Weight of physics and text.")
@estimator_options
@click.option("--device", default="cpu", show_default=True, help="torch device of the models.")
@click.option("-o", "--out", metavar="FILE", help="Write the report (JSON) here.")
@click.option(
    "--keep",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the rows of finished clips here (JSON lines), and go on from there.",
)
@json_option
@click.option("--overwrite", is_flag=True, help="Replace an existing report.")
def clips(
    truth: Path,
    folder: Path | None,
    model: str | None,
    physics: tuple[str, ...],
    seeds: int,
    within_s: float,
    steps: int | None,
    guidance: float | None,
    video_guidance: float | None,
    physics_guidance: float | None,
    device: str,
    out: str | None,
    keep: Path | None,
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Score estimators and sounds on recorded clips whose impacts are known.

    TRUTH is a JSON file that says what happens in each clip (format pavas.truth).
    """
    from pavas_sdk.cli.generate import load_pipeline
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.data.files import write_text
    from pavas_sdk.evaluation import evaluate_clips, read_truth

    choice = take_choice(options)
    report = None if out is None else named_file(out, f"{truth.stem}.scores.json")
    if report is not None and report.exists() and not overwrite:
        raise OutputExistsError(f"{report} exists; use --overwrite to replace it")
    read_truth(truth)  # a wrong file is told before a model is loaded
    pipe = load_pipeline(model, device, "float32", choice)
    pipe.set_progress_bar_config(disable=True)
    measured = evaluate_clips(
        truth,
        truth.parent if folder is None else folder,
        model=pipe,
        physics=physics,
        seeds=seeds,
        steps=steps,
        guidance=guidance,
        video_guidance=video_guidance,
        physics_guidance=physics_guidance,
        within_s=within_s,
        cache=choice.cache,
        path=keep,
        progress=ClipProgress(),
    )
    if report is not None:
        write_text(report, json.dumps(measured, indent=1, allow_nan=False) + "\n", overwrite=True)
        say(f"report in {report}")
    if as_json:
        show_json(measured)
        return
    _show(measured)


def _show(measured: Mapping[str, Any]) -> None:
    """Print a line per clip, then the pooled scores, then classes."""
    groups = [group for group in measured["scores"] if group != "objects"]
    header = ("KIND", *(f"F1 {group.removeprefix('sound ')}" for group in groups))
    show_table(
        ("CLIP", *header, "TRUE", "FOUND", "MASS"),
        [
            (
                clip["name"],
                clip["kind"] or "-",
                *_f1s(clip["scores"], groups),
                clip["impacts"]["true"],
                clip["impacts"]["detected"],
                {True: "in range", False: "out", None: "-"}[clip["mass_in_range"]],
            )
            for clip in measured["clips"]
        ],
    )
    show("")
    own = ("impacts", "objects")
    show_table(
        ("ESTIMATE", "VALUE (95 %)"),
        [
            (
                name if group == "objects" else f"impacts {name}",
                _with_interval(measured, group, name),
            )
            for group in own
            for name in measured["scores"][group]
        ],
    )
    show("")
    sounds = [group for group in measured["scores"] if group not in own]
    show_table(
        ("SOUND", *(f"{group.removeprefix('sound ').upper()} (95 %)" for group in sounds)),
        [
            (name, *(_with_interval(measured, group, name) for group in sounds))
            for name in (measured["scores"][sounds[0]] if sounds else ())
        ],
    )
    if measured["classes"]:
        show("")
    show_table(
        ("CLASS", "CLIPS", *header[1:]),
        [
            (kind, row["clips"], *_f1s(row["scores"], groups))
            for kind, row in measured["classes"].items()
        ],
    )
    for condition, count in measured["sounds"].items():
        say(f"{count['sounds']} sounds of {count['clips']} clips from {condition} physics")
    for clip in measured["clips"]:
        for condition, reason in clip["skipped"].items():
            say(f"{clip['name']}: no sound from {condition} physics: {reason}")


def _f1s(scores: Mapping[str, Mapping[str, float | None]], groups: Sequence[str]) -> list[str]:
    return [_number(scores.get(group, {}).get("f1")) for group in groups]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _with_interval(measured: Mapping[str, Any], group: str, name: str) -> str:
    value, interval = measured["scores"][group][name], measured["intervals"][group][name]
    if interval is None:
        return _number(value)
    return f"{_number(value)} ({interval[0]:.2f} to {interval[1]:.2f})"
