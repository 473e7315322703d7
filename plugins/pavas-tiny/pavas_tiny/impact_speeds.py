"""How fast what hits is: what its path says, drawn towards what the network sees.

Paths give pixels per second, and lose what is small, blurred or hidden just when it hits; the network
was taught metres per second. Both are weighed by how far they are off on simulated clips, as logarithms.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.data import Impact
    from pavas_tiny.learned_impacts import ImpactCurve

__all__ = ["GUESS_LOG_STD", "PATH_LOG_STD", "STOP_LOG_STD", "with_seen_speed"]

SEEN_LOG_STD = 0.3  # of ln(speed), network; less than it is off: paths err with the scale, too
PATH_LOG_STD = 0.5  # of an object's own path, the scale apart
STOP_LOG_STD = 0.9  # of the fast part of the picture
GUESS_LOG_STD = 1.5  # of what the network alone saw, given to the object that changed most
_LEAST_M_S = 1e-3


def with_seen_speed(
    hit: Impact, curve: ImpactCurve, *, log_std: float, scale_log_std: float
) -> Impact:
    """Return an impact with both speeds multiplied by what the network adds.

    Only in clips of a kind that the network knows, and where the scale is not given by the user.

    Args:
        hit: With speeds of the scale that there is.
        curve: Of the same clip.
        log_std: Standard deviation of ln(speed) of the hit, the scale apart.
        scale_log_std: Of ln(metres per pixel); 0: given.
    """
    seen = curve.speed_at(hit.time_s)
    lost = math.sqrt(abs(hit.speed_before_m_s**2 - hit.speed_after_m_s**2))
    if (
        not curve.knows
        or scale_log_std == 0.0
        or not math.isfinite(seen)
        or not math.isfinite(lost)
    ):
        return hit
    own = log_std**2 + scale_log_std**2
    share = own / (own + SEEN_LOG_STD**2)
    factor = math.exp(share * math.log(max(seen, _LEAST_M_S) / max(lost, _LEAST_M_S)))
    return replace(
        hit,
        speed_before_m_s=hit.speed_before_m_s * factor,
        speed_after_m_s=hit.speed_after_m_s * factor,
        velocity_change_m_s=hit.velocity_change_m_s * factor,
    )
