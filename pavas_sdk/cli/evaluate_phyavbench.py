"""``pavas evaluate phyavbench``: CPRS of models' sounds beside the recorded directions."""

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

__all__ = ["phyavbench"]


@click.command()
@click.argument("checkout", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--sounds",
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Sounds of one model: ID_a.wav and ID_b.wav (or .flac). May be repeated.",
)
@click.option(
    "--embeddings",
    multiple=True,
    metavar="[NAME=]FOLDER",
    help="Embeddings of one model's sounds: ID_a.npy and ID_b.npy. May be repeated.",
)
@click.option(
    "--network",
    type=click.Choice(["clap", "imagebind"]),
    default="clap",
    show_default=True,
    help="Which network hears them, or made the embeddings.",
)
@click.option("--device", help="For the network: cpu, cuda, cuda:1, mps.  [default: cpu]")
@click.option("--allow-missing", is_flag=True, help="Missing pairs count 0; no error.")
@report_options
def phyavbench(
    checkout: Path,
    sounds: tuple[str, ...],
    embeddings: tuple[str, ...],
    network: str,
    device: str | None,
    allow_missing: bool,
    out: str | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Score how sounds change between the prompts of PhyAVBench's pairs.

    CHECKOUT is the benchmark's repository, whose recorded directions are read where they lie.
    """
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.evaluation import evaluate_phyavbench

    if not (sounds or embeddings):
        raise click.UsageError("give a model's folder with --sounds or --embeddings")
    report = report_file(out, "phyavbench.json", overwrite=overwrite)
    measured = evaluate_phyavbench(
        checkout,
        named_folders(embeddings),
        sounds=named_folders(sounds),
        network=network,
        allow_missing=allow_missing,
        device=device,
        progress=ClipProgress() if sounds else None,
    )
    write_report(report, measured)
    if as_json:
        show_json(measured)
        return
    rows: list[tuple[object, ...]] = []
    for model, entry in measured["models"].items():
        figure = entry["metrics"]["cprs"]
        rows.append(
            (model, "all", "-", number_text(figure["value"]), interval_text(figure["interval"]))
        )
        rows += [
            (model, name, row["pairs"], number_text(row["cprs"]), "-")
            for name, row in entry["by_dimension"].items()
        ]
        if entry["missing"]:
            say(f"{model}: {len(entry['missing'])} pairs are missing and count 0")
    show_table(("MODEL", "DIMENSION", "PAIRS", "CPRS", "95 %"), rows)
    say(measured["about"])
