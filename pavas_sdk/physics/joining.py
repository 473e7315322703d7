"""Puts the estimates of overlapping windows together: one id per object over the clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.sighting import Sighting
from pavas_sdk.data.timing import nearest_index

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import Impact, MaskTrack, ObjectPhysics

__all__ = ["ClipJoiner", "bordered", "compact_track", "continue_track"]

_MIN_OVERLAP = 0.3


@dataclass(slots=True)
class _Entry:
    physics: ObjectPhysics
    track: MaskTrack | None
    impacts: tuple[Impact, ...] | None
    sightings: tuple[Sighting, ...]


class ClipJoiner:
    """Collects window after window; an object continues when its masks overlap at the border.

    Ids are unique over the clip: an object keeps the id of the window it was first seen in, or
    the next free one. Memory grows with the compact masks only.

    Args:
        duration_s: Length of the clip.
    """

    def __init__(self, duration_s: float) -> None:
        self._duration_s = duration_s
        self._entries: dict[int, _Entry] = {}
        self._last_end_s = 0.0
        self._windows = 0

    def add(
        self,
        start_s: float,
        end_s: float,
        objects: tuple[ObjectPhysics, ...],
        tracks: Mapping[int, MaskTrack],
        impacts: Mapping[int, tuple[Impact, ...]] | None = None,
    ) -> dict[int, int]:
        """Add a window; its times start at 0 with the window.

        Args:
            start_s: Where it begins in the clip.
            end_s: Where it ends.
            objects: Its objects.
            tracks: Their masks, by id.
            impacts: Their impacts where the estimator knows them, by id.

        Returns:
            Clip id by window id.
        """
        shifted = {i: _shift_track(track, start_s) for i, track in tracks.items()}
        names = self._match(start_s, objects, shifted)
        seam = 0.5 * (start_s + self._last_end_s)
        for entry in objects:
            clip_id = names[entry.object_id]
            physics = replace(
                entry,
                object=replace(
                    entry.object,
                    object_id=clip_id,
                    box_time_s=None
                    if entry.object.box_time_s is None
                    else entry.object.box_time_s + start_s,
                ),
                speed_times_s=entry.speed_times_s + start_s,
            )
            track = shifted.get(entry.object_id)
            track = None if track is None else replace(track, object_id=clip_id)
            hits = _shift_impacts((impacts or {}).get(entry.object_id), clip_id, start_s)
            sightings: tuple[Sighting, ...] = (Sighting(from_s=start_s, object=entry.object),)
            earlier = self._entries.get(clip_id)
            if earlier is not None:
                sightings = (*earlier.sightings, *sightings)
                hits = _continue_impacts(earlier.impacts, hits, seam)
                physics = _continue_physics(earlier.physics, physics, seam)
                track = (
                    earlier.track if track is None else continue_track(earlier.track, track, seam)
                )
            self._entries[clip_id] = _Entry(physics, track, hits, sightings)
        self._last_end_s = end_s
        self._windows += 1
        return names

    def objects(self) -> tuple[ObjectPhysics, ...]:
        """Return the objects of the clip so far, by id."""
        entries = [self._entries[i] for i in sorted(self._entries)]
        if self._windows < 2:
            return tuple(entry.physics for entry in entries)
        return tuple(replace(entry.physics, sightings=entry.sightings) for entry in entries)

    def impacts(self) -> dict[int, tuple[Impact, ...]]:
        """Return the impacts, by id, of the objects whose estimator knew them in every window."""
        return {i: entry.impacts for i, entry in self._entries.items() if entry.impacts is not None}

    def tracks(self) -> dict[int, MaskTrack]:
        """Return the masks by id; before and after its masks an object has an empty frame."""
        return {
            i: bordered(entry.track, self._duration_s)
            for i, entry in sorted(self._entries.items())
            if entry.track is not None
        }

    def _match(
        self,
        start_s: float,
        objects: tuple[ObjectPhysics, ...],
        tracks: Mapping[int, MaskTrack],
    ) -> dict[int, int]:
        scores: list[tuple[float, int, int]] = []
        apart = start_s >= self._last_end_s  # a cut: another scene, with other objects
        for entry in () if apart else objects:
            track = tracks.get(entry.object_id)
            for clip_id, earlier in self._entries.items():
                if track is not None and earlier.track is not None:
                    overlap = _overlap(earlier.track, track, start_s, self._last_end_s)
                    if overlap >= _MIN_OVERLAP:
                        scores.append((overlap, entry.object_id, clip_id))
        names: dict[int, int] = {}
        for _, window_id, clip_id in sorted(scores, reverse=True):
            if window_id not in names and clip_id not in names.values():
                names[window_id] = clip_id
        free = max(self._entries, default=-1) + 1
        for entry in objects:
            if entry.object_id in names:
                continue
            own = entry.object_id
            taken = own in self._entries or own in names.values()
            names[own] = max(free, *(n + 1 for n in names.values()), 0) if taken else own
            free = max(free, names[own] + 1)
        return names


def compact_track(
    track: MaskTrack, *, max_side: int, max_rate_hz: float | None = None
) -> MaskTrack:
    """Return the track at no more than ``max_side`` pixels and ``max_rate_hz`` frames a second."""
    masks, times, scores = track.masks, track.times_s, track.scores
    if max_rate_hz is not None and times.size > 2:
        rate = 1.0 / float(np.median(np.diff(times)))
        stride = max(1, int(rate / max_rate_hz + 1e-6))
        masks, times, scores = masks[::stride], times[::stride], scores[::stride]
    height, width = masks.shape[1:]
    if max(height, width) > max_side:
        scale = max_side / max(height, width)
        rows = _centres(height, max(1, round(height * scale)))
        columns = _centres(width, max(1, round(width * scale)))
        masks = masks[:, rows[:, None], columns]
    if masks is track.masks:
        return track
    return replace(track, masks=masks.copy(), times_s=times.copy(), scores=scores.copy())


def continue_track(earlier: MaskTrack | None, later: MaskTrack, seam_s: float) -> MaskTrack:
    """Return one track of an object from those of two overlapping windows.

    Args:
        earlier: Of the clip so far, or None.
        later: Of the next window.
        seam_s: From here on the later one counts.
    """
    if earlier is None:
        return later
    early, late = earlier.times_s < seam_s, later.times_s >= seam_s
    return replace(
        earlier,
        masks=np.concatenate([earlier.masks[early], later.masks[late]]),
        times_s=np.concatenate([earlier.times_s[early], later.times_s[late]]),
        scores=np.concatenate([earlier.scores[early], later.scores[late]]),
    )


def _centres(have: int, want: int) -> NDArray[np.int64]:
    return np.asarray(((np.arange(want) + 0.5) * have / want).astype(np.int64))


def _shift_track(track: MaskTrack, start_s: float) -> MaskTrack:
    return track if start_s == 0.0 else replace(track, times_s=track.times_s + start_s)


def _shift_impacts(
    impacts: tuple[Impact, ...] | None, clip_id: int, start_s: float
) -> tuple[Impact, ...] | None:
    if impacts is None:
        return None
    return tuple(replace(hit, object_id=clip_id, time_s=hit.time_s + start_s) for hit in impacts)


def _continue_impacts(
    a: tuple[Impact, ...] | None, b: tuple[Impact, ...] | None, seam_s: float
) -> tuple[Impact, ...] | None:
    """None where one window knows nothing: then the speeds of all windows say it."""
    if a is None or b is None:
        return None
    early = (hit for hit in a if hit.time_s < seam_s)
    return (*early, *(hit for hit in b if hit.time_s >= seam_s))


def _overlap(a: MaskTrack, b: MaskTrack, start_s: float, end_s: float) -> float:
    """Intersection over union, pooled over the frames of ``b`` within the overlap."""
    at = (b.times_s >= start_s) & (b.times_s <= end_s)
    if not at.any() or a.times_s.size == 0 or a.masks.shape[1:] != b.masks.shape[1:]:
        return 0.0
    first = a.masks[nearest_index(a.times_s, b.times_s[at])]
    second = b.masks[at]
    union = int((first | second).sum())
    return float((first & second).sum()) / union if union else 0.0


def _continue_physics(a: ObjectPhysics, b: ObjectPhysics, seam_s: float) -> ObjectPhysics:
    early, late = a.speed_times_s < seam_s, b.speed_times_s >= seam_s

    def joined(
        x: NDArray[np.float64] | None, y: NDArray[np.float64] | None
    ) -> NDArray[np.float64] | None:
        return None if x is None or y is None else np.concatenate([x[early], y[late]])

    times = joined(a.speed_times_s, b.speed_times_s)
    speed = joined(a.speed_m_s, b.speed_m_s)
    assert times is not None
    assert speed is not None
    mass_kg, mass_log_std = _pooled_mass(a, b)
    return replace(
        a,
        mass_kg=mass_kg,
        mass_log_std=mass_log_std,
        speed_times_s=times,
        speed_m_s=speed,
        speed_std_m_s=joined(a.speed_std_m_s, b.speed_std_m_s),
        velocity_m_s=joined(a.velocity_m_s, b.velocity_m_s),
        sources={**b.sources, **a.sources},
    )


def _pooled_mass(a: ObjectPhysics, b: ObjectPhysics) -> tuple[float | None, float | None]:
    """The surer mass of the two (estimates of one object are not independent)."""
    if a.mass_kg is None or b.mass_kg is None:
        known = a if b.mass_kg is None else b
        return known.mass_kg, known.mass_log_std
    std_a = np.inf if a.mass_log_std is None else a.mass_log_std
    std_b = np.inf if b.mass_log_std is None else b.mass_log_std
    return (b.mass_kg, b.mass_log_std) if std_b < std_a else (a.mass_kg, a.mass_log_std)


def bordered(track: MaskTrack, duration_s: float) -> MaskTrack:
    """Empty frames beside the masks, so that a nearest look-up outside them finds nothing."""
    times = track.times_s
    if times.size < 2:
        return track
    step = float(np.median(np.diff(times)))
    before = [times[0] - step] if times[0] - step > 0 else []
    after = [times[-1] + step] if times[-1] + 1.5 * step < duration_s else []
    if not before and not after:
        return track
    empty = np.zeros((1, *track.masks.shape[1:]), dtype=np.bool_)
    missing = np.full(1, np.nan, dtype=np.float32)
    return replace(
        track,
        masks=np.concatenate([empty] * len(before) + [track.masks] + [empty] * len(after)),
        times_s=np.concatenate([before, times, after]),
        scores=np.concatenate([missing] * len(before) + [track.scores] + [missing] * len(after)),
    )
