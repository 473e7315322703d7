"""``pavas evaluate pairs``: does the sound change the right way when one factor does?"""

from __future__ import annotations

from pathlib import Path

import click

from pavas_sdk.cli.evaluate_folder import named_folders
from pavas_sdk.cli.evaluation_report import (
    interval_text,
    number_text,
    report_file,
    report_options,
    write_report,
)
from pavas_sdk.cli.output import say, show_json, show_table

__all__ = ["pairs"]


@click.command()
@click.option(
    "--pairs",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Which sounds should differ how (pavas.pairs).",
)
@click.option(
    "--generated",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]FOLDER",
    help="Sounds of one model (.wav, .flac). May be repeated.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path, file_okay=False),
    help="Recordings of the same pairs, for the size of the effect.",
)
@report_options
def pairs(
    file: Path,
    models: tuple[str, ...],
    reference: Path | None,
    out: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Measure in how many pairs pitch, decay, level, brightness or onset change the right way.

    Needs no weights. A sound that is missing or silent makes its pair a wrong one.
    """
    from pavas_sdk.evaluation import evaluate_pairs

    report = report_file(out, "pairs.json", overwrite=overwrite)
    measured = evaluate_pairs(file, named_folders(models), reference=reference)
    write_report(report, measured)
    if as_json:
        show_json(measured)
        return
    show_table(
        ("MODEL", "FIGURE", "VALUE", "95 %"),
        [
            (
                model,
                measured["conventions"][name]["title"],
                number_text(figure["value"]),
                interval_text(figure["interval"]),
            )
            for model, entry in measured["models"].items()
            for name, figure in entry["metrics"].items()
        ],
    )
    show_table(
        ("MODEL", "QUANTITY", "PAIRS", "RIGHT"),
        [
            (model, name, row["pairs"], number_text(row["right_share"]))
            for model, entry in measured["models"].items()
            for name, row in entry["by_quantity"].items()
        ],
    )
    say(measured["about"])
    for model, entry in measured["models"].items():
        unread = [row for row in entry["pairs"] if "why" in row]
        if unread:
            say(
                f"{model}: {len(unread)} pairs without a change, such as {unread[0]['pair']}: {unread[0]['why']}"
            )
