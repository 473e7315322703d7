"""What is measured on the sound made for one clip."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation import apcc, loudness, onset
from pavas_sdk.evaluation.impacts import NEGLIGIBLE, isolated, merge_contacts
from pavas_sdk.evaluation.timbre import impact_timbre

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Contact, LabelledClip, PhysicsEstimate

__all__ = ["ClipMeasurement", "ImpactMeasurement", "measure_clip"]

AUDIBLE_THRESHOLD = 0.08


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactMeasurement:
    """One impact that counts. Missing numbers are NaN.

    Attributes:
        time_s: When.
        energy_j: Exact energy change where known, else ``window_energy_j``.
        window_energy_j: dE_k of APCC, from mean speeds.
        strength: Onset strength in the generated sound.
        strength_reference: And in the true sound.
        level_db: Level in the generated sound.
        level_reference_db: And in the true sound.
        error_s: Onset minus impact in the generated sound; NaN when not hit.
        material: Of the body that hits, "" where it is not known.
        centroid_hz: Of the generated sound, see `pavas_sdk.evaluation.timbre`.
        centroid_reference_hz: And of the true sound.
        decay_20db_s: Of the generated sound.
        decay_20db_reference_s: And of the true sound.
    """

    time_s: float
    energy_j: float
    window_energy_j: float
    strength: float
    strength_reference: float
    level_db: float
    level_reference_db: float
    error_s: float
    material: str = ""
    centroid_hz: float = float("nan")
    centroid_reference_hz: float = float("nan")
    decay_20db_s: float = float("nan")
    decay_20db_reference_s: float = float("nan")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipMeasurement:
    """Everything the metrics need of one clip; a line of the results file.

    Attributes:
        clip_id: Which clip.
        category: Its sound class.
        impacts: Impacts that count: isolated, and audible in the true sound.
        contacts: Number of contacts of any kind.
        onsets_s: Onsets in the generated sound.
        false_onsets: Onsets without a contact near, in the generated sound.
        false_onsets_reference: And in the true sound.
        objects: Number of objects in the physics that the sound was made from, or None.
        seconds: Wall time of making the sound.
    """

    clip_id: int | str
    category: str
    impacts: tuple[ImpactMeasurement, ...]
    contacts: int
    onsets_s: tuple[float, ...]
    false_onsets: int
    false_onsets_reference: int
    objects: int | None = None
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; NaN becomes null."""
        data = asdict(self)
        data["impacts"] = [
            {
                key: None if isinstance(value, float) and np.isnan(value) else value
                for key, value in impact.items()
            }
            for impact in data["impacts"]
        ]
        return {**data, "onsets_s": list(self.onsets_s)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClipMeasurement:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            impacts = tuple(_impact(row) for row in data["impacts"])
            return cls(**{**data, "impacts": impacts, "onsets_s": tuple(data["onsets_s"])})
        except (KeyError, TypeError, ValueError, AttributeError) as err:
            raise FormatError(f"not a clip's measurements: {err!r}") from err


def _impact(row: Mapping[str, Any]) -> ImpactMeasurement:
    values: dict[str, Any] = {
        name: str(value) if name == "material" else float("nan" if value is None else value)
        for name, value in row.items()
    }
    return ImpactMeasurement(**values)


def measure_clip(
    clip: LabelledClip,
    generated: Audio,
    *,
    objects: int | None = None,
    seconds: float = 0.0,
) -> ClipMeasurement:
    """Compare a generated sound with the true one at the contacts of a clip.

    The generated sound is cut or padded to the true length and brought to its sample rate.

    Args:
        clip: The clip.
        generated: The sound that was made for it.
        objects: Copied into the result.
        seconds: Copied into the result.

    Raises:
        InputError: The clip has no true sound.
    """
    truth = clip.true_audio
    made = matched(generated, truth)
    counted = counted_impacts(clip)
    times = np.asarray([impact.time_s for impact in counted])
    every = np.sort([contact.time_s for contact in clip.contacts])
    onsets = onset.detect_onsets(made)
    errors = np.full(times.size, np.nan)
    for index, found in onset.match_onsets(times, onsets):
        errors[index] = onsets[found] - times[index]
    curves = onset.onset_strength(made), onset.onset_strength(truth)
    levels = loudness.levels_db(made, times), loudness.levels_db(truth, times)
    following = next_impacts_s(clip, counted)
    rows = []
    for index, impact in enumerate(counted):
        rings = impact_timbre(made, impact.time_s, following[index])
        rings_truly = impact_timbre(truth, impact.time_s, following[index])
        window_energy = _window_energy(clip.physics, impact)
        known = not np.isnan(impact.energy_change_j)
        rows.append(
            ImpactMeasurement(
                time_s=impact.time_s,
                energy_j=impact.energy_change_j if known else window_energy,
                window_energy_j=window_energy,
                strength=curves[0].peak_near(impact.time_s),
                strength_reference=curves[1].peak_near(impact.time_s),
                level_db=float(levels[0][index]),
                level_reference_db=float(levels[1][index]),
                error_s=float(errors[index]),
                material=""
                if impact.object_id is None
                else clip.materials.get(impact.object_id, ""),
                centroid_hz=rings.centroid_hz,
                centroid_reference_hz=rings_truly.centroid_hz,
                decay_20db_s=rings.decay_20db_s,
                decay_20db_reference_s=rings_truly.decay_20db_s,
            )
        )
    return ClipMeasurement(
        clip_id=clip.clip_id,
        category=clip.action,
        impacts=tuple(rows),
        contacts=len(clip.contacts),
        onsets_s=tuple(float(time_s) for time_s in onsets),
        false_onsets=onset.false_onsets(every, _scored(clip, onsets)),
        false_onsets_reference=onset.false_onsets(every, _scored(clip, onset.detect_onsets(truth))),
        objects=objects,
        seconds=seconds,
    )


def counted_impacts(clip: LabelledClip) -> list[Contact]:
    """Return the impacts that count: isolated, whole within the clip, audible in the true sound.

    Audible means that the true sound has an onset there, at a somewhat higher threshold than the
    one for generated sounds: an impact at the very threshold would be a matter of chance. Impacts
    in ``unscored_s`` do not count, but they disturb others.

    Raises:
        InputError: The clip has no true sound.
    """
    events = merge_contacts(clip.contacts)
    alone = isolated(events)
    truth = clip.true_audio
    end_s = truth.duration_s - loudness.SEARCH_S - loudness.WINDOW_S
    heard = onset.detect_onsets(truth, threshold=AUDIBLE_THRESHOLD)
    near = {index for index, _ in onset.match_onsets([e.time_s for e in events], heard)}
    return [
        event
        for index, event in enumerate(events)
        if alone[index] and index in near and event.time_s <= end_s and clip.is_scored(event.time_s)
    ]


def next_impacts_s(clip: LabelledClip, counted: Sequence[Contact]) -> list[float]:
    """Return when something that can be heard follows each of ``counted``; infinity after the last.

    What gives off less than a hundredth of an impact's energy does not count; unknown energy does.
    """
    events = merge_contacts(clip.contacts)
    found = []
    for impact in counted:
        least_j = NEGLIGIBLE * impact.energy_change_j
        later = (e for e in events if e.time_s > impact.time_s and not e.energy_change_j < least_j)
        found.append(min((event.time_s for event in later), default=float("inf")))
    return found


def _scored(clip: LabelledClip, onsets_s: NDArray[np.float64]) -> NDArray[np.float64]:
    kept = [time_s for time_s in onsets_s if clip.is_scored(float(time_s))]
    return np.asarray(kept, dtype=np.float64)


def matched(generated: Audio, reference: Audio) -> Audio:
    """Return ``generated`` in mono, at the rate and of the length of ``reference``."""
    audio = resampled(generated, reference.sample_rate_hz)
    return audio.fitted(reference.samples.shape[1])


def resampled(audio: Audio, sample_rate_hz: int) -> Audio:
    """Return ``audio`` in mono at another rate."""
    samples = audio.mono
    if audio.sample_rate_hz != sample_rate_hz:
        from math import gcd

        from scipy.signal import resample_poly

        common = gcd(audio.sample_rate_hz, sample_rate_hz)
        samples = resample_poly(samples, sample_rate_hz // common, audio.sample_rate_hz // common)
    return Audio(samples=samples, sample_rate_hz=sample_rate_hz)


def _window_energy(physics: PhysicsEstimate, impact: Contact) -> float:
    if impact.object_id is None:
        return float("nan")
    return apcc.energy_change_j(physics, impact.object_id, impact.time_s)
