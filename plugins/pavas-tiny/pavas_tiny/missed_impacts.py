"""Impacts at moments that only the network saw: whose they are, and how fast it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Impact
from pavas_sdk.data.impacts import speeds_around
from pavas_tiny.object_motion import line_velocity, smooth_motion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_tiny.impact_envelope import Envelope
    from pavas_tiny.learned_impacts import ImpactCurve
    from pavas_tiny.object_motion import SeenObject, SmoothMotion

__all__ = ["impacts_at"]

_FIT_S = 0.1  # of the velocities beside a moment
_BESIDE_S = 0.25  # what is fast for a body is its speed within this time
_JUMP_FIT_S = 0.2
_LEAST_KINK = 0.5  # as a share of the speed near by
_AT_REST_M_S = 0.05
_LEAST_LOSS = 0.2  # of the speed: the liveliest rubber ball gives back nine tenths of it
_THERE_SIZES = 1.0  # from an object's mask: half sizes of it,
_THERE_PX = 8.0  # and a cell of the network
_FASTEST_M_S = 20.0  # of a hand: a blur may look faster


def impacts_at(
    moments_s: Sequence[float],
    objects: Sequence[SeenObject],
    envelope: Envelope,
    curve: ImpactCurve,
    *,
    m_per_px: float,
    time_scale: float,
) -> list[Impact]:
    """Return the impacts at moments, but for those at which all that moves is seen to go on smoothly.

    Where the network is certain, something else hit than what is followed, or a path was smoothed over it.

    Args:
        moments_s: When something seems to hit, seconds of the video.
        objects: The moving objects, at least one.
        envelope: Of the same clip.
        curve: Likewise.
        m_per_px: Metres per pixel of the masks.
        time_scale: Slow-motion factor.
    """
    motions = [smooth_motion(entry, m_per_px, time_scale) for entry in objects]
    return [
        _of_moment(objects, motions, moment, envelope, curve, m_per_px, time_scale)
        for moment in moments_s
        if curve.is_certain_of(moment)
        or any(_may_jump(motion, moment, time_scale) for motion in motions)
    ]


def _of_moment(
    objects: Sequence[SeenObject],
    motions: Sequence[SmoothMotion],
    time_s: float,
    envelope: Envelope,
    curve: ImpactCurve,
    m_per_px: float,
    time_scale: float,
) -> Impact:
    """The impact at a moment that only the network saw: of the object there whose velocity changes most.

    "There" is beside the place that the network names; if nothing is, all objects may be it. An object that is not seen on both sides counts with its speed on the one where it is; if none
    moves, what is fastest in the picture hit. No impact is without loss.
    """
    reach = _FIT_S * time_scale
    changes = []
    for entry in objects:
        before = line_velocity(entry, time_s - reach, time_s)
        after = line_velocity(entry, time_s, time_s + reach)
        nothing = np.zeros(2)
        change = (nothing if before is None else before) - (nothing if after is None else after)
        changes.append(float(np.linalg.norm(change)))
    place = _whose(objects, changes, curve, time_s)
    times, speed, _ = motions[place]
    before_m_s, after_m_s = speeds_around(
        times, speed, time_s, window_s=2 * reach, gap_s=0.4 * reach
    )
    fastest = float(np.nanmax([before_m_s, after_m_s, 0.0]))
    if fastest < _AT_REST_M_S:
        m_per_side = m_per_px * max(objects[0].masks.shape[1:])
        found_m_s = _fastest_in_picture(envelope, time_s, reach) * m_per_side * time_scale
        fastest = before_m_s = min(found_m_s, _FASTEST_M_S)
        after_m_s = float("nan")
    before_m_s = before_m_s if np.isfinite(before_m_s) else fastest
    after_m_s = after_m_s if np.isfinite(after_m_s) else fastest
    if abs(after_m_s - before_m_s) < _LEAST_LOSS * fastest:
        before_m_s, after_m_s = fastest, (1.0 - _LEAST_LOSS) * fastest
    return Impact(
        object_id=objects[place].object_id,
        time_s=time_s,
        speed_before_m_s=before_m_s,
        speed_after_m_s=after_m_s,
        velocity_change_m_s=max(
            changes[place] * m_per_px * time_scale, abs(after_m_s - before_m_s)
        ),
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
    )


def _whose(
    objects: Sequence[SeenObject], changes: Sequence[float], curve: ImpactCurve, time_s: float
) -> int:
    """Which object hits at a moment."""
    point = curve.place_at(time_s)
    if point is None:
        return int(np.argmax(changes))
    height, width = objects[0].masks.shape[1:]
    point = (point[0] * width - 0.5, point[1] * height - 0.5)
    reach = [_THERE_SIZES * entry.shape.half_size_px + _THERE_PX for entry in objects]
    there = [
        entry.apart_px(point, time_s) <= far for entry, far in zip(objects, reach, strict=True)
    ]
    if not any(there):
        return int(np.argmax(changes))
    return int(np.argmax(np.where(there, np.asarray(changes), -1.0)))


def _may_jump(motion: SmoothMotion, time_s: float, time_scale: float) -> bool:
    """Whether a body's velocity jumps at a moment, or it is not followed on both sides.

    Velocities of both sides are carried on to the moment, so that what turns smoothly has no jump.
    """
    times, speed, velocity = motion
    offset = times - time_s
    near = 0.5 * float(np.median(np.diff(times))) if times.size > 1 else 0.0
    seen = np.isfinite(speed) & (np.abs(offset) >= near)
    fits = []
    for side in (offset < 0, offset > 0):
        inside = seen & side & (np.abs(offset) <= _JUMP_FIT_S * time_scale)
        if inside.sum() < 3:
            return True
        design = np.column_stack([np.ones(inside.sum()), offset[inside]])
        fits.append(np.linalg.lstsq(design, velocity[inside], rcond=None)[0][0])
    beside = np.isfinite(speed) & (np.abs(offset) <= _BESIDE_S * time_scale)
    fastest = float(speed[beside].max(initial=0.0))
    return bool(np.linalg.norm(fits[1] - fits[0]) >= _LEAST_KINK * fastest)


def _fastest_in_picture(envelope: Envelope, time_s: float, reach_s: float) -> float:
    """Largest speed of the fast part of the picture around a moment, picture sides per second."""
    middles = 0.5 * (envelope.times_s[1:] + envelope.times_s[:-1])
    beside = (np.abs(middles - time_s) <= reach_s) & np.isfinite(envelope.speed)
    return float(envelope.speed[beside].max(initial=0.0))
