"""What is measured on one recorded clip: the estimators' impacts and masses, the sounds' onsets.

The main object is the estimated one whose masks cover most of the true points (within 3 % of the
picture's longer side); without true points, the one whose speed is known longest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Contact
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation import loudness, onset
from pavas_sdk.evaluation.event_matching import (
    EventCounts,
    match_events,
    scored_events,
    scored_seconds,
)
from pavas_sdk.evaluation.impacts import merge_contacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import Audio, MaskTrack, ObjectPhysics, PhysicsEstimate
    from pavas_sdk.evaluation.truth import ClipTruth

__all__ = [
    "CONDITIONS",
    "RecordedMeasurement",
    "SoundMeasurement",
    "find_main_object",
    "measure_estimate",
    "measure_sound",
]

CONDITIONS = ("estimated", "true", "none")
"""What sounds are made from: the estimate, physics made from the truth, the empty tokens."""

NEAR_POINT = 0.03
NEAR_SPEED_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundMeasurement:
    """One sound that was made for a clip. Levels are dB relative to full scale.

    Attributes:
        seed: Of the noise.
        onsets: True impacts, the sound's onsets, and pairs of both, where scored.
        false_onsets: Scored onsets without an impact near.
        false_levels_db: Their levels.
        impact_levels_db: Level at each true impact that is scored.
        peak_dbfs: Largest sample; -120 for silence.
    """

    seed: int
    onsets: EventCounts
    false_onsets: int
    false_levels_db: tuple[float, ...]
    impact_levels_db: tuple[float, ...]
    peak_dbfs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMeasurement:
    """Everything the scores need of one clip; a line of the file of finished clips.

    Attributes:
        clip_id: Its file's name.
        kind: Its class.
        scored_s: How much of it is scored, seconds.
        impacts: True impacts, the estimators' impacts, and pairs of both, where scored.
        detected_s: All of the estimators' impacts, seconds.
        labels: What the estimators found.
        mass_kg: Estimated mass of the main object; None when not found.
        mass_range_kg: Its true bounds, or None.
        speed_ratios: Estimated over true speed where the true one is known.
        sounds: Sounds by what they were made from, names of `CONDITIONS`.
        skipped: Why there are no sounds, by the same names.
        seconds: Wall time of the estimate and of all sounds.
    """

    clip_id: str
    kind: str
    scored_s: float
    impacts: EventCounts
    detected_s: tuple[float, ...]
    labels: tuple[str, ...]
    mass_kg: float | None
    mass_range_kg: tuple[float, float] | None
    speed_ratios: tuple[float, ...]
    sounds: Mapping[str, tuple[SoundMeasurement, ...]]
    skipped: Mapping[str, str]
    seconds: float = 0.0

    @property
    def mass_in_range(self) -> bool | None:
        """Whether the estimated mass is within the true bounds; None when these are unknown."""
        if self.mass_range_kg is None:
            return None
        least, most = self.mass_range_kg
        return self.mass_kg is not None and least <= self.mass_kg <= most

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RecordedMeasurement:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            bounds = data["mass_range_kg"]
            given = {
                **data,
                "impacts": EventCounts(**data["impacts"]),
                "mass_range_kg": None if bounds is None else (bounds[0], bounds[1]),
                "sounds": {
                    name: tuple(_sound(row) for row in rows)
                    for name, rows in data["sounds"].items()
                },
            }
            for key in ("detected_s", "labels", "speed_ratios"):
                given[key] = tuple(data[key])
            return cls(**given)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as err:
            raise FormatError(f"not a clip's measurements: {err!r}") from err


def _sound(row: Mapping[str, Any]) -> SoundMeasurement:
    given = {**row, "onsets": EventCounts(**row["onsets"])}
    for key in ("false_levels_db", "impact_levels_db"):
        given[key] = tuple(row[key])
    return SoundMeasurement(**given)


def measure_estimate(
    truth: ClipTruth,
    physics: PhysicsEstimate,
    main: int | None,
    *,
    sounds: Mapping[str, Sequence[SoundMeasurement]],
    skipped: Mapping[str, str],
    within_s: float = onset.WITHIN_S,
    seconds: float = 0.0,
) -> RecordedMeasurement:
    """Compare an estimate with the truth, and put a clip's measurements together.

    Impacts of several objects within 30 ms are one: a collision is heard once.

    Args:
        truth: What is known.
        physics: The estimate.
        main: The main object in it, from `find_main_object`.
        sounds: Copied into the result.
        skipped: Copied into the result.
        within_s: Largest distance of a pair.
        seconds: Copied into the result.

    Raises:
        PhysicsInputError: The estimate has no object of the id ``main``.
    """
    found = merge_contacts(
        Contact(time_s=impact.time_s, object_id=impact.object_id) for impact in physics.impacts()
    )
    detected = tuple(contact.time_s for contact in found)
    entry = None if main is None else physics[main]
    return RecordedMeasurement(
        clip_id=truth.name,
        kind=truth.kind,
        scored_s=scored_seconds(truth.duration_s, truth.unscored_s),
        impacts=match_events(
            truth.impacts_s, detected, unscored_s=truth.unscored_s, within_s=within_s
        ),
        detected_s=detected,
        labels=tuple(one.object.label for one in physics),
        mass_kg=None if entry is None else entry.mass_kg,
        mass_range_kg=truth.mass_range_kg,
        speed_ratios=() if entry is None else _speed_ratios(entry, truth),
        sounds={name: tuple(rows) for name, rows in sounds.items()},
        skipped=dict(skipped),
        seconds=seconds,
    )


def measure_sound(
    truth: ClipTruth, audio: Audio, *, seed: int, within_s: float = onset.WITHIN_S
) -> SoundMeasurement:
    """Compare a sound's onsets with the true impacts.

    Args:
        truth: What is known.
        audio: The sound.
        seed: Copied into the result.
        within_s: Largest distance of a pair, and of an onset that is not false.

    Raises:
        InputError: The sound has no samples.
    """
    onsets = onset.detect_onsets(audio)
    heard = scored_events(onsets, truth.unscored_s)
    impacts = np.asarray(truth.impacts_s, dtype=np.float64)
    false = [
        time_s for time_s in heard if onset.false_onsets(impacts, [time_s], within_s=within_s) == 1
    ]
    return SoundMeasurement(
        seed=seed,
        onsets=match_events(impacts, onsets, unscored_s=truth.unscored_s, within_s=within_s),
        false_onsets=len(false),
        false_levels_db=_levels(audio, false),
        impact_levels_db=_levels(audio, scored_events(impacts, truth.unscored_s)),
        peak_dbfs=max(audio.peak_dbfs, loudness.FLOOR_DB),
    )


def _levels(audio: Audio, times_s: Any) -> tuple[float, ...]:
    return tuple(float(level) for level in loudness.levels_db(audio, times_s))


def find_main_object(
    truth: ClipTruth, physics: PhysicsEstimate, masks: Mapping[int, MaskTrack]
) -> int | None:
    """Return the id of the estimated object that the truth is about, or None.

    Args:
        truth: What is known.
        physics: The estimate.
        masks: Its masks; objects may have none.
    """
    ids = [entry.object_id for entry in physics]
    if truth.points:
        score = {key: _points_on(masks[key], truth.points) for key in ids if key in masks}
    else:
        score = {e.object_id: int(np.isfinite(e.speed_m_s).sum()) for e in physics}
    best = max(score, key=lambda key: (score[key], -key), default=None)
    return best if best is not None and score[best] > 0 else None


def _points_on(track: MaskTrack, points: Sequence[tuple[float, float, float]]) -> int:
    """How many points the masks cover."""
    height, width = track.masks.shape[1:]
    times = track.times_s
    step_s = float(np.median(np.diff(times))) if times.size > 1 else np.inf
    covered = 0
    for time_s, x, y in points:
        index = int(np.abs(times - time_s).argmin())
        rows, columns = np.nonzero(track.masks[index])
        if abs(times[index] - time_s) > step_s or not rows.size:
            continue
        distance = np.hypot(rows + 0.5 - y * height, columns + 0.5 - x * width).min()
        covered += int(distance <= max(1.0, NEAR_POINT * max(height, width)))
    return covered


def _speed_ratios(entry: ObjectPhysics, truth: ClipTruth) -> tuple[float, ...]:
    """Estimated over true speed: the median within 50 ms (of real time) on the same side of impacts.

    None where the true speed is 0, or the estimate has no speed there.
    """
    impacts = np.asarray(truth.impacts_s)
    side_of = np.searchsorted(impacts, entry.speed_times_s)
    ratios = []
    for time_s, true_m_s in truth.speeds:
        near = np.abs(entry.speed_times_s - time_s) <= NEAR_SPEED_S * truth.time_scale
        near &= (side_of == np.searchsorted(impacts, time_s)) & np.isfinite(entry.speed_m_s)
        speed_m_s = float(np.median(entry.speed_m_s[near])) if near.any() else 0.0
        if true_m_s > 0 and speed_m_s > 0:
            ratios.append(speed_m_s / true_m_s)
    return tuple(ratios)
