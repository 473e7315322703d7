"""Where fast motion in the picture ends abruptly: the impacts of what is held, swung or struck.

A stick, a hammer or a knife is fastest just before it hits, and hardly moves just after. Neither needs
an outline: the fastest hundredth of the picture says it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frame_changes import find_cuts, repeated_frames
from pavas_tiny.optical_flow import FlowField

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Envelope", "Stop", "find_stops", "measure_envelope"]

_FAST_SHARE = 0.01  # of the picture: a stick's end, a fist
_SIDE_S = 0.05  # speeds are compared over so long before and after: a contact is shorter
_LEAST_CHANGE = 0.08  # picture sides per second; below is noise of compression
_LEAST_STRENGTH = 0.5
_DOWNWARDS = 0.25  # more blows fall than rise; a hand also stops at the top of its swing
_ALONE_S = 0.12  # a stick that trembles after the hit is still the same hit
_SHADOW_S = 0.4  # a weaker stop so soon is the way back, unless it is nearly as strong
_SMALL = 3  # every third pixel is enough to see a cut


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Envelope:
    """The fast part of a clip's motion, pair by pair of observed frames; K observed frames.

    Attributes:
        times_s: (K,) times of the frames that show something new.
        speed: (K - 1,) mean speed of the fastest hundredth of the picture, relative to the
            background, in longer sides of the picture per second of the video. NaN across a cut.
        velocity: (K - 1, 2), the mean velocity of the same pixels, x and y.
        place: (K - 1, 2), x and y of their middle, in pixels.
        width: Of the picture in pixels.
    """

    times_s: NDArray[np.float64]
    speed: NDArray[np.float64]
    velocity: NDArray[np.float64]
    place: NDArray[np.float64]
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """One abrupt end of fast motion.

    Attributes:
        time_s: When.
        strength: About 1 for the clearest of a clip.
        speed_before: Longer sides of the picture per second of the video.
        speed_after: Likewise.
        place: x and y in pixels of what was fast before.
    """

    time_s: float
    strength: float
    speed_before: float
    speed_after: float
    place: tuple[float, float]


def measure_envelope(frames: NDArray[np.uint8], times_s: NDArray[np.float64]) -> Envelope:
    """Measure the fast part of the motion.

    Frames that repeat the one before are left out, and no motion spans a cut.

    Args:
        frames: uint8, (T, H, W, 3), about 160 pixels a side.
        times_s: (T,) seconds.
    """
    height, width = frames.shape[1:3]
    seen = np.flatnonzero(~repeated_frames(frames))
    cuts = set(find_cuts(frames[:, ::_SMALL, ::_SMALL]))
    pairs = max(seen.size - 1, 0)
    speed = np.full(pairs, np.nan)
    velocity, place = np.full((pairs, 2), np.nan), np.full((pairs, 2), np.nan)
    field = FlowField((height, width))
    keep = max(8, round(_FAST_SHARE * height * width))
    earlier = field.grey(frames[seen[0]]) if pairs else None
    for pair in range(pairs):
        first, second = int(seen[pair]), int(seen[pair + 1])
        later = field.grey(frames[second])
        if earlier is not None and not cuts.intersection(range(first + 1, second + 1)):
            flow = field.between(earlier, later).reshape(-1, 2)
            per_s = 1.0 / (max(height, width) * float(times_s[second] - times_s[first]))
            squared = np.einsum("ni,ni->n", flow, flow)
            fast = np.argpartition(squared, -keep)[-keep:]
            speed[pair] = float(np.sqrt(squared[fast]).mean()) * per_s
            velocity[pair] = flow[fast].mean(axis=0) * per_s
            place[pair] = (fast % width).mean(), (fast // width).mean()
        earlier = later
    return Envelope(
        times_s=np.asarray(times_s[seen], dtype=np.float64),
        speed=speed,
        velocity=velocity,
        place=place,
        width=width,
    )


def find_stops(envelope: Envelope) -> list[Stop]:
    """Return the abrupt ends of fast motion, in order of time.

    The strength of a moment is the geometric mean of two shares of the drop in speed: of the speed that
    is usual for fast motion in this clip, and of the speed just before. Downward motion counts a
    quarter more, upward motion a quarter less. Of stops close together the strongest counts.
    """
    times, speed = envelope.times_s, envelope.speed
    if np.isfinite(speed).sum() < 3:
        return []
    usual = max(float(np.nanpercentile(speed, 90)), 0.5 * float(np.nanpercentile(speed, 99)))
    found = [
        stop
        for frame in range(1, times.size - 1)
        if (stop := _stop_at(envelope, frame, usual)) is not None
        and stop.strength >= _LEAST_STRENGTH
    ]
    taken: list[Stop] = []
    for stop in sorted(found, key=lambda one: (-one.strength, one.time_s)):
        if all(_stands_beside(stop, other) for other in taken):
            taken.append(stop)
    return sorted(taken, key=lambda one: one.time_s)


def _stop_at(envelope: Envelope, frame: int, usual: float) -> Stop | None:
    """The drop in speed at an observed frame; None where there is none worth the name."""
    middles = 0.5 * (envelope.times_s[1:] + envelope.times_s[:-1])
    moment = float(envelope.times_s[frame])
    pairs = np.arange(middles.size)
    before = (pairs < frame) & ((middles >= moment - _SIDE_S) | (pairs == frame - 1))
    after = (pairs >= frame) & ((middles <= moment + _SIDE_S) | (pairs == frame))
    fast, slow = float(envelope.speed[before].mean()), float(envelope.speed[after].mean())
    drop = fast - slow
    if not drop >= _LEAST_CHANGE:  # also where a cut makes it NaN
        return None
    down = float(envelope.velocity[before, 1].mean()) / fast
    strength = drop / np.sqrt(usual * fast) * (1.0 + _DOWNWARDS * down)
    place = envelope.place[frame - 1]
    return Stop(
        time_s=moment,
        strength=float(strength),
        speed_before=fast,
        speed_after=slow,
        place=(float(place[0]), float(place[1])),
    )


def _stands_beside(stop: Stop, stronger: Stop) -> bool:
    """Whether a stop is one of its own, so near to a stronger one."""
    apart = abs(stop.time_s - stronger.time_s)
    if apart < _ALONE_S:
        return False
    needed = 1.0 - (apart - _ALONE_S) / (_SHADOW_S - _ALONE_S)
    return stop.strength >= needed * stronger.strength
