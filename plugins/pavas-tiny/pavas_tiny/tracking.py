"""Follows the parts that stand out from frame to frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import linear_sum_assignment

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_tiny.foreground import Foreground

__all__ = ["Parts", "Track", "follow", "measure_parts"]

_FORBIDDEN = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parts:
    """Measurements of the connected parts; entry 0 is part number 1.

    Attributes:
        frame: (N,) frame of each part.
        centre: (N, 2) x and y in the canvas, weighted by contrast: sub-pixel.
        area: (N,) pixels.
        colour: (N, 3) mean colour.
        contrast: (N,) mean contrast in units of the threshold.
        shade: (N,) share of pixels that look like the background under less light.
        light: (N,) mean brightness relative to the background.
        edge: (N,) whether it touches the edge of the canvas.
    """

    frame: NDArray[np.int64]
    centre: NDArray[np.float64]
    area: NDArray[np.float64]
    colour: NDArray[np.float64]
    contrast: NDArray[np.float64]
    shade: NDArray[np.float64]
    light: NDArray[np.float64]
    edge: NDArray[np.bool_]


@dataclass(slots=True, eq=False)
class Track:
    """One object through time.

    Attributes:
        frames: Frames in which it was seen.
        parts: Its part (index into `Parts`) in each of them.
        centres: (x, y) in the canvas in each of them.
        areas: Pixels in each of them.
        shared: Whether the part was shared with another track.
        colour: Recent mean colour.
        shade: Recent share of shade.
    """

    frames: list[int] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    centres: list[NDArray[np.float64]] = field(default_factory=list)
    areas: list[float] = field(default_factory=list)
    shared: list[bool] = field(default_factory=list)
    colour: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    shade: float = 0.0

    def add(
        self, frame: int, part: int, parts: Parts, *, centre: NDArray[np.float64] | None = None
    ) -> None:
        """Append a sighting; with ``centre`` the part is shared and only the place counts."""
        self.frames.append(frame)
        self.parts.append(part)
        self.shared.append(centre is not None)
        self.centres.append(parts.centre[part] if centre is None else centre)
        if centre is None:
            self.areas.append(float(parts.area[part]))
            rate = 1.0 / min(len(self.areas), 8)
            self.colour = self.colour + rate * (parts.colour[part] - self.colour)
            self.shade += rate * (float(parts.shade[part]) - self.shade)
        else:
            self.areas.append(self.area)

    @property
    def area(self) -> float:
        """Typical recent area (median of the last seven)."""
        recent = sorted(self.areas[-7:])
        return recent[len(recent) // 2]

    def predicted(self, frame: int) -> NDArray[np.float64]:
        """Where it should be, from its last steps."""
        last = self.centres[-1]
        if len(self.frames) < 2:
            return last
        back = min(3, len(self.frames) - 1)
        span = self.frames[-1] - self.frames[-1 - back]
        velocity = (last - self.centres[-1 - back]) / span
        return np.asarray(last + velocity * min(frame - self.frames[-1], 6))


def measure_parts(found: Foreground, frames: NDArray[np.uint8]) -> Parts:
    """Measure every connected part.

    Args:
        found: What stands out.
        frames: uint8, (T, H, W, 3), the same canvas.
    """
    labels, count, contrast = found.labels, found.count, found.contrast
    threshold = found.threshold
    height, width = labels.shape[1:]
    flat = np.flatnonzero(found.mask)
    part = labels.ravel()[flat] - 1
    area = np.bincount(part, minlength=count).astype(np.float64)
    inside = np.maximum(area, 1)
    level = contrast.ravel()[flat].astype(np.float64)
    relative = level / threshold.ravel()[flat % (height * width)]
    # half the usual contrast already counts in full: soft only at the rim
    typical = np.bincount(part, weights=level, minlength=count) / inside
    weight = np.minimum(level / (0.6 * typical[part] + 1e-9), 1.0)
    total = np.bincount(part, weights=weight, minlength=count)
    column = (flat % width).astype(np.float64)
    row = ((flat // width) % height).astype(np.float64)
    outer = (column == 0) | (column == width - 1) | (row == 0) | (row == height - 1)
    frame = np.zeros(count, dtype=np.int64)
    frame[part] = flat // (width * height)
    pixels = frames.reshape(-1, 3)[flat].astype(np.float64)
    behind = found.background.reshape(-1, 3)[flat % (height * width)].astype(np.float64)
    ratio = (pixels.mean(axis=1) + 6.0) / (behind.mean(axis=1) + 6.0)
    shade = found.shade.ravel()[flat].astype(np.float64)
    return Parts(
        frame=frame,
        centre=np.stack(
            [
                np.bincount(part, weights=weight * column, minlength=count) / total,
                np.bincount(part, weights=weight * row, minlength=count) / total,
            ],
            axis=1,
        ),
        area=area,
        colour=np.stack(
            [np.bincount(part, weights=pixels[:, c], minlength=count) / inside for c in range(3)],
            axis=1,
        ),
        contrast=np.bincount(part, weights=relative, minlength=count) / inside,
        shade=np.bincount(part, weights=shade, minlength=count) / inside,
        light=np.bincount(part, weights=ratio, minlength=count) / inside,
        edge=np.bincount(part[outer], minlength=count) > 0,
    )


def follow(parts: Parts, frame_count: int, *, patience: int = 12) -> list[Track]:
    """Link parts into tracks.

    Each frame's parts are assigned to the tracks' predicted places by least total cost of
    distance, size and colour. A track whose place lies in a part taken by another one, large
    enough for both, goes on as merged with it.

    Args:
        parts: From `measure_parts`.
        frame_count: Number of frames.
        patience: A track not seen for more frames has ended.
    """
    done: list[Track] = []
    alive: list[Track] = []
    order = np.argsort(parts.frame, kind="stable")
    bounds = np.searchsorted(parts.frame[order], np.arange(frame_count + 1))
    for frame in range(frame_count):
        here = order[bounds[frame] : bounds[frame + 1]]
        done += [track for track in alive if frame - track.frames[-1] > patience]
        alive = [track for track in alive if frame - track.frames[-1] <= patience]
        taken = _assign(alive, here, parts, frame)
        for index, track in enumerate(alive):
            if index not in taken:
                _try_merged(track, alive, taken, index, parts, frame)
        used = set(taken.values())
        for part in here:
            if int(part) not in used:
                track = Track()
                track.add(frame, int(part), parts)
                alive.append(track)
    return done + alive


def _assign(
    tracks: list[Track], here: NDArray[np.intp], parts: Parts, frame: int
) -> dict[int, int]:
    """Part by track index; the sightings are added."""
    if not tracks or here.size == 0:
        return {}
    cost = np.full((len(tracks), here.size), _FORBIDDEN)
    for row, track in enumerate(tracks):
        gap = frame - track.frames[-1]
        radius = np.sqrt(track.area / np.pi)
        expected, last = track.predicted(frame), track.centres[-1]
        speed = float(np.linalg.norm(expected - last)) / max(gap, 1)
        gate = 4.0 + 1.2 * radius + 0.8 * speed + 1.5 * (gap - 1)
        if len(track.frames) < 3:
            gate += 1.5 * radius + 4.0
        near = np.minimum(
            np.linalg.norm(parts.centre[here] - expected, axis=1),
            0.3 * gate + np.linalg.norm(parts.centre[here] - last, axis=1),
        )
        growth = np.abs(np.log(parts.area[here] / track.area))
        tint = np.linalg.norm(parts.colour[here] - track.colour, axis=1) / 80.0
        total = near / gate + 0.4 * growth + 0.4 * np.minimum(tint, 2.0)
        total += 0.5 * np.abs(parts.shade[here] - track.shade)
        allowed = (near <= gate) & (growth < 1.6)
        # tracks that exist for long come first
        cost[row] = np.where(allowed, total - 0.05 * min(len(track.frames), 10), _FORBIDDEN)
    rows, columns = linear_sum_assignment(cost)
    taken = {}
    for row, column in zip(rows, columns, strict=True):
        if cost[row, column] < _FORBIDDEN / 2:
            taken[int(row)] = int(here[column])
            tracks[row].add(frame, int(here[column]), parts)
    return taken


def _try_merged(
    track: Track, tracks: list[Track], taken: dict[int, int], own: int, parts: Parts, frame: int
) -> None:
    """Let the track share another's part when both fit into it."""
    if len(track.frames) < 4:
        return
    expected = track.predicted(frame)
    radius = np.sqrt(track.area / np.pi)
    for other, part in list(taken.items()):
        if other == own or other >= len(tracks):
            continue
        reach = np.sqrt(parts.area[part] / np.pi) + 0.6 * radius
        if np.linalg.norm(parts.centre[part] - expected) > reach:
            continue
        mate = tracks[other]
        before = mate.areas[-2] if len(mate.areas) > 1 else mate.areas[-1]
        if parts.area[part] < 0.75 * (before + track.area):
            continue
        track.add(frame, part, parts, centre=expected)
        return
