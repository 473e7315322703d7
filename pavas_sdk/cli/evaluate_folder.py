"""``pavas evaluate folder``: sounds of any models, from plain folders, beside the true ones."""

from __future__ import annotations

import json
from pathlib import Path

import click

from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.cli.progress import ClipProgress
from pavas_sdk.errors import ConfigurationError, OutputExistsError

__all__ = ["folder", "named_folders"]

_METRICS = ("onsets", "levels", "silence", "apcc")


@click.command()
@click.option(
    "--generated",
    "models",
    multiple=True,
    required=True,
    metavar="[NAME=]FOLDER",
    help="Sounds of one model (.wav, .flac). May be repeated: one row of the table each.",
)
@click.option(
    "--reference",
    required=True,
    type=click.Path(path_type=Path),
    help="The true sounds, under the same names.",
)
@click.option(
    "--impacts", type=click.Path(path_type=Path), help="Known impacts (pavas.impacts), for APCC."
)
@click.option(
    "--metrics",
    help=f"Some of {','.join(_METRICS)}, with commas; by default all that can run.",
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
    default=8.0,
    show_default=True,
    metavar="SECONDS",
    help="Longer sounds are cut here.",
)
@click.option(
    "--allow-missing", is_flag=True, help="Missing clips count with the worst values; no error."
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for result.json, table.md and the rows of finished clips; goes on from there.",
)
@json_option
@click.option("--overwrite", is_flag=True, help="Replace an existing result.")
def folder(
    models: tuple[str, ...],
    reference: Path,
    impacts: Path | None,
    metrics: str | None,
    names: str,
    length_s: float,
    allow_missing: bool,
    jobs: int,
    out: Path | None,
    as_json: bool,
    overwrite: bool,
) -> None:
    """Compare sounds of one or several models with the true sounds. Needs no weights."""
    from pavas_sdk.data.files import make_folder, write_text
    from pavas_sdk.evaluation import evaluate_folder
    from pavas_sdk.evaluation.folder_table import folder_markdown

    result_file = None if out is None else out / "result.json"
    if result_file is not None and result_file.exists() and not overwrite:
        raise OutputExistsError(f"{result_file} exists; use --overwrite to replace it")
    if out is not None:
        make_folder(out)
    measured = evaluate_folder(
        named_folders(models),
        reference,
        impacts=impacts,
        metrics=None if metrics is None else [name.strip() for name in metrics.split(",")],
        names="vggsound" if names == "vggsound" else "exact",
        length_s=length_s,
        allow_missing=allow_missing,
        jobs=jobs,
        path=None if out is None else out / "rows.jsonl",
        progress=ClipProgress(),
    )
    table = folder_markdown(measured)
    if out is not None and result_file is not None:
        text = json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(result_file, text, overwrite=True)
        write_text(out / "table.md", table, overwrite=True)
        say(f"result in {result_file}, table in {out / 'table.md'}")
    if as_json:
        show_json(measured)
    else:
        show(table.rstrip("\n"))


def named_folders(models: tuple[str, ...]) -> dict[str, Path]:
    """Read NAME=FOLDER, or a folder whose own name is the model's.

    Raises:
        ConfigurationError: A model without a name of its own.
    """
    found: dict[str, Path] = {}
    for text in models:
        name, equals, path = text.partition("=")
        folder = Path(path if equals else text)
        name = name if equals else folder.name
        if not name or name in found:
            raise ConfigurationError(
                f"models need names of their own, got {name!r} for {folder}; use NAME=FOLDER"
            )
        found[name] = folder
    return found
