"""How loud: from the energy of a clip's strongest impact to one gain for the whole clip.

A model's own, physical level follows the energy E of an impact over some 40 dB: a table-tennis ball
would be inaudible where a hammer is loud. The audible level keeps every difference within a clip
and moves the clip as a whole, by ``target(E_max) - law(E_max)``: E_max is the largest energy among
the clip's impacts and ``law`` what the model makes of it, so the gain follows from the physics
alone. Levels are those of the loudest 40 ms (`pavas_sdk.data.impact_level`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike

    from pavas_sdk.data import Impact

__all__ = [
    "LEVELS",
    "PEAK_DBFS",
    "TYPICAL_ENERGY_J",
    "Level",
    "LevelGain",
    "LevelLaw",
    "fit_level_law",
    "plan_level",
    "target_level_dbfs",
]

Level: TypeAlias = Literal["audible", "physical"]
LEVELS: tuple[Level, ...] = ("audible", "physical")

# The target rises from a table-tennis ball (1 mJ) to a hammer (100 J). An impact's peak is 14 dB
# above its loudest 40 ms in the median, 18 dB in one of ten (105 simulated clips): higher targets
# would clip.
_TARGET_AT_1_J_DBFS = -16.2
_TARGET_DB_PER_DECADE = 0.6
# Weaker ones are not made louder still, stronger ones not softer: laws are not measured there.
_WEAKEST_J, _STRONGEST_J = 1e-4, 1e3

TYPICAL_ENERGY_J = 1.0
"""A clip of whose impacts nothing is known is treated as if this were its strongest."""

PEAK_DBFS = -1.0
"""No sample of an audible sound lies above: where the gain would bring one there, it is lowered."""

_FEWEST_PAIRS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLaw:
    """A model's own level at an impact: ``intercept_dbfs + slope_db * log10(E / 1 J)``.

    Attributes:
        intercept_dbfs: Level at an impact of 1 J.
        slope_db: Further level for ten times the energy; above 0.
    """

    intercept_dbfs: float
    slope_db: float

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A number that is not finite, or a level that falls with energy.
        """
        if not (math.isfinite(self.intercept_dbfs) and 0 < self.slope_db < math.inf):
            raise ConfigurationError(
                "expected a finite level_intercept_dbfs and a level_slope_db above 0 (dB for ten "
                f"times the energy), got {self.intercept_dbfs} and {self.slope_db}"
            )

    def level_dbfs(self, energy_j: float) -> float:
        """Return the level at an impact of this energy, above 0 J."""
        return self.intercept_dbfs + self.slope_db * math.log10(energy_j)


def fit_level_law(energy_change_j: ArrayLike, level_dbfs: ArrayLike) -> LevelLaw:
    """Return the law that fits impacts best: Theil-Sen, so that impacts a model missed count little.

    Args:
        energy_change_j: Energies as the physics states them, (I,), J; NaN and 0 are left out.
        level_dbfs: Levels of the sound there, (I,), see `pavas_sdk.data.impact_level.levels_db`.

    Raises:
        ConfigurationError: Fewer than 8 impacts, less than a factor of 10 between the energies, or
            levels that do not rise with energy.
    """
    from scipy.stats import theilslopes

    energy = np.asarray(energy_change_j, dtype=np.float64)
    level = np.asarray(level_dbfs, dtype=np.float64)
    known = np.isfinite(energy) & (energy > 0) & np.isfinite(level)
    decades = np.log10(energy[known])
    if decades.size < _FEWEST_PAIRS or np.ptp(decades) < 1.0:
        raise ConfigurationError(
            f"a law of levels needs {_FEWEST_PAIRS} impacts over a factor of 10 of energy, got "
            f"{decades.size} over a factor of {10 ** float(np.ptp(decades)) if decades.size else 1:.3g}"
        )
    slope, intercept, *_ = theilslopes(level[known], decades, method="joint")
    return LevelLaw(intercept_dbfs=round(float(intercept), 3), slope_db=round(float(slope), 3))


def target_level_dbfs(energy_j: float) -> float:
    """Return the audible level of a clip whose strongest impact has this energy.

    -18 dBFS at 1 mJ, 0.6 dB more for ten times the energy, -15 dBFS at 100 J; constant below 0.1 mJ
    (-18.6) and above 1 kJ (-14.4).

    Args:
        energy_j: Above 0 J.
    """
    within = min(max(energy_j, _WEAKEST_J), _STRONGEST_J)
    return _TARGET_AT_1_J_DBFS + _TARGET_DB_PER_DECADE * math.log10(within)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelGain:
    """One gain for a whole clip, and why.

    Attributes:
        level: What was asked for.
        gain_db: Of the sound on the physical scale.
        reason: In plain words.
        strongest_impact_j: E_max, or None where no energy is known.
        model_dbfs: The model's own level there; None on the physical scale.
        target_dbfs: The level that is wanted there; likewise.
        lowered_db: How much ``gain_db`` was lowered to keep the peak below full scale.
    """

    level: Level
    gain_db: float
    reason: str
    strongest_impact_j: float | None = None
    model_dbfs: float | None = None
    target_dbfs: float | None = None
    lowered_db: float = 0.0

    def below_full_scale(self, peak_dbfs: float) -> LevelGain:
        """Return the gain for a sound with this peak on the physical scale.

        An audible sound's peak may reach -1 dBFS; the physical scale is left alone.
        """
        above_db = peak_dbfs + self.gain_db - PEAK_DBFS
        if self.level == "physical" or above_db <= 0:
            return self
        return replace(self, gain_db=self.gain_db - above_db, lowered_db=above_db)

    def to_json(self) -> dict[str, float | str | None]:
        """Return plain JSON values for the sidecar, rounded to a hundredth of a dB."""

        def rounded(value: float | None) -> float | None:
            return None if value is None else round(value, 2)

        return {
            "gain_db": rounded(self.gain_db),
            "strongest_impact_j": self.strongest_impact_j,
            "model_dbfs": rounded(self.model_dbfs),
            "target_dbfs": rounded(self.target_dbfs),
            "lowered_db": rounded(self.lowered_db),
            "reason": self.reason,
        }


def plan_level(
    level: Level, law: LevelLaw | None, impacts: Iterable[Impact], *, told: bool = False
) -> LevelGain:
    """Return the gain of a clip, from its physics alone.

    Args:
        level: "audible" or "physical".
        law: Of the model; "audible" needs one.
        impacts: Of the part of the clip that gets a sound. Those without a known energy, or of
            0 J, do not count; where none does, the gain is that of `TYPICAL_ENERGY_J`.
        told: Whether the physics is known, so that no impacts means that nothing hits: such a
            sound is not made louder.

    Raises:
        ConfigurationError: "audible" without a law.
    """
    impacts = list(impacts)
    known = [hit.energy_change_j for hit in impacts if 0 < hit.energy_change_j < math.inf]
    strongest_j = max(known, default=None)
    if level == "physical":
        reason = "the physical scale of the model, without a gain"
        return LevelGain(level=level, gain_db=0.0, reason=reason, strongest_impact_j=strongest_j)
    if law is None:
        raise ConfigurationError(
            'the levels of this model were never measured; use level="physical" (--level physical)'
        )
    if told and not impacts:
        return LevelGain(level=level, gain_db=0.0, reason="nothing hits: the physical scale")
    used_j = TYPICAL_ENERGY_J if strongest_j is None else strongest_j
    used_j = min(max(used_j, _WEAKEST_J), _STRONGEST_J)
    model, target = law.level_dbfs(used_j), target_level_dbfs(used_j)
    return LevelGain(
        level=level,
        gain_db=target - model,
        reason=(
            f"no energy of an impact is known: the gain for {TYPICAL_ENERGY_J:g} J"
            if strongest_j is None
            else f"the strongest impact, {strongest_j:.3g} J, is brought to {target:.1f} dBFS"
        ),
        strongest_impact_j=strongest_j,
        model_dbfs=model,
        target_dbfs=target,
    )
