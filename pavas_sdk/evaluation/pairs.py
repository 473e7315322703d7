"""Counterfactual pairs: does the sound change the right way when one physical factor does?

Two clips differ in one factor (a fuller jar, a damped rod, twice the mass); a physical quantity of the
sound should rise or fall. No network is needed. The protocol follows what is published of FlatSounds;
its estimators, thresholds and data are not, so these are no FlatSounds numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.data import _json
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.data.documents import check_format, read_object
from pavas_sdk.errors import ConfigurationError, FormatError, InputError, MediaError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.sound_quantities import QUANTITIES, change, quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["SoundPair", "evaluate_pairs", "read_pairs"]

FORMAT, FORMAT_VERSION = "pavas.pairs", 1
_SUFFIXES = (".wav", ".flac")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundPair:
    """Two sounds that should differ in one way.

    Attributes:
        a: Stem of the first sound's file.
        b: And of the second's.
        factor: What differs, in words.
        quantity: One of `QUANTITIES`.
        direction: +1 where it is larger in b, -1 where it is smaller.
        impacts_a_s: Impacts of the first, seconds.
        impacts_b_s: And of the second.
    """

    a: str
    b: str
    factor: str
    quantity: str
    direction: int
    impacts_a_s: tuple[float, ...]
    impacts_b_s: tuple[float, ...]

    @property
    def name(self) -> str:
        """What it is called in results."""
        return f"{self.a} to {self.b}, {self.quantity}"


def read_pairs(path: str | Path) -> tuple[SoundPair, ...]:
    """Read a file of pairs (``pavas.pairs``).

    Raises:
        FormatError: Not such a file, no pair, a pair twice, or an impossible value.
    """
    document = read_object(path)
    try:
        check_format(document, format_name=FORMAT, newest=FORMAT_VERSION, what="file of pairs")
        rows = _json.items(_json.required(document, "pairs", "a file of pairs"), "pairs")
        pairs = tuple(_pair(_json.mapping(row, "a pair")) for row in rows)
        names = [pair.name for pair in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice or not pairs:
            raise FormatError(f"pairs occur twice: {twice[0]}" if twice else "there is no pair")
    except FormatError as err:
        raise FormatError(f"{path}: {err}") from err
    return pairs


def _pair(row: Mapping[str, Any]) -> SoundPair:
    words = {
        key: _json.text(_json.required(row, key, "a pair"), key)
        for key in ("a", "b", "factor", "quantity")
    }
    where = f"{words['a']} to {words['b']}"
    if words["quantity"] not in QUANTITIES:
        raise FormatError(
            f"{where}: quantity must be one of {', '.join(QUANTITIES)}, got {words['quantity']!r}"
        )
    direction = _json.integer(_json.required(row, "direction", where), f"{where}: direction")
    if direction not in (-1, 1):
        raise FormatError(f"{where}: direction must be 1 (larger in b) or -1, got {direction}")
    both = row.get("impacts_s")
    times = []
    for key in ("impacts_a_s", "impacts_b_s"):
        values = _json.items(row.get(key, both) or [], f"{where}: {key}")
        numbers = tuple(_json.number(value, f"{where}: {key}") for value in values)
        if not numbers or any(not 0 <= number < math.inf for number in numbers):
            raise FormatError(
                f'{where}: expected "impacts_s", or "impacts_a_s" and "impacts_b_s", seconds of 0 or more'
            )
        times.append(numbers)
    return SoundPair(direction=direction, impacts_a_s=times[0], impacts_b_s=times[1], **words)


def evaluate_pairs(
    pairs: str | Path,
    generated: Mapping[str, str | Path],
    *,
    reference: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure in how many pairs a quantity of the generated sounds changes the right way.

    A sound that is missing or cannot be read, and a quantity that cannot be read from it, make the
    pair a wrong one: a model never gains by failing.

    Args:
        pairs: File of pairs.
        generated: Model to its folder of ``.wav`` and ``.flac`` files.
        reference: Recordings of the same pairs, or None. Where there are some, they are a row of their
            own, and ``effect`` is the change of a model as a share of the recorded one.
        progress: Called with (done, all) after each model.

    Returns:
        JSON values, format ``pavas.evaluation.pairs`` version 1: per model ``metrics``
        (``right_share``; ``effect`` the median over pairs that changed in both; 95 % intervals over
        pairs), ``by_quantity``, ``by_factor``, and every pair with its change.

    Raises:
        FormatError: The file of pairs.
        ConfigurationError: No model, or one called reference.
        InputError: There is no such folder.
    """
    listed = read_pairs(pairs)
    if not generated or "reference" in generated:
        raise ConfigurationError(
            f"expected at least one model, none called reference, got {list(generated)}"
        )
    folders = dict(generated)
    if reference is not None:
        folders = {"reference": reference, **folders}
    changes: dict[str, list[tuple[float, str]]] = {}
    for model, folder in folders.items():
        changes[model] = _changes(listed, Path(folder))
        if progress is not None:
            progress(len(changes), len(folders))
    recorded = [value for value, _ in changes["reference"]] if reference is not None else None
    return {
        "format": "pavas.evaluation.pairs",
        "format_version": 1,
        "pavas_sdk": __version__,
        "about": f"{len(listed)} pairs ({file_sha256(Path(pairs))[:12]})",
        "models": {model: _summary(listed, found, recorded) for model, found in changes.items()},
        "conventions": {
            "right_share": {
                "title": "Pairs right",
                "better": "higher",
                "convention": "share of pairs whose quantity changes in the stated direction",
            },
            **(
                {
                    "effect": {
                        "title": "Effect",
                        "better": "higher",
                        "convention": "median of the change as a share of the recorded one; 1 is right",
                    }
                }
                if recorded is not None
                else {}
            ),
        },
    }


def _changes(pairs: Sequence[SoundPair], folder: Path) -> list[tuple[float, str]]:
    """The change of every pair, NaN with a reason where there is none."""
    from pavas_sdk.media import read_audio

    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    files = {
        path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() in _SUFFIXES
    }
    found = []
    for pair in pairs:
        missing = [stem for stem in (pair.a, pair.b) if stem not in files]
        if missing:
            found.append((math.nan, f"{missing[0]} is missing"))
            continue
        try:
            first = quantity(read_audio(files[pair.a]), pair.quantity, pair.impacts_a_s)
            second = quantity(read_audio(files[pair.b]), pair.quantity, pair.impacts_b_s)
        except MediaError as err:
            found.append((math.nan, str(err)[:200]))
            continue
        value = change(pair.quantity, first, second)
        found.append((value, "" if math.isfinite(value) else f"no {pair.quantity} can be read"))
    return found


def _summary(
    pairs: Sequence[SoundPair],
    changes: Sequence[tuple[float, str]],
    recorded: Sequence[float] | None,
) -> dict[str, Any]:
    values = np.asarray([value for value, _ in changes])
    right = np.asarray(
        [pair.direction * value > 0 for pair, value in zip(pairs, values, strict=True)]
    )
    shares = np.full(len(pairs), np.nan)
    if recorded is not None:
        true = np.asarray(recorded)
        known = np.isfinite(true) & np.isfinite(values) & (true != 0)
        shares[known] = values[known] / true[known]

    def figures(drawn: np.ndarray) -> dict[str, float]:
        effect = shares[drawn][np.isfinite(shares[drawn])]
        found = {"right_share": float(right[drawn].mean())}
        if recorded is not None:
            found["effect"] = float(np.median(effect)) if effect.size else math.nan
        return found

    whole = figures(np.arange(len(pairs)))
    intervals = bootstrap_intervals(len(pairs), figures, rng=np.random.default_rng(0))

    def split(key: str) -> dict[str, Any]:
        names = [getattr(pair, key) for pair in pairs]
        return {
            name: {
                "right_share": float(right[[n == name for n in names]].mean()),
                "pairs": names.count(name),
            }
            for name in sorted(set(names))
        }

    return {
        "metrics": {
            name: {
                "value": None if math.isnan(value) else value,
                "interval": None if (span := intervals[name]) is None else list(span),
            }
            for name, value in whole.items()
        },
        "by_quantity": split("quantity"),
        "by_factor": split("factor"),
        "pairs": [
            {
                "pair": pair.name,
                "factor": pair.factor,
                "change": float(value) if math.isfinite(value) else None,
                "right": bool(is_right),
                **({"why": why} if why else {}),
            }
            for pair, (value, why), is_right in zip(pairs, changes, right, strict=True)
        ],
    }
