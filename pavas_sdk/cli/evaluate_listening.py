"""``pavas evaluate listening``: a listening test, prepared and scored."""

from __future__ import annotations

from pathlib import Path

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.evaluate_folder import named_folders
from pavas_sdk.cli.evaluation_report import (
    interval_text,
    number_text,
    report_file,
    report_options,
    write_report,
)
from pavas_sdk.cli.output import say, show, show_json, show_table

__all__ = ["listening"]


@click.group(cls=CommandGroup)
def listening() -> None:
    """Ask people: a blind test with four questions as in the paper's user study."""


@listening.command()
@click.option(
    "--generated",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]FOLDER",
    help="Sounds of one model (.wav, .flac); recordings may be one. Twice at least.",
)
@click.option(
    "--videos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Put the sounds under these pictures; else they are heard alone.",
)
@click.option("--clips", type=click.IntRange(1), help="How many clips, drawn. Default: all.")
@click.option(
    "--clips-per-rater",
    type=click.IntRange(1),
    default=8,
    show_default=True,
    help="How many each rater hears, with the sounds of all models.",
)
@click.option(
    "--checks",
    type=click.IntRange(0),
    default=2,
    show_default=True,
    help="Pages that say what to answer.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of what is drawn: clips, raters, orders.",
)
@click.option("--title", default="Listening test", show_default=True, help="Of the page.")
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that is made: site/ for any static host, and key.json, which stays with you.",
)
def prepare(
    models: tuple[str, ...],
    videos: Path | None,
    clips: int | None,
    clips_per_rater: int,
    checks: int,
    seed: int,
    title: str,
    out: Path,
) -> None:
    """Write the page for raters. Nothing in it says which model a sound is of."""
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.evaluation.listening.study import prepare_study

    key = prepare_study(
        named_folders(models),
        out,
        videos=videos,
        clips=clips,
        clips_per_rater=clips_per_rater,
        checks=checks,
        seed=seed,
        title=title,
        progress=ClipProgress(),
    )
    show(str(out / "site" / "index.html"))
    say(
        f"{len(key.items)} sounds, {key.trials} pages per rater; put {out / 'site'} on any static "
        f"host and keep {out / 'key.json'} to yourself"
    )


@listening.command()
@click.argument("answers", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="key.json of the study.",
)
@report_options
def score(
    answers: tuple[Path, ...], key_file: Path, out: str | None, overwrite: bool, as_json: bool
) -> None:
    """Score ANSWERS, files that raters saved or folders of them.

    Careless raters are dropped by a written rule, which the result holds.
    """
    from pavas_sdk.evaluation.listening.answers import read_answers
    from pavas_sdk.evaluation.listening.scores import score_listening
    from pavas_sdk.evaluation.listening.study import read_key

    report = report_file(out, "listening.json", overwrite=overwrite)
    key = read_key(key_file)
    files = [
        file
        for path in answers
        for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])
    ]
    measured = score_listening(key, read_answers(files, key))
    write_report(report, measured)
    if as_json:
        show_json(measured)
        return
    show_table(
        ("MODEL", "QUESTION", "MEAN", "SD", "95 %", "RATINGS"),
        [
            (
                model,
                measured["conventions"][name]["title"],
                number_text(row["value"], 2),
                number_text(row["sd"], 2),
                interval_text(row["interval"], 2),
                row["ratings"],
            )
            for model, entry in measured["models"].items()
            for name, row in entry["metrics"].items()
        ],
    )
    show_table(
        ("FIRST", "SECOND", "QUESTION", "DIFFERENCE", "p", "p (Holm)"),
        [
            (
                row["first"],
                row["second"],
                measured["conventions"][row["question"]]["title"],
                number_text(row["difference"], 2),
                number_text(row["p"]),
                number_text(row["p_holm"]),
            )
            for row in measured["pairwise"]
        ],
    )
    say(f"{measured['raters']} raters; {measured['rule']}")
    for name, why in measured["dropped"].items():
        say(f"  dropped {name}: {', '.join(why)}")
