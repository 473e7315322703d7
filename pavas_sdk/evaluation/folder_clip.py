"""One clip of several models beside its true sound: onsets, level, silence, strength at impacts.

Conventions
-----------
The true sound is the judge: its onsets are the wanted ones, its level the wanted level. Both sounds
are cut to ``length_s``. Levels are RMS over the clip, dB relative to full scale, not below -120;
nothing is normalised. A clip is silent below -60 dB.

A model must not gain by failing. A clip that is missing, cannot be read, is shorter than 99 % of
what is wanted, or is silent where the true sound is not, has failed and gets the worst values that
are possible: no onset hit, the largest distance, the largest difference of level.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.evaluation import onset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data import Audio

__all__ = ["FAILURES", "SILENCE_DB", "ClipRow", "SoundRow", "measure_sounds"]

SILENCE_DB, FLOOR_DB = -60.0, -120.0
SHORTEST = 0.99
FAILURES = ("missing", "unreadable", "short", "silent")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundRow:
    """What is known of one model's sound of one clip.

    Attributes:
        status: "ok" or one of `FAILURES`.
        onset_f1: F1 of its onsets against those of the true sound, within 100 ms; 1 where neither
            has any. None where onsets were not asked for.
        onset_distance_ms: Mean over the true onsets of the distance to their own, 100 where there
            is none; 0 without true onsets. None as above.
        level_db: RMS level, or None where there is no sound.
        level_error_db: Absolute difference of the level.
        strengths: Onset strength at each impact; empty for a failed clip.
    """

    status: str
    onset_f1: float | None
    onset_distance_ms: float | None
    level_db: float | None
    level_error_db: float
    strengths: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipRow:
    """All sounds of one clip.

    Attributes:
        clip_id: Stem of the clip's files.
        sounds: By model; "reference" is the true sound.
    """

    clip_id: str
    sounds: Mapping[str, SoundRow]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "clip_id": self.clip_id,
            "sounds": {name: asdict(row) for name, row in self.sounds.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ClipRow:
        """Read a row."""
        return cls(
            clip_id=data["clip_id"],
            sounds={
                name: SoundRow(**{**row, "strengths": tuple(row["strengths"])})
                for name, row in data["sounds"].items()
            },
        )


def measure_sounds(
    clip_id: str,
    reference: Path,
    generated: Mapping[str, Path | None],
    *,
    length_s: float | None = None,
    impacts_s: Sequence[float] = (),
    onsets: bool = True,
) -> ClipRow:
    """Measure one clip's sounds.

    Args:
        clip_id: Its name.
        reference: File of the true sound.
        generated: File of every model's sound; None where there is none.
        length_s: Longer sounds are cut here; None: at the end of the true sound.
        impacts_s: Where onset strengths are taken, seconds.
        onsets: Whether onsets are looked for, which takes most of the time.

    Raises:
        MediaError: The true sound cannot be read.
        InputError: It has no samples.
    """
    from pavas_sdk.media import read_audio

    true = read_audio(reference)
    wanted_s = true.duration_s if length_s is None else min(length_s, true.duration_s)
    if wanted_s <= 0:
        raise InputError(f"{reference} has no samples")
    true = true.fitted(round(wanted_s * true.sample_rate_hz))
    onsets_s = onset.detect_onsets(true) if onsets else None
    level_db = _level_db(true)
    sounds = {
        "reference": SoundRow(
            status="ok",
            onset_f1=1.0 if onsets else None,
            onset_distance_ms=0.0 if onsets else None,
            level_db=level_db,
            level_error_db=0.0,
            strengths=_strengths(true, impacts_s),
        )
    }
    for name, path in generated.items():
        audio, status = None, "missing"
        if path is not None:
            try:
                audio, status = read_audio(path), "ok"
            except MediaError:
                status = "unreadable"
        if audio is not None:
            if audio.duration_s < SHORTEST * wanted_s:
                status = "short"
            audio = audio.fitted(round(wanted_s * audio.sample_rate_hz))
            if status == "ok" and _level_db(audio) < SILENCE_DB <= level_db:
                status = "silent"
        if audio is None or status != "ok":
            sounds[name] = _failed(status, audio, level_db, onsets=onsets)
            continue
        sounds[name] = _compared(audio, onsets_s, level_db, impacts_s)
    return ClipRow(clip_id=clip_id, sounds=sounds)


def _compared(
    audio: Audio, onsets_s: np.ndarray | None, level_db: float, impacts_s: Sequence[float]
) -> SoundRow:
    f1, distance_ms = (None, None) if onsets_s is None else _timing(audio, onsets_s)
    level = _level_db(audio)
    return SoundRow(
        status="ok",
        onset_f1=f1,
        onset_distance_ms=distance_ms,
        level_db=level,
        level_error_db=abs(level - level_db),
        strengths=_strengths(audio, impacts_s),
    )


def _timing(audio: Audio, onsets_s: np.ndarray) -> tuple[float, float]:
    """F1 of the onsets, and their mean distance in milliseconds."""
    made_s = onset.detect_onsets(audio)
    errors = np.abs(onset.timing_errors_s(onsets_s, made_s))
    both = onsets_s.size + made_s.size
    unheard = onsets_s.size - errors.size
    distance_s = (errors.sum() + unheard * onset.WITHIN_S) / max(onsets_s.size, 1)
    f1 = 2.0 * errors.size / both if both else 1.0
    return f1, min(float(distance_s), onset.WITHIN_S) * 1e3  # a sum may round above


def _failed(status: str, audio: Audio | None, level_db: float, *, onsets: bool) -> SoundRow:
    # also where nothing was to be heard: no answer is not the right one
    return SoundRow(
        status=status,
        onset_f1=0.0 if onsets else None,
        onset_distance_ms=onset.WITHIN_S * 1e3 if onsets else None,
        level_db=None if audio is None else _level_db(audio),
        level_error_db=max(level_db - FLOOR_DB, -level_db),
    )


def _strengths(audio: Audio, impacts_s: Sequence[float]) -> tuple[float, ...]:
    if not impacts_s:
        return ()
    curve = onset.onset_strength(audio)
    return tuple(curve.peak_near(time_s) for time_s in impacts_s)


def _level_db(audio: Audio) -> float:
    power = float(np.square(audio.mono.astype(np.float64)).mean()) if audio.mono.size else 0.0
    return max(10.0 * float(np.log10(max(power, 1e-30))), FLOOR_DB)
