"""``pavas adapters``: what a published adapter is, publishing one, and those on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.output import json_option, say, show, show_json, show_table
from pavas_sdk.errors import ConfigurationError, PavasError

__all__ = ["adapters"]

_TAG = "pavas-adapter"


@click.group(cls=CommandGroup)
def adapters() -> None:
    """Show, publish and list conditioning adapters."""


@adapters.command("show")
@click.argument("source")
@click.option("--revision", help="Branch, tag or commit of a Hub repository.")
@json_option
def show_adapter(source: str, revision: str | None, as_json: bool) -> None:
    """Say what the adapter SOURCE (a folder, or owner/name on the Hub) needs and belongs to.

    Exit code 1: this installation cannot load it; the reasons are told.
    """
    from pavas_sdk.data.adapter_document import AdapterDocument
    from pavas_sdk.pipelines.adapters import check_adapter, fetch_adapter
    from pavas_sdk.registry import default_registry

    folder = fetch_adapter(source, **({"revision": revision} if revision else {}))
    document = AdapterDocument.read(folder, source=source)
    problem = None
    try:
        check_adapter(document, folder, None, registry=default_registry())
    except PavasError as err:
        problem = str(err)
    if as_json:
        show_json({"path": str(folder), "problem": problem, **document.to_json()})
    else:
        rows = [
            ("component", f"{document.component.qualified_name} {document.component.version}"),
            ("backbone", document.backbone.name),
            ("backbone changed", document.backbone_changed),
            *((f"training: {k}", str(v)) for k, v in document.training.items()),
            *((f"licence of {k}", v) for k, v in document.licences.items()),
            *(
                (f"{entry.get('file', '')}: {name}", f"{value:.4g}")
                for entry in document.figures
                for name, value in entry["metrics"].items()
            ),
        ]
        show_table(("WHAT", "VALUE"), rows)
    if problem:
        say(problem)
        click.get_current_context().exit(1)


@adapters.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("repository")
@click.option(
    "--figures",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="A file that `pavas evaluate ... --json` wrote; several times for several.",
)
@click.option("--no-figures", is_flag=True, help="Publish without: the card then says so.")
@click.option("--private", is_flag=True, help="A new repository is private.")
@click.option("--create-pr", is_flag=True, help="As a pull request.")
@click.option("--dry-run", is_flag=True, help="Print the card; nothing is uploaded.")
@json_option
def publish(
    folder: Path,
    repository: str,
    figures: tuple[Path, ...],
    no_figures: bool,
    private: bool,
    create_pr: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Upload the adapter in FOLDER to REPOSITORY (owner/name), with a card made from its figures.

    Log in first: `hf auth login`.
    """
    from pavas_sdk.data.adapter_document import AdapterDocument
    from pavas_sdk.interfaces.adapter_card import adapter_card, check_repository
    from pavas_sdk.interfaces.published_adapter import publish_folder, with_figures

    check_repository(repository)
    document = with_figures(AdapterDocument.read(folder), list(figures) or None)
    if not document.figures and not no_figures:
        raise ConfigurationError(
            f"{folder} has no figures. Measure them (pavas evaluate simulated --model PIPELINE "
            "--json > eval.json) and give --figures eval.json, or --no-figures: the card says so"
        )
    if dry_run:
        show(adapter_card(document, repository))
        return
    address = publish_folder(
        folder,
        repository,
        figures=list(figures) or None,
        private=private or None,
        create_pr=create_pr,
        commit_message="Upload adapter",
    )
    if as_json:
        show_json({"repository": repository, "address": address})
    else:
        show(address)


@adapters.command("list")
@click.option("--hub", is_flag=True, help="Also ask the Hub for adapters of everybody.")
@json_option
def list_adapters(hub: bool, as_json: bool) -> None:
    """List kinds of adapters that are installed, and published ones in the Hub's cache."""
    from pavas_sdk.registry import default_registry

    rows = [
        {
            "kind": "installed",
            "name": entry.qualified_name,
            "backbone": "",
            "licence": entry.licence,
            "path": None,
        }
        for entry in default_registry().components("conditioning_adapter")
    ]
    rows += _cached()
    if hub:
        rows += _on_hub()
    if as_json:
        show_json({"adapters": rows})
        return
    show_table(
        ("WHERE", "NAME", "BACKBONE", "LICENCE"),
        [(row["kind"], row["name"], row["backbone"], row["licence"] or "unknown") for row in rows],
    )


def _cached() -> list[dict[str, Any]]:
    """Published adapters of the Hub's cache: the newest snapshot of each."""
    from huggingface_hub import constants

    from pavas_sdk.data.adapter_document import ADAPTER_NAME, AdapterDocument

    rows = []
    root = Path(os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE)
    for repository in sorted(root.glob("models--*")) if root.is_dir() else ():
        found = sorted(
            repository.glob(f"snapshots/*/{ADAPTER_NAME}"), key=lambda path: path.stat().st_mtime
        )
        if not found:
            continue
        name = repository.name.removeprefix("models--").replace("--", "/", 1)
        try:
            document = AdapterDocument.read(found[-1].parent)
        except PavasError as err:
            say(f"Failed: {name}: {err}")
            continue
        rows.append(
            {
                "kind": "cached",
                "name": name,
                "backbone": document.backbone.name,
                "licence": document.licences.get("weights", ""),
                "path": str(found[-1].parent),
            }
        )
    return rows


def _on_hub() -> list[dict[str, Any]]:
    from huggingface_hub import HfApi

    try:
        found = list(HfApi().list_models(filter=_TAG, limit=200))
    # The client's errors share no base class.
    except Exception as err:
        raise PavasError(f"the Hub cannot be asked: {type(err).__name__}: {err}") from err
    return [
        {"kind": "hub", "name": model.id, "backbone": "", "licence": "", "path": None}
        for model in found
    ]
