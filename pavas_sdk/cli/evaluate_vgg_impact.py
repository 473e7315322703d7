"""``pavas evaluate vgg-impact``: how onset strength follows energy, over recorded clips."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.evaluate_folder import named_folders
from pavas_sdk.cli.evaluation_report import (
    interval_text,
    keep_option,
    number_text,
    report_file,
    report_options,
    write_report,
)
from pavas_sdk.cli.output import say, show_json, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["vgg_impact"]


@click.command("vgg-impact")
@click.option(
    "--impacts",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The list (pavas.impacts); its accepted impacts count.",
)
@click.option(
    "--generated",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]FOLDER",
    help="Sounds of one model (.wav, .flac), named as the clips. May be repeated.",
)
@click.option(
    "--reference",
    required=True,
    type=click.Path(path_type=Path),
    help="The true sounds; there may be more than in the list.",
)
@click.option(
    "--videos",
    type=click.Path(path_type=Path, file_okay=False),
    help="Estimate the energy of impacts that have none in the list; else these do not count.",
)
@click.option(
    "--names",
    type=click.Choice(["exact", "vggsound"]),
    default="exact",
    show_default=True,
    help="vggsound: what models put around VGGSound's names is cut.",
)
@click.option(
    "--length",
    "length_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Longer sounds are cut here, and later impacts left out. Default: the true sound's length.",
)
@click.option(
    "--allow-missing", is_flag=True, help="Missing clips count with the worst values; no error."
)
@estimator_options
@keep_option
@report_options
def vgg_impact(
    impacts: Path,
    models: tuple[str, ...],
    reference: Path,
    videos: Path | None,
    names: str,
    length_s: float | None,
    allow_missing: bool,
    keep: Path | None,
    out: str | None,
    overwrite: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Measure APCC over the impacts of a list: does a heavier or faster blow sound stronger?

    The digest of the list is part of the result: other lists give other numbers.
    """
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.evaluation import evaluate_vgg_impact

    choice = take_choice(options)
    report = report_file(out, "vgg-impact.json", overwrite=overwrite)
    measured = evaluate_vgg_impact(
        impacts,
        named_folders(models),
        reference,
        videos=videos,
        estimator=None if videos is None else choice.build(),
        cache=choice.cache,
        names="vggsound" if names == "vggsound" else "exact",
        length_s=length_s,
        allow_missing=allow_missing,
        path=keep,
        progress=ClipProgress(),
    )
    write_report(report, measured)
    if as_json:
        show_json(measured)
        return
    _show(measured)


def _show(measured: Mapping[str, Any]) -> None:
    rows = []
    for model, entry in measured["models"].items():
        for key in ("apcc_delta", "apcc_delta_weighted"):
            figure = entry["metrics"][key]
            title = measured["conventions"][key]["title"]
            rows.append(
                (model, title, number_text(figure["value"]), interval_text(figure["interval"]))
            )
    show_table(("MODEL", "FIGURE", "VALUE", "95 %"), rows)
    show_table(
        ("MODEL", "CLASS", "CLIPS", "IMPACTS", "APCC", "REFERENCE", "DELTA", "95 %"),
        [
            (
                model,
                name,
                row["clips"],
                row["impacts"],
                number_text(row["apcc"]),
                number_text(row["apcc_reference"]),
                number_text(row["delta"]),
                interval_text(row["interval"]),
            )
            for model, entry in measured["models"].items()
            for name, row in entry["classes"].items()
        ],
    )
    of = measured["list"]
    say(
        f"{of['impacts']} impacts in {of['clips']} clips of {of['name'] or 'the list'} "
        f"({of['digest'][:12]}); {of['energies_estimated']} energies estimated, "
        f"{of['without_energy']} impacts without one do not count"
    )
    for model, entry in measured["models"].items():
        for status, clips in entry["failed"].items():
            say(f"{model}: {len(clips)} {status}")
    if measured["classes_left_out"]:
        say(f"left out, with fewer than 3 impacts: {', '.join(measured['classes_left_out'])}")
