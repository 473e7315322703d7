"""Draws lists of impacts that differ from what a picture shows: some missing, some added."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.bodies import log_uniform
from pavas_sdk.simulation.collisions import AUDIBLE_J, FLOOR, TARGET, Collision, energy_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene

__all__ = ["edited_contacts"]

_APART_S = 0.15
_LEAVE_ALONE = 0.15  # share of silent clips to which nothing is added
_REMOVE_ALL = 0.25
_SPEEDS_M_S = (0.3, 6.0)


def edited_contacts(
    rng: np.random.Generator, scene: Scene, motion: Motion, bodies: Sequence[int]
) -> tuple[list[Collision], list[str]]:
    """Draw another list of contacts for a clip.

    True contacts are removed, all or some of them; others are added at any time: a body, moving or
    at rest, with the speed of an impact of its own mass. The body's material then sounds against
    the floor or against what a striker strikes.

    Args:
        rng: Random numbers.
        scene: The world.
        motion: Its true contacts.
        bodies: Bodies that are objects of the clip: each added contact is one of theirs.

    Returns:
        The contacts in order of time, and what was changed, in words.
    """
    heard = [c for c in motion.collisions if c.energy_change_j >= AUDIBLE_J]
    share = 1.0 if rng.random() < _REMOVE_ALL else 0.5
    gone = rng.random(len(heard)) < share
    kept = [c for c, removed in zip(heard, gone, strict=True) if not removed]
    words = [f"impact at {c.time_s:.3f} s removed" for c in heard if c not in kept]
    count = int(rng.choice([0, 1, 2, 3], p=[0.2, 0.35, 0.25, 0.2]))
    if not heard:
        count = 0 if rng.random() < _LEAVE_ALONE else max(count, 1)
    added: list[Collision] = []
    for _ in range(count if len(bodies) else 0):
        time_s = float(rng.uniform(0.05, max(0.1, scene.config.duration_s - 0.1)))
        body = int(rng.choice(np.asarray(bodies)))
        contact = _drawn(rng, scene, motion, body, time_s)
        if all(abs(time_s - other.time_s) >= _APART_S for other in (*kept, *added)):
            added.append(contact)
            words.append(f"impact at {time_s:.3f} s added")
    return sorted((*kept, *added), key=lambda c: c.time_s), words


def _drawn(
    rng: np.random.Generator, scene: Scene, motion: Motion, body: int, time_s: float
) -> Collision:
    """A contact of a body with the floor, or with the block if it is the striker."""
    item = scene.objects[body]
    before = log_uniform(rng, *_SPEEDS_M_S)
    after = before * float(rng.uniform(0.1, 0.8))
    target = scene.target if scene.striker is not None and body == 0 else None
    step = min(math.floor(time_s / motion.step_s), motion.position_m.shape[0] - 1)
    x, y, z = motion.position_m[step, body]
    return Collision(
        time_s=time_s,
        body=body,
        other=FLOOR if target is None else TARGET,
        surface=scene.room.floor if target is None else target.material,
        impulse_n_s=item.mass_kg * (before + after),
        normal_speed_before_m_s=before,
        normal_speed_after_m_s=after,
        speed_before_m_s=before,
        speed_after_m_s=after,
        energy_change_j=energy_change(item.mass_kg, before, after),
        other_energy_change_j=0.0,
        point_m=(float(x), float(y), float(z)),
    )
