"""The impacts of a clip: from the paths of what moves freely, else from abrupt stops in the picture.

A network has its say at the end (`learned_impacts`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Impact, find_impacts
from pavas_tiny.clean_stops import clean_stops
from pavas_tiny.flight import GRAVITY_M_S2
from pavas_tiny.impact_envelope import find_stops
from pavas_tiny.impact_speeds import (
    GUESS_LOG_STD,
    PATH_LOG_STD,
    STOP_LOG_STD,
    with_seen_speed,
)
from pavas_tiny.learned_impacts import listen_to
from pavas_tiny.missed_impacts import impacts_at
from pavas_tiny.object_motion import line_velocity, smooth_motion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_tiny.impact_envelope import Envelope, Stop
    from pavas_tiny.learned_impacts import ImpactCurve
    from pavas_tiny.object_motion import SeenObject

__all__ = ["see_impacts"]

_LEAST_FRAMES = 5
_LEAST_FLIGHT_S = 0.2  # a blow falls as fast as a stone, but not for so long
_FALL = 2.5  # the scale may be wrong by this factor
_DOWN = np.cos(np.radians(25.0))
_CLEAR = 5.0  # standard deviations of the acceleration
_WHOLE = 0.5  # what the picture's edge cuts off is an arm or a stick more often than a ball
_FIT_S = 0.1  # of the velocities beside an impact of a path
_BESIDE_S = (
    0.25  # what is fast for a body is its speed within this time: a quarter of a quick swing
)
_LEAST_JUMP = 0.5  # as a share of that: a pendulum turns around with less
_LEAST_APPROACH = 0.25  # likewise: what is let go, or picked up, comes from rest
_FASTEST_M_S = 20.0  # of a hand: a blur may look faster
_SURELY_FOLLOWED = 0.5  # longer sides of the picture per second
_BESIDE_SIZES = 2.0  # half sizes of an object, from its mask


def see_impacts(
    objects: Sequence[SeenObject],
    envelope: Envelope,
    curve: ImpactCurve,
    *,
    m_per_px: float,
    time_scale: float,
    scale_log_std: float = 0.0,
) -> tuple[Impact, ...]:
    """Return the impacts of a clip, in order of time; energies are those of no mass.

    Args:
        objects: The moving objects, the clearest first.
        envelope: Of the same clip.
        curve: Likewise.
        m_per_px: Metres per pixel of the masks.
        time_scale: Slow-motion factor.
        scale_log_std: Standard deviation of ln(m_per_px); 0: given by the user.
    """
    if not objects:
        return ()
    if curve.is_quiet:
        proven = [
            hit
            for entry in objects
            for hit in clean_stops(entry, m_per_px=m_per_px, time_scale=time_scale)
        ]
        return tuple(sorted(proven, key=lambda hit: hit.time_s))
    flying = [entry for entry in objects if _flies(entry, m_per_px, time_scale)]
    free = flying or [entry for entry in objects if _is_ball(entry)]
    found = [(hit, PATH_LOG_STD) for entry in free for hit in _of_path(entry, m_per_px, time_scale)]
    if not flying:
        m_per_side = m_per_px * max(objects[0].masks.shape[1:])
        found += [
            (
                _of_stop(stop, _nearest(objects, stop, envelope), m_per_side * time_scale),
                STOP_LOG_STD,
            )
            for stop in find_stops(envelope)
            if (not free or _is_of_lost(free, stop, envelope, time_scale))
            and (_is_of_something(objects, stop, envelope) or curve.suspects(stop.time_s))
        ]
    kept, missed = listen_to(curve, [hit.time_s for hit, _ in found])
    guessed = impacts_at(missed, objects, envelope, curve, m_per_px=m_per_px, time_scale=time_scale)
    hits = [
        with_seen_speed(hit, curve, log_std=log_std, scale_log_std=scale_log_std)
        for hit, log_std in (
            *(found[place] for place in kept),
            *((hit, GUESS_LOG_STD) for hit in guessed),
        )
    ]
    return tuple(sorted(hits, key=lambda hit: hit.time_s))


def _flies(entry: SeenObject, m_per_px: float, time_scale: float) -> bool:
    """Whether the object falls freely for a while: as gravity does, and downwards."""
    if entry.shape.kind == "stick" or entry.shape.whole < _WHOLE:
        return False
    for piece in entry.free:
        size = float(np.linalg.norm(piece.acceleration))
        if piece.degree != 2 or size < _CLEAR * piece.acceleration_std:
            continue
        lasted_s = float(entry.times_s[piece.last] - entry.times_s[piece.first]) / time_scale
        if piece.seen < _LEAST_FRAMES or lasted_s < _LEAST_FLIGHT_S:
            continue
        is_down = piece.acceleration[1] >= _DOWN * size
        fall_m_s2 = size * m_per_px * time_scale**2
        if is_down and 1 / _FALL < fall_m_s2 / GRAVITY_M_S2 < _FALL:
            return True
    return False


def _is_ball(entry: SeenObject) -> bool:
    """Whether the object is round and whole: nobody holds it."""
    return entry.shape.kind == "ball" and entry.shape.whole >= _WHOLE


def _is_of_lost(
    free: Sequence[SeenObject], stop: Stop, envelope: Envelope, time_scale: float
) -> bool:
    """Whether a stop is that of a free object, beside it and while its path has a gap."""
    for entry in free:
        near = np.abs(entry.times_s - stop.time_s) <= _FIT_S * time_scale
        if near.any() and np.isfinite(entry.centres[near]).all():
            return False  # its path has the say
    return any(_apart_px(entry, stop, envelope) <= 2 * entry.shape.half_size_px for entry in free)


def _is_of_something(objects: Sequence[SeenObject], stop: Stop, envelope: Envelope) -> bool:
    """Whether a stop is beside an object, or so slow that what stopped may not stand out.

    What is fast is followed if it is a thing: elsewhere the background trembles, or a codec does.
    """
    if stop.speed_before < _SURELY_FOLLOWED:
        return True
    return any(
        _apart_px(entry, stop, envelope) <= _BESIDE_SIZES * entry.shape.half_size_px
        for entry in objects
    )


def _of_path(entry: SeenObject, m_per_px: float, time_scale: float) -> list[Impact]:
    """Abrupt changes of velocity along the smooth path that the raw centres confirm.

    A smooth path has a break wherever the mask jumps or one piece does not fit; the centres beside it tell.
    """
    middles, speed, velocity = smooth_motion(entry, m_per_px, time_scale)
    found = find_impacts(
        entry.object_id, middles, speed, velocity_m_s=velocity, time_scale=time_scale
    )
    kept = []
    for hit in found:
        beside = np.abs(middles - hit.time_s) <= _BESIDE_S * time_scale
        fast = float(np.nanmax(speed[beside & np.isfinite(speed)], initial=0.0))
        if _is_confirmed(entry, hit.time_s, fast / (m_per_px * time_scale), time_scale):
            kept.append(hit)
    return kept


def _is_confirmed(entry: SeenObject, time_s: float, fast_px_s: float, time_scale: float) -> bool:
    """Whether the centres come in and change their velocity, both by a good part of ``fast_px_s``."""
    half = 0.5 * float(np.median(np.diff(entry.times_s)))  # a contact lies between two frames
    reach = _FIT_S * time_scale + half
    before = line_velocity(entry, time_s - reach, time_s)
    after = line_velocity(entry, time_s, time_s + reach)
    if before is None or after is None:
        return False
    return bool(
        np.linalg.norm(after - before) >= _LEAST_JUMP * fast_px_s
        and np.linalg.norm(before) >= _LEAST_APPROACH * fast_px_s
    )


def _nearest(objects: Sequence[SeenObject], stop: Stop, envelope: Envelope) -> int:
    """Id of the object that was nearest to what stopped; the clearest where none was near in time."""
    apart = [_apart_px(entry, stop, envelope) for entry in objects]
    return objects[int(np.argmin(apart))].object_id


def _apart_px(entry: SeenObject, stop: Stop, envelope: Envelope) -> float:
    """From what stopped to the object's mask nearest in time; infinite beyond a quarter second."""
    ratio = entry.masks.shape[2] / envelope.width
    return entry.apart_px((stop.place[0] * ratio, stop.place[1] * ratio), stop.time_s)


def _of_stop(stop: Stop, object_id: int, m_per_side: float) -> Impact:
    """The impact that a stop is, in m/s by the scale that there is."""
    before = min(stop.speed_before * m_per_side, _FASTEST_M_S)
    after = before * stop.speed_after / stop.speed_before
    return Impact(
        object_id=object_id,
        time_s=stop.time_s,
        speed_before_m_s=before,
        speed_after_m_s=after,
        velocity_change_m_s=before - after,
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
    )
