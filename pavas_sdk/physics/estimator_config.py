"""Settings of the physics estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig

__all__ = ["PhysicsEstimatorConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhysicsEstimatorConfig(ComponentConfig):
    """Settings of `PhysicsEstimator`.

    Attributes:
        on_error: When a slot fails: "raise", or "partial" (note it, keep the other slots' results).
        timeout_s: Seconds that a slot may work without a sign of life, None for no limit. A sign
            of life is an answer, or a component that says how far it is (`report_progress`).
        window_s: Longer videos (from one and a half windows) are processed in windows.
        overlap_s: Overlap of neighbouring windows.
        max_objects: At most so many objects at once (in one window); the largest are kept and the
            others named in the notes.
        max_side: Longer side in pixels of what the slots are shown; a larger video is scaled down
            and the notes say so.
        mask_max_side: Longer side in pixels of the masks of the result.
        long_mask_max_side: The same for a video of several windows.
        long_mask_rate_hz: Masks per second for a video of several windows.
    """

    on_error: Literal["raise", "partial"] = "raise"
    timeout_s: float | None = 600.0
    window_s: float = 12.0
    overlap_s: float = 1.0
    max_objects: int = 16
    max_side: int = 1920
    mask_max_side: int = 160
    long_mask_max_side: int = 96
    long_mask_rate_hz: float = 12.5

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that cannot work.
        """
        if self.on_error not in ("raise", "partial"):
            raise ConfigurationError(
                f"on_error must be 'raise' or 'partial', got {self.on_error!r}"
            )
        if self.timeout_s is not None and not self.timeout_s > 0:
            raise ConfigurationError(f"timeout_s must be above 0 or None, got {self.timeout_s}")
        if not 0 < 2 * self.overlap_s < self.window_s:
            raise ConfigurationError(
                f"overlap_s must lie between 0 and half of window_s ({self.window_s}), "
                f"got {self.overlap_s}"
            )
        if self.max_objects < 1 or self.max_side < 16:
            raise ConfigurationError(
                "max_objects must be at least 1 and max_side at least 16, got "
                f"{self.max_objects} and {self.max_side}"
            )
        if min(self.mask_max_side, self.long_mask_max_side) < 8 or self.long_mask_rate_hz <= 0:
            raise ConfigurationError("masks need at least 8 pixels and a rate above 0")
