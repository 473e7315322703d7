"""The result of a folder evaluation as a markdown table, with intervals and the best in bold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.evaluation.frechet import ROWS_PER_COLUMN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["folder_markdown"]

_NAMED = 5  # of the clips that failed alike; result.json has all


def folder_markdown(result: Mapping[str, Any]) -> str:
    """Return the table and what a reader must know beside it.

    Args:
        result: What `evaluate_folder` returned.
    """
    conventions = result["conventions"]
    best = {name: _best(result, name, row["better"]) for name, row in conventions.items()}
    arrows = {"higher": "↑", "lower": "↓"}
    header = [f"{row['title']} {arrows[row['better']]}" for row in conventions.values()]
    lines = [
        "| | " + " | ".join(header) + " |",
        "|---|" + "---|" * len(header),
    ]
    for model, entry in result["models"].items():
        cells = []
        for name in conventions:
            cell = _cell(entry["metrics"][name])
            cells.append(f"**{cell}**" if model in best[name] else cell)
        label = model.replace("|", "\\|")
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    clips = result["clips"]
    lines += [
        "",
        (
            f"{clips['count']} clips (names sha256 {clips['names_sha256'][:12]}), {clips['impacts']} "
            f"impacts; pavas_sdk {result['pavas_sdk']}. In brackets: 95 % intervals, clips resampled."
        ),
    ]
    for model, entry in result["models"].items():
        failed = {status: stems for status, stems in entry["failed"].items() if stems}
        beside = failed.pop("unknown", [])  # sounds, not clips: they count nowhere
        if failed:
            what = "; ".join(_named(status, stems) for status, stems in failed.items())
            lines.append(f"{model}, failed clips: {what}.")
        if beside:
            lines.append(f"{model}, not counted: {_named('not in the reference', beside)}.")
    lines += _network_lines(result)
    lines += [f"Not run: {name}: {reason}." for name, reason in result["not_run"].items()]
    lines += ["", *(f"- {row['title']}: {row['convention']}." for row in conventions.values())]
    return "\n".join(lines) + "\n"


def _named(what: str, stems: Sequence[str]) -> str:
    more = ", ..." if len(stems) > _NAMED else ""
    return f"{len(stems)} {what} ({', '.join(stems[:_NAMED])}{more})"


def _network_lines(result: Mapping[str, Any]) -> list[str]:
    """What belongs beside metrics that need networks."""
    lines = []
    conventions = result["conventions"]
    for name, floor in result.get("noise_floor", {}).items():
        row = conventions[name]
        few = row["rows"] < ROWS_PER_COLUMN * row["columns"]
        lines.append(
            f"{row['title']}: {row['rows']} rows for "
            f"{row['columns']} columns{', few: the value is biased upwards' if few else ''}; two "
            f"halves of the reference are {floor['value']:.3f} apart ({floor['clips']} clips each)."
        )
    for model, entry in result["models"].items():
        heard = [
            f"{conventions[name]['title']} {figure['value_of_heard']:.3f}"
            for name, figure in entry["metrics"].items()
            if figure.get("heard", 0) < figure.get("clips", 0)
            and figure["value_of_heard"] is not None
        ]
        if heard:
            lines.append(f"{model} without the failed clips: {', '.join(heard)}.")
    for name, clips in result.get("left_out", {}).items():
        if name in conventions:
            reasons = ", ".join(sorted(set(clips.values()))[:3])
            lines.append(f"{conventions[name]['title']}: {len(clips)} clips left out ({reasons}).")
    if result.get("extractors"):
        used = ", ".join(
            f"{name} ({row['licence']}, {row['weights_sha256'][:8]})"
            for name, row in result["extractors"].items()
        )
        lines.append(f"Heard by {used}.")
    return lines


def _best(result: Mapping[str, Any], name: str, better: str) -> set[str]:
    values = {
        model: entry["metrics"][name]["value"]
        for model, entry in result["models"].items()
        if model != "reference" and entry["metrics"][name]["value"] is not None
    }
    if not values:
        return set()
    top = max(values.values()) if better == "higher" else min(values.values())
    return {model for model, value in values.items() if value == top}


def _cell(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "-"
    text = f"{figure['value']:.3f}"
    if figure["interval"] is None:
        return text
    low, high = figure["interval"]
    return f"{text} ({low:.3f} to {high:.3f})"
