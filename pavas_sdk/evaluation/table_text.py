"""A table of results as markdown, or as one self-contained HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.evaluation.result_table import Figure, ResultTable

__all__ = ["table_html", "table_markdown"]

_ARROWS = {"higher": "↑", "lower": "↓"}
_STYLE = """
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif; }
body { max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .4rem .8rem; text-align: right; border-bottom: 1px solid #8886; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.best b { text-decoration: underline; text-underline-offset: .2em; }
small { opacity: .75; }
svg { display: block; margin-left: auto; }
ul { padding-left: 1.2rem; }
"""
_WIDTH, _HEIGHT = 120.0, 12.0


def table_markdown(table: ResultTable) -> str:
    """Return a markdown table with intervals, the best of every column in bold, and conventions."""
    columns = table.columns
    header = [f"{column.title} {_ARROWS[column.better]}" for column in columns.values()]
    lines = ["| | " + " | ".join(header) + " |", "|---|" + "---|" * len(header)]
    for model, row in table.rows.items():
        cells = []
        for key in columns:
            text = _text(row.get(key))
            cells.append(f"**{text}**" if model in table.best(key) else text)
        lines.append(f"| {model.replace('|', chr(92) + '|')} | " + " | ".join(cells) + " |")
    lines += ["", "In brackets: 95 % intervals. Bold: the best value of its column.", ""]
    lines += [
        f"- {column.title}: {column.convention}; {column.about}." for column in columns.values()
    ]
    return "\n".join(lines) + "\n"


def table_html(table: ResultTable, *, title: str = "Results") -> str:
    """Return a page with the same, and every interval as a bar on its column's scale.

    It asks for nothing from anywhere.
    """
    columns = table.columns
    head = "".join(
        f"<th>{escape(column.title)} {_ARROWS[column.better]}</th>" for column in columns.values()
    )
    body = []
    for model, row in table.rows.items():
        cells = "".join(_cell(table, model, key, row.get(key)) for key in columns)
        body.append(f"<tr><td>{escape(model)}</td>{cells}</tr>")
    notes = "".join(
        f"<li><b>{escape(column.title)}</b>: {escape(column.convention)}; {escape(column.about)}.</li>"
        for column in columns.values()
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(title)}</h1>"
        f'<div class="wide"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        "<p><small>In brackets and as bars: 95 % intervals, on one scale per column. Underlined: the "
        f"best value of its column.</small></p><ul>{notes}</ul></body></html>\n"
    )


def _text(figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "-"
    if figure.interval is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({figure.interval[0]:.3f} to {figure.interval[1]:.3f})"


def _cell(table: ResultTable, model: str, key: str, figure: Figure | None) -> str:
    if figure is None or figure.value is None:
        return "<td>-</td>"
    best = ' class="best"' if model in table.best(key) else ""
    interval = ""
    if figure.interval is not None:
        low, high = figure.interval
        interval = f" <small>({low:.3f} to {high:.3f})</small>"
    return f"<td{best}><b>{figure.value:.3f}</b>{interval}{_bar(table, key, figure)}</td>"


def _bar(table: ResultTable, key: str, figure: Figure) -> str:
    """The interval and the value on the scale of the column."""
    numbers = [
        number
        for row in table.rows.values()
        if (other := row.get(key)) is not None
        for number in (other.value, *(other.interval or ()))
        if number is not None
    ]
    low, high = min(numbers), max(numbers)
    if figure.value is None or not high > low:
        return ""

    def place(number: float) -> float:
        return float(4 + (_WIDTH - 8) * (number - low) / (high - low))

    line = ""
    if figure.interval is not None:
        left, right = (place(number) for number in figure.interval)
        line = (
            f'<line x1="{left:.1f}" x2="{right:.1f}" y1="6" y2="6" stroke="currentColor" '
            'stroke-width="3" opacity="0.4"/>'
        )
    return (
        f'<svg width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true">{line}'
        f'<circle cx="{place(figure.value):.1f}" cy="6" r="3.5" fill="currentColor"/></svg>'
    )
