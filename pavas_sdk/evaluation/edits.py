"""What-if edits: does a heavier or faster object sound louder?

The same clip and the same noise are used twice, with its true physics and with the mass or the
speed of every object changed by a factor. An impact moves the right way when its level rises for a
factor above 1, or falls for one below. The expected shift follows the law level = 20 a log10(dE):
dE grows with m and with v squared, so 20 a log10(f) and 40 a log10(f) decibels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation.bootstrap import bootstrap_intervals
from pavas_sdk.evaluation.clip import counted_impacts, matched
from pavas_sdk.evaluation.loudness import levels_db

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, LabelledClip, PhysicsEstimate

__all__ = ["EDITS", "Edit", "EditMeasurement", "level_shifts_db", "summarise_edits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of every object's mass or speed.

    Attributes:
        name: Key in results ("mass_x2").
        mass_factor: Masses are multiplied by it.
        speed_factor: Speeds are multiplied by it.
    """

    name: str
    mass_factor: float = 1.0
    speed_factor: float = 1.0

    def applied(self, physics: PhysicsEstimate) -> PhysicsEstimate:
        """Return the changed physics; unknown masses stay unknown."""
        for entry in physics.objects:
            if self.mass_factor != 1.0 and entry.mass_kg is not None:
                physics = physics.with_mass(entry.object_id, entry.mass_kg * self.mass_factor)
            if self.speed_factor != 1.0:
                physics = physics.scale_speed(entry.object_id, self.speed_factor)
        return physics

    def expected_db(self, energy_exponent: float) -> float:
        """Return the level shift where amplitude goes with dE to ``energy_exponent``."""
        energy = self.mass_factor * self.speed_factor**2
        return float(20.0 * energy_exponent * np.log10(energy))


EDITS = (
    Edit(name="mass_x2", mass_factor=2.0),
    Edit(name="mass_half", mass_factor=0.5),
    Edit(name="speed_x2", speed_factor=2.0),
    Edit(name="speed_half", speed_factor=0.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EditMeasurement:
    """Level shifts of the impacts of one clip; a line of the results file.

    Attributes:
        clip_id: Which clip.
        category: Its sound class.
        shifts_db: Edit name to the shift of every impact, dB.
    """

    clip_id: int | str
    category: str
    shifts_db: Mapping[str, tuple[float, ...]]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "clip_id": self.clip_id,
            "category": self.category,
            "shifts_db": {name: list(values) for name, values in self.shifts_db.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> EditMeasurement:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            return cls(
                clip_id=data["clip_id"],
                category=str(data["category"]),
                shifts_db={
                    str(name): tuple(float(value) for value in values)
                    for name, values in dict(data["shifts_db"]).items()
                },
            )
        except (KeyError, TypeError, ValueError) as err:
            raise FormatError(f"not a clip's level shifts: {err!r}") from err


def level_shifts_db(clip: LabelledClip, before: Audio, after: Audio) -> tuple[float, ...]:
    """Return the change of level at every impact of the clip that counts, dB."""
    times = [impact.time_s for impact in counted_impacts(clip)]
    truth = clip.true_audio
    levels = [levels_db(matched(audio, truth), times) for audio in (before, after)]
    return tuple(float(value) for value in levels[1] - levels[0])


def summarise_edits(
    clips: Sequence[EditMeasurement],
    *,
    energy_exponent: float,
    rng: np.random.Generator,
    draws: int = 1000,
    edits: Sequence[Edit] = EDITS,
) -> dict[str, Any]:
    """Return for every edit the share of impacts that move the right way, and by how much.

    Args:
        clips: At least one.
        energy_exponent: a of the law that the true sounds follow.
        rng: Draws the bootstrap.
        draws: Bootstrap draws.
        edits: Which were made.

    Returns:
        JSON values: ``edits`` with ``right_way``, ``shift_db`` (median), ``expected_db`` and an
        interval of 95 % for the first two, null where there are no impacts; ``right_way`` over all
        edits with its interval; ``impacts`` and ``clips``.

    Raises:
        InputError: No clips.
    """
    if not clips:
        raise InputError("there is nothing to summarise: no clip was evaluated")
    table = _ShiftTable(clips, edits, energy_exponent)
    values = table.statistics(np.arange(len(clips)))
    intervals = bootstrap_intervals(len(clips), table.statistics, rng=rng, draws=draws)

    def known(name: str) -> float | None:
        return None if np.isnan(values[name]) else values[name]

    def interval(name: str) -> list[float] | None:
        found = intervals[name]
        return None if found is None else list(found)

    return {
        "right_way": known("right_way"),
        "intervals": {"right_way": interval("right_way")},
        "edits": {
            edit.name: {
                "right_way": known(f"{edit.name}.right_way"),
                "shift_db": known(f"{edit.name}.shift_db"),
                "expected_db": edit.expected_db(energy_exponent),
                "intervals": {
                    key: interval(f"{edit.name}.{key}") for key in ("right_way", "shift_db")
                },
            }
            for edit in edits
        },
        "impacts": sum(len(clip.shifts_db[edits[0].name]) for clip in clips),
        "clips": len(clips),
    }


class _ShiftTable:
    """Level shifts by edit and clip, and which way they should go."""

    def __init__(
        self, clips: Sequence[EditMeasurement], edits: Sequence[Edit], energy_exponent: float
    ) -> None:
        self.shifts_db = {
            edit.name: [np.asarray(clip.shifts_db[edit.name]) for clip in clips] for edit in edits
        }
        self.signs = {edit.name: np.sign(edit.expected_db(energy_exponent)) for edit in edits}

    def statistics(self, clips: NDArray[np.int64]) -> dict[str, float]:
        """Return shares and medians over the impacts of some clips, with repeats."""
        drawn = {
            name: np.concatenate([rows[clip] for clip in clips])
            for name, rows in self.shifts_db.items()
        }
        right = {name: values * self.signs[name] > 0 for name, values in drawn.items()}
        together = np.concatenate(list(right.values()))
        some = together.size > 0
        shares = {"right_way": float(together.mean()) if some else float("nan")}
        for name, values in drawn.items():
            shares[f"{name}.right_way"] = float(right[name].mean()) if some else float("nan")
            shares[f"{name}.shift_db"] = float(np.median(values)) if some else float("nan")
        return shares
