"""Which tracks are objects that really move, and their masks in the frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.camera_motion import CameraMotion
    from pavas_tiny.tracking import Parts, Track

__all__ = ["Mover", "select_movers"]

_MIN_FRAMES = 5
_AWAY_FRAMES = 60
_SAME_TINT = 45.0  # distance of mean colours, 0..255
_CLEAR_SCORE = 0.1
_SHADE_SHARE = 0.6
_SHADOW_LIGHT = 0.76  # shadows leave the ambient light: they are hardly darker than this


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mover:
    """An object that moves.

    Attributes:
        masks: bool, (T, H, W), in the frames.
        centres: (T, 2), x and y in the reference picture, sub-pixel; NaN where unseen.
        score: In [0, 1].
        colour: (3,) mean colour, 0..255.
    """

    masks: NDArray[np.bool_]
    centres: NDArray[np.float64]
    score: float
    colour: NDArray[np.float64]


@dataclass(slots=True, eq=False)
class _Candidate:
    track: Track
    frames: NDArray[np.int64]
    centres: NDArray[np.float64]
    areas: NDArray[np.float64]
    contrast: NDArray[np.float64]
    edge: NDArray[np.bool_]
    shade: float
    light: float
    score: float = 0.0

    @property
    def area(self) -> float:
        """Median area."""
        return float(np.median(self.areas))

    @property
    def travel(self) -> float:
        """How far it gets, without outliers."""
        low, high = np.percentile(self.centres, [4, 96], axis=0)
        return float(np.linalg.norm(high - low))


def select_movers(
    tracks: list[Track],
    parts: Parts,
    labels: NDArray[np.int32],
    offset: tuple[float, float],
    camera: CameraMotion,
    size: tuple[int, int],
    max_objects: int,
) -> list[Mover]:
    """Keep the tracks that travel and stand out; the best first.

    Args:
        tracks: From `tracking.follow`.
        parts: Measurements of the parts.
        labels: Part numbers on the canvas.
        offset: Of the canvas in the reference picture.
        camera: Its motion.
        size: (height, width) of the frames.
        max_objects: Keep at most so many.
    """
    candidates = []
    for track in tracks:
        if len(track.frames) < _MIN_FRAMES:
            continue
        candidate = _trimmed(track, parts)
        if candidate is None:
            continue
        candidate.score = _score(candidate, moving_camera=camera.moving)
        if candidate.score > 0:
            candidates.append(candidate)
    candidates = _joined(_without_shadows(candidates))
    candidates.sort(key=lambda c: -c.score)
    if candidates:
        best = candidates[0].score
        candidates = [c for c in candidates if c.score > max(0.4 * best, _CLEAR_SCORE)]
    if candidates:
        candidates = _without_company(candidates)[:max_objects]
    return [_mover(c, candidates, labels, offset, camera, size) for c in candidates]


def _trimmed(track: Track, parts: Parts) -> _Candidate | None:
    """Without faint ends that stand still: the rest that an object leaves in a compressed video."""
    frames = np.array(track.frames)
    centres = np.array(track.centres)
    areas = np.array(track.areas)
    numbers = np.array(track.parts)
    contrast = parts.contrast[numbers]
    step = np.linalg.norm(np.diff(centres, axis=0), axis=1) / np.diff(frames)
    moving = np.concatenate([[False], step > 0.6]) | np.concatenate([step > 0.6, [False]])
    start, end = 0, frames.size
    if moving.any():
        typical = float(np.median(contrast[moving]))
        faint = (contrast < 0.45 * typical) & ~moving
        while end > start and faint[end - 1]:
            end -= 1
        while start < end and faint[start]:
            start += 1
    if end - start < _MIN_FRAMES:
        return None
    part = slice(start, end)
    shade = float(np.median(parts.shade[numbers[part]]))
    light = float(np.percentile(parts.light[numbers[part]], 10))
    return _Candidate(
        track,
        frames[part],
        centres[part],
        areas[part],
        contrast[part],
        parts.edge[numbers[part]],
        shade=shade,
        light=light,
    )


def _score(candidate: _Candidate, *, moving_camera: bool) -> float:
    centres = candidate.centres
    travel = candidate.travel
    radius = float(np.sqrt(candidate.area / np.pi))
    contrast = float(np.median(candidate.contrast))
    least = max(2.0, 0.3 * radius) * (1.6 if moving_camera else 1.0)
    if travel < least or contrast < 1.5:
        return 0.0
    if contrast < 2.5 and travel < 3 * least:
        return 0.0
    # what jitters covers a long way but gets nowhere
    steps = np.linalg.norm(np.diff(centres, axis=0), axis=1)
    smooth = travel / (float(np.median(steps)) * np.sqrt(steps.size) + travel)
    life = min(candidate.frames.size / 12.0, 1.0)
    far = travel / (travel + 6.0 + radius)
    strong = contrast / (contrast + 3.0)
    return float(life * far * strong * (0.3 + 0.7 * smooth))


def _without_shadows(candidates: list[_Candidate]) -> list[_Candidate]:
    """Drop tracks of shade that are light, or that go where something solid leads them.

    A shadow's place depends on its caster's alone: nearly an affine map of it. Where nothing is
    solid, the best track of shade is a grey thing.
    """
    solid = [candidate for candidate in candidates if candidate.shade <= _SHADE_SHARE]
    kept = [
        candidate
        for candidate in candidates
        if candidate.shade <= _SHADE_SHARE
        or (candidate.light < _SHADOW_LIGHT and not any(_led(candidate, c) for c in solid))
    ]
    if kept or not candidates:
        return kept
    return [max(candidates, key=lambda candidate: candidate.score)]


def _led(shade: _Candidate, solid: _Candidate) -> bool:
    """Whether the path of ``shade`` is an affine map of the path of ``solid``."""
    _, own, others = np.intersect1d(shade.frames, solid.frames, return_indices=True)
    if own.size < max(6, 0.5 * shade.frames.size):
        return False
    path = shade.centres[own]
    design = np.column_stack([solid.centres[others], np.ones(own.size)])
    solved, *_ = np.linalg.lstsq(design, path, rcond=None)
    miss = np.linalg.norm(path - design @ solved, axis=1)
    travel = float(np.linalg.norm(np.ptp(path, axis=0)))
    return float(np.median(miss)) < max(0.7, 0.05 * travel)


def _joined(candidates: list[_Candidate]) -> list[_Candidate]:
    """Join a track that ends with one that begins soon after at the place it was heading for.

    Or with one that comes in over the picture's edge after it went out there.
    """
    candidates = sorted(candidates, key=lambda c: int(c.frames[0]))
    out: list[_Candidate] = []
    for late in candidates:
        best: tuple[float, _Candidate] | None = None
        for early in out:
            gap = int(late.frames[0] - early.frames[-1])
            if _returns(early, late):
                best = min(best or (np.inf, early), (float(gap), early), key=lambda pair: pair[0])
                continue
            if not 0 < gap <= 25:
                continue
            back = min(3, early.frames.size - 1)
            velocity = (early.centres[-1] - early.centres[-1 - back]) / max(
                int(early.frames[-1] - early.frames[-1 - back]), 1
            )
            radius = float(np.sqrt(np.median(early.areas) / np.pi))
            miss = min(
                float(np.linalg.norm(late.centres[0] - early.centres[-1] - velocity * min(gap, 8))),
                float(np.linalg.norm(late.centres[0] - early.centres[-1])),
            )
            growth = abs(float(np.log(np.median(late.areas) / np.median(early.areas))))
            if miss < 4.0 + 2.0 * radius + 0.8 * gap and growth < 1.0:
                cost = miss + 10 * growth
                if best is None or cost < best[0]:
                    best = (cost, early)
        if best is None:
            out.append(late)
            continue
        early = best[1]
        early.track.parts = early.track.parts + late.track.parts
        early.track.shared = early.track.shared + late.track.shared
        early.track.frames = early.track.frames + late.track.frames
        early.frames = np.concatenate([early.frames, late.frames])
        early.centres = np.concatenate([early.centres, late.centres])
        early.areas = np.concatenate([early.areas, late.areas])
        early.contrast = np.concatenate([early.contrast, late.contrast])
        early.edge = np.concatenate([early.edge, late.edge])
        early.score = max(early.score, late.score)
    return out


def _returns(early: _Candidate, late: _Candidate) -> bool:
    """Whether a thing that left over the picture's edge has come in again, as a hand does."""
    gap = int(late.frames[0] - early.frames[-1])
    if not (0 < gap <= _AWAY_FRAMES and early.edge[-1] and late.edge[0]):
        return False
    tint = float(np.linalg.norm(early.track.colour - late.track.colour))
    return tint < _SAME_TINT


def _without_company(candidates: list[_Candidate]) -> list[_Candidate]:
    """Drop what only keeps the main object company: specks, short-lived pieces, throwing hands.

    Specks and pieces are small or seen for a short while, and get less far than the best one. Where
    something whole flies, by more than twice its size, hands and arms that reach in over the
    picture's edge are not what is heard.
    """
    main = candidates[0]
    kept = [main]
    for other in candidates[1:]:
        slower = other.travel < 0.5 * main.travel
        small = other.area < 0.25 * main.area
        short = other.frames.size < 0.3 * main.frames.size
        if not (slower and (small or short)):
            kept.append(other)
    flies = any(
        c.edge.mean() < 0.25
        and c.travel > 4.0 * np.sqrt(c.area / np.pi)
        and c.score > 0.5 * main.score
        for c in kept
    )
    if flies:
        kept = [c for c in kept if c.edge.mean() < 0.6]
    return kept


def _mover(
    candidate: _Candidate,
    all_candidates: list[_Candidate],
    labels: NDArray[np.int32],
    offset: tuple[float, float],
    camera: CameraMotion,
    size: tuple[int, int],
) -> Mover:
    count = labels.shape[0]
    track = candidate.track
    place = {frame: k for k, frame in enumerate(track.frames)}
    masks = np.zeros((count, *size), dtype=np.bool_)
    centres = np.full((count, 2), np.nan)
    for frame, centre in zip(candidate.frames, candidate.centres, strict=True):
        at = place[int(frame)]
        mask = labels[frame] == track.parts[at] + 1
        if track.shared[at] or _is_shared(all_candidates, candidate, int(frame), track.parts[at]):
            mask = _own_share(mask, candidate, all_candidates, int(frame), track.parts[at])
        masks[frame] = _in_frame(mask, camera, int(frame), offset, size)
        centres[frame] = centre + offset
    return Mover(masks=masks, centres=centres, score=min(candidate.score, 1.0), colour=track.colour)


def _is_shared(candidates: list[_Candidate], own: _Candidate, frame: int, part: int) -> bool:
    return any(other is not own and _part_at(other, frame) == part for other in candidates)


def _part_at(candidate: _Candidate, frame: int) -> int:
    at = np.searchsorted(candidate.track.frames, frame)
    frames = candidate.track.frames
    return candidate.track.parts[at] if at < len(frames) and frames[at] == frame else -1


def _own_share(
    mask: NDArray[np.bool_],
    own: _Candidate,
    candidates: list[_Candidate],
    frame: int,
    part: int,
) -> NDArray[np.bool_]:
    """The pixels of a shared part that lie nearest to this object, each object in its size."""
    rows, columns = np.nonzero(mask)
    points = np.stack([columns, rows], axis=1)
    nearest = np.full(rows.size, np.inf)
    mine = np.full(rows.size, np.inf)
    for other in candidates:
        if _part_at(other, frame) != part:
            continue
        at = np.searchsorted(other.frames, frame)
        if at >= other.frames.size or other.frames[at] != frame:
            continue
        radius = np.sqrt(np.median(other.areas) / np.pi)
        distance = np.linalg.norm(points - other.centres[at], axis=1) / radius
        if other is own:
            mine = distance
        else:
            nearest = np.minimum(nearest, distance)
    keep = mine <= nearest
    out = np.zeros_like(mask)
    out[rows[keep], columns[keep]] = True
    return out


def _in_frame(
    mask: NDArray[np.bool_],
    camera: CameraMotion,
    frame: int,
    offset: tuple[float, float],
    size: tuple[int, int],
) -> NDArray[np.bool_]:
    """From the canvas into the frame's own pixels, nearest."""
    if not camera.moving:
        return mask
    height, width = size
    matrix = camera.matrix[frame]
    y, x = np.mgrid[0:height, 0:width]
    column = np.rint(matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] - offset[0]).astype(int)
    row = np.rint(matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] - offset[1]).astype(int)
    inside = (row >= 0) & (row < mask.shape[0]) & (column >= 0) & (column < mask.shape[1])
    out = np.zeros(size, dtype=np.bool_)
    out[inside] = mask[row[inside], column[inside]]
    return out
