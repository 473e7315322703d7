"""``pavas models``: presets that `PavasPipeline.from_pretrained` knows by name."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.output import human_bytes, json_option, say, show_json, show_table
from pavas_sdk.errors import PavasError
from pavas_sdk.registry import DEFAULTS, default_registry

if TYPE_CHECKING:
    from pavas_sdk.registry import RegisteredComponent

__all__ = ["models"]


@click.group()
def models() -> None:
    """List the presets that can be loaded."""


@models.command("list")
@json_option
def list_models(as_json: bool) -> None:
    """List presets with licence, size, and the folder they lie in on this machine."""
    rows = [_describe(entry) for entry in default_registry().components("pipeline")]
    if as_json:
        show_json({"models": rows})
        return
    show_table(
        ("NAME", "LICENCE", "SIZE", "PATH", "SUMMARY"),
        [
            (
                row["name"] + (" (default)" if row["default"] else ""),
                row["licence"] or "unknown",
                human_bytes(row["size_bytes"]) if row["cached"] else "-",
                row["path"] or "not on this machine",
                row["summary"],
            )
            for row in rows
        ],
    )
    for row in rows:
        if row["error"]:
            say(f"Failed: {row['name']}: {row['error']}")


def _describe(entry: RegisteredComponent) -> dict[str, Any]:
    """One row: asks the preset for its folder without letting it download."""
    path: Path | None = None
    error = None
    try:
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
        "error": error,
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
