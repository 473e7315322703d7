"""A mass estimator against a list of things whose masses are known."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import MovingObject, Video
from pavas_sdk.errors import ComponentFailedError, ContractError, FormatError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.estimators.mass_list import read_masses
from pavas_sdk.evaluation.estimators.ratios import RatioError, log10_ratio, ratio_figures
from pavas_sdk.evaluation.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data import FrameSource
    from pavas_sdk.evaluation.estimators.mass_list import KnownMass
    from pavas_sdk.physics import PhysicsEstimator

__all__ = ["MassRow", "evaluate_masses"]

FORMAT, FORMAT_VERSION = "pavas.evaluation.masses", 1
_WORST = 10
_GREY = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class MassRow:
    """The answer about one thing.

    Attributes:
        clip_id: Its name.
        true_kg: Middle of its true range.
        true_log_std: Standard deviation of ln in that range; 0 for an exact mass.
        in_range: Whether the answer lies in the true range.
        mass_kg: The answer, or None.
        log_std: Standard deviation of ln that the estimator states, or None.
        source: How it came to it, in the estimator's own word.
        is_shown: Whether the estimator was given a picture, or the name alone.
        failure: Why there is no answer, or "".
    """

    clip_id: str
    true_kg: float
    true_log_std: float
    in_range: bool = False
    mass_kg: float | None = None
    log_std: float | None = None
    source: str = ""
    is_shown: bool = False
    failure: str = ""

    @property
    def error(self) -> RatioError:
        """The answer beside its truth."""
        decades = None if self.mass_kg is None else log10_ratio(self.mass_kg, self.true_kg)
        return RatioError(decades=decades, log_std=self.log_std, true_log_std=self.true_log_std)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> MassRow:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            return cls(**data)
        except TypeError as err:
            raise FormatError(f"not the answer about a mass: {err}") from err


def evaluate_masses(
    estimator: PhysicsEstimator,
    masses: str | Path = "everyday",
    *,
    skip_failures: bool = False,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Ask a mass estimator about things whose masses are known.

    Things of the list that have no picture are asked about by name, with a plain grey one.

    Args:
        estimator: Its ``mass_estimator`` is asked; the other slots are not used.
        masses: See `read_masses`.
        skip_failures: An estimator that fails on a thing has no answer, instead of an error.
        path: File of finished things that is continued, see `run`.
        progress: Called with (done, all) after each thing.

    Returns:
        JSON values, format ``pavas.evaluation.masses`` version 1: ``figures`` (see `ratio_figures`;
        and ``in_true_range``), ``intervals`` (95 %, things resampled), ``by_source``,
        ``copied_share``: how many answers are the middle of the true range to nine digits, as of an
        estimator that looks them up in the very list; ``worst``, ``unanswered``.

    Raises:
        FormatError: The list.
        MediaError: A picture cannot be read.
        ComponentError: The estimator failed, cannot be used, or answers about what was not asked.
        WeightsError: Its weights are missing.
    """
    things = {thing.name: thing for thing in read_masses(masses)}
    reference = estimator.provenance["mass_estimator"]
    settings = {
        "measurement": "masses",
        "estimator": reference.to_json(),
        "list_sha256": _digest(list(things.values())),
        "skip_failures": skip_failures,
    }
    rows = run(
        tuple(things),
        lambda: partial(_asked, estimator, things, skip_failures),
        MassRow.from_json,
        settings=settings,
        path=path,
        progress=progress,
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "settings": settings,
        **_summary(rows),
    }


def _digest(things: Sequence[KnownMass]) -> str:
    rows = [
        [thing.name, thing.least_kg, thing.most_kg, _picture_sha256(thing.picture)]
        for thing in things
    ]
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _picture_sha256(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def _asked(
    estimator: PhysicsEstimator, things: Mapping[str, KnownMass], skip_failures: bool, name: str
) -> MassRow:
    thing = things[name]
    row = MassRow(clip_id=name, true_kg=thing.mass_kg, true_log_std=thing.log_std)
    component = estimator.slots["mass_estimator"]
    # seeded by the name: an estimator that draws answers the same whatever was asked before
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
    asked = [MovingObject(object_id=0, label=name)]
    try:
        if thing.picture is None:
            found = component.estimate_mass(_grey(), asked, rng=np.random.default_rng(seed))
        else:
            from pavas_sdk.media import open_video

            with open_video(thing.picture) as source:
                found = component.estimate_mass(source, asked, rng=np.random.default_rng(seed))
    except ComponentFailedError as err:
        if not skip_failures:
            raise ComponentFailedError(
                f"{name}: {err} (--skip-failures counts it as unanswered)"
            ) from err
        return replace(row, failure=str(err)[:300])
    if set(found) - {0}:
        raise ContractError(f"asked about object 0, got masses of {sorted(found, key=str)}")
    answer = found.get(0)
    if answer is None:
        return replace(row, failure="no answer")
    return replace(
        row,
        in_range=thing.least_kg <= answer.mass_kg <= thing.most_kg,
        mass_kg=answer.mass_kg,
        log_std=answer.log_std,
        source=answer.source,
        is_shown=thing.picture is not None,
    )


def _grey() -> FrameSource:
    from pavas_sdk.media import MemorySource

    frames = np.full((4, 64, 64, 3), _GREY, dtype=np.uint8)
    return MemorySource(Video(frames=frames, times_s=np.arange(4) / 4.0))


def _figures(rows: Sequence[MassRow]) -> dict[str, float]:
    inside = [row.in_range for row in rows]
    return {
        **ratio_figures([row.error for row in rows]),
        "in_true_range": float(np.mean(inside)) if inside else float("nan"),
    }


def _summary(rows: Sequence[MassRow]) -> dict[str, Any]:
    intervals = bootstrap_intervals(
        len(rows),
        lambda drawn: _figures([rows[index] for index in drawn]),
        rng=np.random.default_rng(0),
        draws=300,
    )
    answered = [row for row in rows if row.mass_kg is not None]
    copied = sum(abs(row.error.decades or 0.0) < 1e-9 for row in answered)
    sources = sorted({row.source for row in answered})
    worst = sorted(answered, key=lambda row: -abs(row.error.decades or 0.0))[:_WORST]
    return {
        "things": len(rows),
        "shown": sum(row.is_shown for row in rows),
        "figures": _null(_figures(rows)),
        "intervals": {name: None if i is None else list(i) for name, i in intervals.items()},
        "by_source": {
            source: {
                "things": sum(row.source == source for row in answered),
                **_null(_figures([row for row in answered if row.source == source])),
            }
            for source in sources
        },
        "copied_share": copied / len(answered) if answered else None,
        "worst": [
            {"name": row.clip_id, "mass_kg": row.mass_kg, "true_kg": row.true_kg} for row in worst
        ],
        "unanswered": {row.clip_id: row.failure for row in rows if row.mass_kg is None},
    }


def _null(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: None if np.isnan(value) else value for name, value in values.items()}
