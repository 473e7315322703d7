"""A table of results as markdown, or as one self-contained HTML page."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

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
_MOST_DIFFERENCES = 10  # of five models; more tell a reader nothing at a glance
_DIFFERENCES = (
    "The first less the second, on the same clips, with 95 % intervals of the difference itself: two "
    "figures whose own intervals overlap may still differ."
)


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
    lines += _differences_markdown(table)
    return "\n".join(lines) + "\n"


def _differences_markdown(table: ResultTable) -> list[str]:
    if not table.differences:
        return []
    if len(table.differences) > _MOST_DIFFERENCES:
        return ["", _too_many(table)]
    keys = _compared(table)
    header = [f"{table.columns[key].title} {_ARROWS[table.columns[key].better]}" for key in keys]
    lines = ["", "| difference | " + " | ".join(header) + " |", "|---|" + "---|" * len(header)]
    for pair, row in table.differences.items():
        label = _pair(pair).replace("|", "\\|")
        cells = []
        for key in keys:
            figure = row.get(key)
            text = _text(figure, sign="+")
            cells.append(f"**{text}**" if figure is not None and figure.without_zero else text)
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return [*lines, "", f"{_DIFFERENCES} Bold: intervals without zero."]


def _compared(table: ResultTable) -> list[str]:
    """Return the columns of which there are differences."""
    return [key for key in table.columns if any(key in row for row in table.differences.values())]


def _pair(pair: tuple[str, str]) -> str:
    return f"{pair[0]} less {pair[1]}"


def _too_many(table: ResultTable) -> str:
    return (
        f"The results hold {len(table.differences)} differences of two models with intervals of their "
        "own; --against MODEL shows those to one model."
    )


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
        cells = "".join(
            _cell(
                row.get(key),
                [other.get(key) for other in table.rows.values()],
                best=model in table.best(key),
            )
            for key in columns
        )
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
        f"best value of its column.</small></p><ul>{notes}</ul>{_differences_html(table)}</body></html>\n"
    )


def _differences_html(table: ResultTable) -> str:
    if not table.differences:
        return ""
    if len(table.differences) > _MOST_DIFFERENCES:
        return f"<h2>Differences</h2><p>{escape(_too_many(table))}</p>"
    keys = _compared(table)
    head = "".join(
        f"<th>{escape(table.columns[key].title)} {_ARROWS[table.columns[key].better]}</th>"
        for key in keys
    )
    body = []
    for pair, row in table.differences.items():
        cells = []
        for key in keys:
            figure = row.get(key)
            column = [other.get(key) for other in table.differences.values()]
            clear = figure is not None and figure.without_zero
            cells.append(_cell(figure, column, best=clear, sign="+", zero=True))
        body.append(f"<tr><td>{escape(_pair(pair))}</td>{''.join(cells)}</tr>")
    return (
        f'<h2>Differences</h2><div class="wide"><table><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div><p><small>{escape(_DIFFERENCES)} The stroke is "
        "zero; underlined: intervals without it.</small></p>"
    )


def _text(figure: Figure | None, *, sign: str = "") -> str:
    if figure is None or figure.value is None:
        return "-"
    return f"{figure.value:{sign}.3f}" + _interval_text(figure, sign)


def _interval_text(figure: Figure, sign: str) -> str:
    if figure.interval is None:
        return ""
    low, high = figure.interval
    return f" ({low:{sign}.3f} to {high:{sign}.3f})"


def _cell(
    figure: Figure | None,
    column: Sequence[Figure | None],
    *,
    best: bool,
    sign: str = "",
    zero: bool = False,
) -> str:
    if figure is None or figure.value is None:
        return "<td>-</td>"
    marked = ' class="best"' if best else ""
    interval = _interval_text(figure, sign)
    small = f" <small>{interval.strip()}</small>" if interval else ""
    value = f"<b>{figure.value:{sign}.3f}</b>"
    return f"<td{marked}>{value}{small}{_bar(figure, column, zero=zero)}</td>"


def _bar(figure: Figure, column: Sequence[Figure | None], *, zero: bool) -> str:
    """The interval and the value on the scale of the column, with a stroke at zero if asked."""
    numbers = [
        number
        for other in column
        if other is not None
        for number in (other.value, *(other.interval or ()))
        if number is not None
    ]
    if zero:
        numbers.append(0.0)
    low, high = min(numbers), max(numbers)
    if figure.value is None or not high > low:
        return ""

    def place(number: float) -> float:
        return float(4 + (_WIDTH - 8) * (number - low) / (high - low))

    line = ""
    if zero:
        line = (
            f'<line x1="{place(0.0):.1f}" x2="{place(0.0):.1f}" y1="0" y2="{_HEIGHT:g}" '
            'stroke="currentColor" opacity="0.6"/>'
        )
    if figure.interval is not None:
        left, right = (place(number) for number in figure.interval)
        line += (
            f'<line x1="{left:.1f}" x2="{right:.1f}" y1="6" y2="6" stroke="currentColor" '
            'stroke-width="3" opacity="0.4"/>'
        )
    return (
        f'<svg width="{_WIDTH:g}" height="{_HEIGHT:g}" aria-hidden="true">{line}'
        f'<circle cx="{place(figure.value):.1f}" cy="6" r="3.5" fill="currentColor"/></svg>'
    )
