"""Windows over a long latent: where they lie, and how much each counts where they overlap.

Lengths and positions are latents (N); a window is what the backbone sees at once. The flow
predictions of overlapping windows are blended at every step, so that one long latent is denoised
as a whole and no seam appears.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data.frames import plan_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LatentWindow", "blend_weights", "plan_latent_windows"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentWindow:
    """One piece of the long latent.

    Attributes:
        start: First latent.
        length: Number of latents.
        start_s: Time of its beginning on the video's clock.
        duration_s: Seconds that the encoders see from there.
    """

    start: int
    length: int
    start_s: float
    duration_s: float

    @property
    def stop(self) -> int:
        """One behind the last latent."""
        return self.start + self.length


def plan_latent_windows(
    total: int,
    *,
    duration_s: float,
    window: int,
    overlap: int,
    window_s: float,
    latent_rate_hz: float,
) -> tuple[LatentWindow, ...]:
    """Cover ``total`` latents with equal windows, evenly spread, overlapping by ``overlap`` or more.

    Args:
        total: Latents of the whole clip.
        duration_s: Seconds of the whole clip.
        window: Latents of a window; a clip that fits into one is a single window of its own length.
        overlap: Latents that neighbours share at least.
        window_s: Seconds that the encoders see of a full window.
        latent_rate_hz: Latents per second.

    Raises:
        ConfigurationError: The overlap is not smaller than the window.
    """
    rate_hz = latent_rate_hz
    spans = plan_windows(
        total / rate_hz,
        window_s=window / rate_hz,
        overlap_s=overlap / rate_hz,
        stretch=1.0,
        grid_hz=rate_hz,
    )
    if len(spans) == 1:
        return (LatentWindow(start=0, length=total, start_s=0.0, duration_s=duration_s),)
    return tuple(
        LatentWindow(
            start=round(span.start_s * rate_hz),
            length=window,
            start_s=span.start_s,
            duration_s=window_s,
        )
        for span in spans
    )


def blend_weights(windows: tuple[LatentWindow, ...]) -> tuple[NDArray[np.float32], ...]:
    """Return each window's share per latent, (length,): linear cross-fades that sum to 1.

    The sum over all windows that cover a latent is 1 to float32 rounding; a latent that only one
    window covers has exactly 1.
    """
    total = max(window.stop for window in windows)
    ramps = []
    for index, window in enumerate(windows):
        ramp = np.ones(window.length)
        if index > 0:
            shared = windows[index - 1].stop - window.start
            ramp[:shared] = np.minimum(ramp[:shared], np.arange(1, shared + 1) / (shared + 1))
        if index + 1 < len(windows):
            shared = window.stop - windows[index + 1].start
            ramp[window.length - shared :] = np.minimum(
                ramp[window.length - shared :], np.arange(shared, 0, -1) / (shared + 1)
            )
        ramps.append(ramp)
    sums = np.zeros(total)
    for window, ramp in zip(windows, ramps, strict=True):
        sums[window.start : window.stop] += ramp
    return tuple(
        np.asarray(ramp / sums[window.start : window.stop], dtype=np.float32)
        for window, ramp in zip(windows, ramps, strict=True)
    )
