"""``pavas evaluate folder``: sounds of any models, from plain folders, beside the true ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import click

from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.cli.progress import ClipProgress
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, OutputExistsError

__all__ = ["folder", "named_folders"]

_METRICS = ("onsets", "levels", "silence", "apcc")
_NETWORK_METRICS = (
    "fd-passt", "fd-panns", "fd-vgg", "kl-panns", "kl-passt", "is", "ib", "desync", "clap",
)  # fmt: skip


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
    help=f"Some of {','.join(_METRICS)} (no weights needed) and "
    f"{','.join(_NETWORK_METRICS)}, with commas; by default all that can run.",
)
@click.option(
    "--videos",
    type=click.Path(path_type=Path),
    help="The clips' videos, under the same names, for desync and ib.",
)
@click.option(
    "--captions",
    type=click.Path(path_type=Path),
    help="CSV file with the columns name and caption, for clap.",
)
@click.option(
    "--weights",
    type=click.Path(path_type=Path),
    help="Folder with official files of the networks; converted once, into the cache.",
)
@click.option("--device", help="For the networks: cpu, cuda, cuda:1, mps.  [default: cpu]")
@click.option(
    "--batch-size",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Clips that a network gets at once.",
)
@click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where what the networks heard is kept; by default in the cache folder of pavas.",
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
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Processes, for what needs no network.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for result.json, table.md, report.html and the rows of finished clips; goes on "
    "from there.",
)
@json_option
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace an existing result; what was measured of sounds that have changed since, too.",
)
def folder(
    models: tuple[str, ...],
    reference: Path,
    impacts: Path | None,
    metrics: str | None,
    videos: Path | None,
    captions: Path | None,
    weights: Path | None,
    device: str | None,
    batch_size: int,
    cache: Path | None,
    names: str,
    length_s: float,
    allow_missing: bool,
    jobs: int,
    out: Path | None,
    as_json: bool,
    overwrite: bool,
) -> None:
    """Compare sounds of one or several models with the true sounds.

    Needs no weights; metrics whose network is missing are named with the file to get.
    """
    from pavas_sdk.data.files import make_folder, write_text
    from pavas_sdk.evaluation import evaluate_folder
    from pavas_sdk.evaluation.folder_files import FolderFiles
    from pavas_sdk.evaluation.folder_page import folder_html
    from pavas_sdk.evaluation.folder_table import folder_markdown

    result_file = None if out is None else out / "result.json"
    if result_file is not None and result_file.exists() and not overwrite:
        raise OutputExistsError(f"{result_file} exists; use --overwrite to replace it")
    if out is not None:
        make_folder(out)
    if weights is not None:
        from pavas_sdk.released.metric_models import prepare_from

        prepare_from(expanded(weights), say=say)
    named = named_folders(models)
    named_by: Literal["exact", "vggsound"] = "vggsound" if names == "vggsound" else "exact"
    measured = evaluate_folder(
        named,
        reference,
        videos=videos,
        captions=captions,
        impacts=impacts,
        metrics=None if metrics is None else [name.strip() for name in metrics.split(",")],
        names=named_by,
        length_s=length_s,
        allow_missing=allow_missing,
        jobs=jobs,
        device=device,
        batch_size=batch_size,
        cache=cache,
        path=None if out is None else out / "rows.jsonl",
        anew=overwrite,
        say=say,
        progress=ClipProgress(),
    )
    table = folder_markdown(measured)
    if out is not None and result_file is not None:
        text = json.dumps(measured, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write_text(result_file, text, overwrite=True)
        write_text(out / "table.md", table, overwrite=True)
        files = FolderFiles.find(
            named, reference, videos=videos, names=named_by, allow_missing=allow_missing
        )
        page = folder_html(measured, files, table.partition("\n\n")[2])
        write_text(out / "report.html", page, overwrite=True)
        say(f"result in {result_file}, table in {out / 'table.md'}, page in {out / 'report.html'}")
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
