"""``pavas evaluate table``: results of several measurements side by side."""

from __future__ import annotations

from pathlib import Path

import click

from pavas_sdk.cli.output import say, show
from pavas_sdk.errors import ConfigurationError

__all__ = ["table"]


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="table.md or table.html; by default the markdown is printed.",
)
@click.option(
    "--against",
    metavar="MODEL",
    help="Of differences between models, show those to this one; by default all, up to ten.",
)
@click.option("--title", default="Results", show_default=True, help="Of the page.")
@click.option("--overwrite", is_flag=True, help="Replace an existing table.")
def table(
    results: tuple[Path, ...], out: Path | None, against: str | None, title: str, overwrite: bool
) -> None:
    """Make one table of RESULTS: models are rows, figures are columns, with intervals.

    Differences of two models stand below it, with intervals of their own, where the results have them.
    Figures that were measured on different clips or lists are refused: they cannot be compared.
    """
    from pavas_sdk.data.documents import read_object
    from pavas_sdk.data.files import write_text
    from pavas_sdk.evaluation.result_table import merge_results
    from pavas_sdk.evaluation.table_text import table_html, table_markdown

    if out is not None and out.suffix.lower() not in (".md", ".html"):
        raise ConfigurationError(f"--out must end in .md or .html, got {out.name}")
    merged = merge_results({str(path): read_object(path) for path in results})
    if against is not None:
        merged = merged.against(against)
    if out is None:
        show(table_markdown(merged).rstrip("\n"))
        return
    as_page = out.suffix.lower() == ".html"
    text = table_html(merged, title=title) if as_page else table_markdown(merged)
    write_text(out, text, overwrite=overwrite)
    say(f"table in {out}")
