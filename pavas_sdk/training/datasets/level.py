"""How loud clips are trained: one gain for a whole set, never one per clip unless asked.

The codec and the backbone of MMAudio have only seen clips that peak at 0.95; recordings are often
10 to 30 dB lower. One gain for the set brings them there and keeps soft clips softer than loud ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pavas_sdk.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["POLICIES", "LevelPolicy", "constant_level"]

POLICIES = ("constant", "reference", "none")
TARGET_PEAK = 0.95
PERCENTILE = 99.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelPolicy:
    """What becomes of a clip's level.

    Attributes:
        policy: "constant" (one gain for the set), "reference" (each clip divided by the peak of
            its whole file, times 0.95, as MMAudio trains), or "none".
        gain: The factor of "constant".
    """

    policy: Literal["constant", "reference", "none"] = "constant"
    gain: float = 1.0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Another policy, or an impossible gain.
        """
        if self.policy not in POLICIES:
            raise ConfigurationError(f"level must be one of {', '.join(POLICIES)}")
        if not 0 < self.gain < np.inf:
            raise ConfigurationError(f"a gain must be above 0, got {self.gain}")

    def gain_of(self, file_peak: float) -> float:
        """Return the factor for a clip whose whole file peaks at ``file_peak``.

        Raises:
            InputError: The file is silent and the policy divides by its peak.
        """
        if self.policy == "reference":
            if file_peak <= 1e-6:
                raise InputError(f"the file is silent (peak {file_peak:.1e})")
            return TARGET_PEAK / file_peak
        return self.gain if self.policy == "constant" else 1.0

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"policy": self.policy, "gain": self.gain}


def constant_level(peaks: Iterable[float]) -> LevelPolicy:
    """Return the constant gain that brings the 99.5th percentile of clip peaks to 0.95.

    Args:
        peaks: Largest absolute sample of each clip.

    Raises:
        InputError: No clip with sound.
    """
    heard = np.asarray([peak for peak in peaks if peak > 0], dtype=np.float64)
    if heard.size == 0:
        raise InputError("no clip has sound, so no level can be chosen")
    return LevelPolicy(
        policy="constant", gain=float(TARGET_PEAK / np.percentile(heard, PERCENTILE))
    )
