"""Metres per pixel: by the user, by gravity, by the size of named things, by a size prior.

The measured rungs are combined with the prior in the log domain, each weighted by its certainty:
the result is a posterior mean, which shrinks towards the prior where the evidence is weak. The
rung that weighs most gives the name.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_tiny.flight import GRAVITY_M_S2
from pavas_tiny.things import read_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_tiny.flight import GravityFit
    from pavas_tiny.shape import Shape

__all__ = ["Scale", "fuse", "gravity_scale", "plausible_fall", "pooled", "size_scale"]

# Constants fitted on simulated clips (`pavas evaluate estimators` measures what they give).
PRIOR_HALF_SIZE_M = 0.045
PRIOR_HALF_LENGTH_M = 0.11
PRIOR_LOG_STD = 0.5
TILT_CORRECTION = 1.06  # cameras mostly look down a little, which shortens the fall
GRAVITY_LOG_STD = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Metres per pixel with its uncertainty.

    Attributes:
        log_m_per_px: Natural logarithm.
        log_std: Its standard deviation.
        source: Rung.
    """

    log_m_per_px: float
    log_std: float
    source: str

    @property
    def m_per_px(self) -> float:
        """Metres per pixel."""
        return math.exp(self.log_m_per_px)


def gravity_scale(fit: GravityFit, *, time_scale: float, sticks_only: bool) -> Scale:
    """Scale from the acceleration of free flight.

    Args:
        fit: What the paths show.
        time_scale: Slow-motion factor: real time is video time over it.
        sticks_only: The pieces come from sticks, whose swings look like flight.
    """
    real = fit.acceleration * time_scale**2
    log_std = math.hypot(GRAVITY_LOG_STD, fit.log_std)
    if fit.pieces == 1:
        log_std = math.hypot(log_std, 0.12)
    if fit.others > fit.pieces:
        log_std = math.hypot(log_std, 0.3)
    if sticks_only:
        log_std = math.hypot(log_std, 1.0)
    value = math.log(GRAVITY_M_S2 / real / TILT_CORRECTION)
    return Scale(log_m_per_px=value, log_std=log_std, source="gravity")


def size_scale(shape: Shape, label: str) -> Scale:
    """Scale from how big the thing usually is."""
    words = read_words(label)
    thing = words[0].thing if words else None
    if thing is not None:
        return Scale(
            log_m_per_px=math.log(thing.size_m / 2.0 / shape.half_size_px),
            log_std=max(0.1, thing.log_std / 2.0),
            source="label",
        )
    usual = PRIOR_HALF_LENGTH_M if shape.kind == "stick" else PRIOR_HALF_SIZE_M
    return Scale(
        log_m_per_px=math.log(usual / shape.half_size_px),
        log_std=PRIOR_LOG_STD,
        source="size-prior",
    )


def pooled(scales: Sequence[Scale]) -> Scale:
    """One scale from the sizes of several objects; they are not quite independent."""
    both = fuse(scales)
    best = min(scale.log_std for scale in scales)
    return Scale(
        log_m_per_px=both.log_m_per_px,
        log_std=math.hypot(both.log_std, best) / math.sqrt(2.0),
        source=both.source,
    )


def plausible_fall(expected: Scale, *, time_scale: float) -> tuple[float, float]:
    """Least and largest acceleration of a fall in px / video second^2, given usual sizes."""
    reach = math.hypot(1.3, expected.log_std) if expected.source == "size-prior" else 0.7
    usual = GRAVITY_M_S2 / TILT_CORRECTION / time_scale**2 / expected.m_per_px
    return usual * math.exp(-reach), usual * math.exp(reach)


def fuse(scales: Sequence[Scale]) -> Scale:
    """Combine scales by certainty; the most certain one names the result."""
    weights = [1.0 / scale.log_std**2 for scale in scales]
    total = sum(weights)
    mean = sum(w * s.log_m_per_px for w, s in zip(weights, scales, strict=True)) / total
    best = min(scales, key=lambda scale: scale.log_std)
    return Scale(log_m_per_px=mean, log_std=total**-0.5, source=best.source)
