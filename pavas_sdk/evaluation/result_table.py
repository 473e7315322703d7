"""Results of several measurements as one table: models are rows, figures are columns."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from pavas_sdk.errors import ConfigurationError, FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Column", "Figure", "ResultTable", "merge_results"]

_Read: TypeAlias = "tuple[dict[str, Column], dict[str, dict[str, Figure]], dict[tuple[str, str], dict[str, Figure]]]"

_OF_A_LIST = "list "  # before the keys of figures over a list of impacts
_SIMULATED = {
    "onset_hit_rate": ("Onsets hit", "higher"),
    "onset_timing_error_ms": ("Timing (ms)", "lower"),
    "false_onsets_per_clip": ("False onsets", "lower"),
    "loudness_energy_spearman": ("Spearman", "higher"),
    "level_error_db": ("Level error (dB)", "lower"),
    "apcc_delta": ("APCC-delta", "lower"),
    "apcc_delta_weighted": ("APCC-delta (by impacts)", "lower"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A figure of the table.

    Attributes:
        title: What stands above it.
        better: "higher" or "lower".
        convention: What exactly it is.
        about: On what it was measured; figures on something else cannot stand below it.
    """

    title: str
    better: str
    convention: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number with its 95 % interval; None where undefined."""

    value: float | None
    interval: tuple[float, float] | None = None

    @property
    def without_zero(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)

    def turned(self) -> Figure:
        """Return the difference the other way round."""
        return Figure(
            # 0 - x, as -x of 0 is shown as -0
            value=None if self.value is None else 0.0 - self.value,
            interval=None
            if self.interval is None
            else (0.0 - self.interval[1], 0.0 - self.interval[0]),
        )


@dataclass(slots=True)
class ResultTable:
    """Columns by key, and rows: model to key to figure.

    Attributes:
        columns: By key.
        rows: Model to key to figure.
        differences: (first, second) to key to the difference first - second of two models on the same
            clips, with an interval of its own; of the results that have them.
    """

    columns: dict[str, Column] = field(default_factory=dict)
    rows: dict[str, dict[str, Figure]] = field(default_factory=dict)
    differences: dict[tuple[str, str], dict[str, Figure]] = field(default_factory=dict)

    def best(self, key: str) -> frozenset[str]:
        """Return the models with the best value; the reference is none of them."""
        values = {
            model: row[key].value
            for model, row in self.rows.items()
            if model != "reference" and key in row
        }
        known = {model: value for model, value in values.items() if value is not None}
        if not known:
            return frozenset()
        top = max(known.values()) if self.columns[key].better == "higher" else min(known.values())
        return frozenset(model for model, value in known.items() if value == top)

    def against(self, model: str) -> ResultTable:
        """Return the same with the differences to one model alone.

        Args:
            model: Its row.

        Raises:
            ConfigurationError: No difference to it is known.
        """
        found = {}
        for (first, second), figures in self.differences.items():
            if second == model:
                found[first, second] = figures
            elif first == model:
                found[second, first] = {key: figure.turned() for key, figure in figures.items()}
        if not found:
            known = sorted({name for pair in self.differences for name in pair})
            raise ConfigurationError(
                f"these results hold no differences to {model!r}; they hold some to "
                f"{', '.join(known) or 'no model at all'}"
            )
        return ResultTable(self.columns, self.rows, found)


def merge_results(results: Mapping[str, Mapping[str, Any]]) -> ResultTable:
    """Put results together.

    Args:
        results: Documents by the name of their file: of ``pavas evaluate folder``, ``vgg-impact``,
            ``pairs``, ``phyavbench``, ``listening score``, ``ablation`` and ``simulated``.

    Raises:
        FormatError: Something else.
        ConfigurationError: A model has a figure twice, or one figure was measured on different
            clips, lists or settings: such numbers cannot be compared.
    """
    table = ResultTable()
    for name, result in results.items():
        columns, rows, differences = _read(name, result)
        for key, column in columns.items():
            known = table.columns.setdefault(key, column)
            if known.about != column.about:
                raise ConfigurationError(
                    f"{column.title} of {name} was measured on {column.about}, the others' on "
                    f"{known.about}: these cannot be compared; make one table each"
                )
        for model, figures in rows.items():
            row = table.rows.setdefault(model, {})
            twice = [key for key in figures if key in row and figures[key] != row[key]]
            if twice:
                raise ConfigurationError(
                    f"{model} has {columns[twice[0]].title} twice, with different values; give models "
                    "names of their own"
                )
            row.update(figures)
        for (first, second), apart in differences.items():
            if (second, first) in table.differences:
                turned = {key: figure.turned() for key, figure in apart.items()}
                table.differences[second, first].update(turned)
            else:
                table.differences.setdefault((first, second), {}).update(apart)
    titles = [column.title for column in table.columns.values()]
    for key, column in table.columns.items():
        if key.startswith(_OF_A_LIST) and titles.count(column.title) > 1:
            table.columns[key] = replace(column, title=f"{column.title}, list")
    if "reference" in table.rows:
        table.rows = {"reference": table.rows.pop("reference"), **table.rows}
    return table


def _read(name: str, result: Mapping[str, Any]) -> _Read:
    try:
        if "models" in result and "conventions" in result:
            return _with_models(result)
        if "onset_hit_rate" in result and "model" in result:
            return _simulated(result)
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise FormatError(f"{name} is no whole result of pavas evaluate: {err!r}") from err
    raise FormatError(
        f"{name} is no result with models: expected one of pavas evaluate folder, vgg-impact, pairs, "
        "phyavbench, listening score, ablation or simulated"
    )


def _with_models(result: Mapping[str, Any]) -> _Read:
    about = _about(result)
    columns = {
        key: Column(
            title=str(row["title"]),
            better=str(row["better"]),
            convention=str(row["convention"]),
            about=about,
        )
        for key, row in result["conventions"].items()
    }
    rows = {model: _figures(entry, columns) for model, entry in result["models"].items()}
    differences = {
        (str(entry["first"]), str(entry["second"])): _figures(entry, columns)
        for entry in result.get("differences", ())
        if "reference" not in (entry["first"], entry["second"])
    }
    # APCC of a folder and of a list are one quantity on two sets of clips
    prefix = {"pavas.evaluation.vgg-impact": _OF_A_LIST}.get(str(result.get("format")), "")
    return (
        {prefix + key: column for key, column in columns.items()},
        {model: {prefix + key: f for key, f in row.items()} for model, row in rows.items()},
        {pair: {prefix + key: f for key, f in row.items()} for pair, row in differences.items()},
    )


def _figures(entry: Mapping[str, Any], columns: Mapping[str, Column]) -> dict[str, Figure]:
    return {key: _figure(figure) for key, figure in entry["metrics"].items() if key in columns}


def _about(result: Mapping[str, Any]) -> str:
    if "list" in result:
        of = result["list"]
        return f"{of['impacts']} impacts of the list {of['digest'][:12]}"
    if "about" in result:
        return str(result["about"])
    clips = result["clips"]
    return f"{clips['count']} clips (names {clips['names_sha256'][:12]})"


def _figure(figure: Mapping[str, Any]) -> Figure:
    value, interval = figure["value"], figure.get("interval")
    return Figure(
        value=None if value is None else float(value),
        interval=None if interval is None else (float(interval[0]), float(interval[1])),
    )


def _simulated(result: Mapping[str, Any]) -> _Read:
    about = f"{result['clips']} simulated clips, seed {result['seed']}"
    model = PurePath(str(result["model"])).name
    row = f"{model}, {result['physics']} physics"
    columns = {
        key: Column(title=title, better=better, convention="simulated clips", about=about)
        for key, (title, better) in _SIMULATED.items()
        if key in result
    }
    figures = {
        key: _figure({"value": result[key], "interval": result["intervals"].get(key)})
        for key in columns
    }
    return columns, {row: figures}, {}
