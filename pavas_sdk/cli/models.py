"""``pavas models``: presets that `PavasPipeline.from_pretrained` knows by name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.output import human_bytes, json_option, say, show, show_json, show_table
from pavas_sdk.data.paths import expanded
from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.errors import ConfigurationError, FormatError, PavasError
from pavas_sdk.registry import DEFAULTS, default_registry
from pavas_sdk.released.metric_models import METRIC_MODELS

if TYPE_CHECKING:
    from pavas_sdk.registry import RegisteredComponent
    from pavas_sdk.released.metric_models import MetricModel

__all__ = ["models"]


@click.group(cls=CommandGroup)
def models() -> None:
    """List, fetch and convert the presets that can be loaded."""


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List presets and networks of metrics: licence, size, and their folder on this machine."""
    rows = [_describe(entry) for entry in default_registry().components("pipeline")]
    networks = [_describe_network(model) for model in METRIC_MODELS.values()]
    if as_json:
        show_json({"models": rows, "metric_networks": networks})
        return
    show_table(
        ("NAME", "LICENCE", "SIZE", "PATH", "SUMMARY"),
        [
            (
                row["name"] + (" (default)" if row["default"] else ""),
                row["licence"] or "unknown",
                _size(row),
                row["path"] or "not on this machine",
                row["summary"],
            )
            for row in rows
        ],
    )
    show_table(
        ("FOR METRICS", "LICENCE", "SIZE", "PATH", "METRICS", "FILE"),
        [
            (
                row["name"],
                row["licence"],
                _size(row),
                row["path"] or "not on this machine",
                row["summary"],
                row["official_file"],
            )
            for row in networks
        ],
    )
    for row in rows:
        if row["error"]:
            say(f"Failed: {row['name']}: {row['error']}")


def _size(row: dict[str, Any]) -> str:
    if row["cached"]:
        return human_bytes(row["size_bytes"])
    return f"{human_bytes(row['download_bytes'])} to fetch" if row["download_bytes"] else "-"


@models.command("download")
@click.argument("name", shell_complete=complete_model)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Take the official files from this folder; nothing is fetched.",
)
@json_option
def download_model(name: str, source: Path | None, as_json: bool) -> None:
    """Fetch the official files of NAME and convert them once, into the cache folder.

    NAME is a preset, or a network of the metrics: see `pavas models list`.

    Interrupted, it keeps what was finished and begins the file it was at again. PAVAS_CACHE says
    where the cache is.
    """
    if name in METRIC_MODELS:
        model = METRIC_MODELS[name]
        folder = model.prepare(None if source is None else expanded(source), say=say)
        if as_json:
            show_json(_describe_network(model))
        else:
            show(str(folder))
        return
    entry = default_registry().get("pipeline", name)
    preset = entry.load()
    if hasattr(preset, "prepare"):
        folder = preset.prepare(None if source is None else expanded(source), say=say)
    elif source is not None:
        raise ConfigurationError(f"{entry.name} is not made of official files: leave out --from")
    else:
        folder = Path(entry.create())
    _show_folder(entry, folder, as_json)


@models.command("convert")
@click.argument("name", shell_complete=complete_model)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), required=True, help="Folder to write."
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Take the official files from this folder; default: the cache, else the Hub.",
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "bfloat16", "float16"]),
    default="float32",
    show_default=True,
    help="Of the written weights.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing folder.")
@json_option
def convert_model(
    name: str, out: Path, source: Path | None, dtype: str, overwrite: bool, as_json: bool
) -> None:
    """Write NAME as a folder of safetensors that from_pretrained loads and the Hub takes."""
    entry = default_registry().get("pipeline", name)
    preset = entry.load()
    if not hasattr(preset, "convert"):
        raise ConfigurationError(
            f"{entry.name} is not made of official files; copy its folder: "
            f'PavasPipeline.from_pretrained("{entry.name}").save_pretrained("{out}")'
        )
    folder = preset.convert(
        expanded(out),
        None if source is None else expanded(source),
        dtype=dtype,
        overwrite=overwrite,
        say=say,
    )
    _show_folder(entry, folder, as_json)


def _show_folder(entry: RegisteredComponent, folder: Path, as_json: bool) -> None:
    if as_json:
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        show_json(
            {
                "name": entry.name,
                "path": str(folder),
                "licence": entry.licence,
                "size_bytes": size,
                "sources": _sources(folder),
            }
        )
    else:
        show(str(folder))


def _sources(folder: Path) -> dict[str, Any]:
    """Official file of each component with its SHA-256, where the folder names them."""
    try:
        sources = PipelineOrigins.read(folder).sources
    except FormatError:
        return {}
    return {slot: source.get("official") for slot, source in sources.items()}


def _describe(entry: RegisteredComponent) -> dict[str, Any]:
    """One row: asks the preset for its folder without letting it download."""
    path: Path | None = None
    function, error = None, None
    try:
        function = entry.load()
        path = local_folder(entry)
    except PavasError as err:
        error = str(err)
    files = [] if path is None else [file for file in path.rglob("*") if file.is_file()]
    return {
        "name": entry.name,
        "qualified_name": entry.qualified_name,
        "version": entry.version,
        "licence": entry.licence,
        "summary": entry.spec.summary,
        "default": entry.qualified_name == DEFAULTS["pipeline"],
        "cached": path is not None,
        "path": None if path is None else str(path),
        "size_bytes": sum(file.stat().st_size for file in files),
        "download_bytes": getattr(function, "download_bytes", None),
        "error": error,
    }


def _describe_network(model: MetricModel) -> dict[str, Any]:
    folder = model.folder()
    files = [] if folder is None else [file for file in folder.rglob("*") if file.is_file()]
    return {
        "name": model.name,
        "summary": model.summary,
        "licence": model.licence,
        "official_file": model.official_file,
        "page": model.page,
        "cached": folder is not None,
        "path": None if folder is None else str(folder),
        "size_bytes": sum(file.stat().st_size for file in files),
        "download_bytes": model.download_bytes,
    }


def local_folder(entry: RegisteredComponent) -> Path | None:
    """Return a preset's folder if it is on this machine, else None; downloads nothing.

    A preset whose function takes ``local_files_only`` may answer None to it; one without
    parameters brings its files along.

    Raises:
        PavasError: The function cannot be imported, raised, or its folder does not exist.
    """
    function = entry.load()
    offline = "local_files_only" in inspect.signature(function).parameters
    folder = entry.create(**({"local_files_only": True} if offline else {}))
    if folder is None:
        return None
    path = Path(folder)
    if not path.is_dir():
        raise PavasError(
            f"preset {entry.qualified_name} names {path}, which is no folder; reinstall it: "
            f"pip install --force-reinstall {entry.distribution}"
        )
    return path
