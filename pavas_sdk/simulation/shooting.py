"""How a scene is filmed: frame rate, light over time, moving background, dust, compression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["RATES", "Shooting", "draw_shooting"]

# Frames taken per second, how often each is shown, share of the clips.
RATES = (
    (25.0, 1, 0.50),
    (24.0, 1, 0.12),
    (30.0, 1, 0.13),
    (15.0, 1, 0.10),
    (25.0, 2, 0.08),
    (15.0, 2, 0.07),
)
_FLICKER = 0.10
_STEP = 0.10
_MOVING = 0.07
_DUST = 0.12
_COMPRESSED = 0.5
_LOW_RATE = 0.25  # of the compressed


@dataclass(frozen=True, slots=True, kw_only=True)
class Shooting:
    """How a scene is filmed.

    Attributes:
        fps: Frames taken per second.
        repeats: How often each is shown: 2 shows 25 per second as 50.
        exposure: Gain of the picture.
        shutter: Share of the frame time during which the shutter is open.
        noise_level: Standard deviation of sensor noise, in units of full scale.
        crf: H.264 quality of a round trip in memory, or None.
        flicker: Depth of the lamp's flicker, share of the light.
        flicker_hz: As the camera sees it.
        step: Change of the exposure at ``step_s``, natural logarithm; 0 = none.
        step_s: When the camera changes it, within 0.3 s.
        drift: Speed of the wall's texture, tiles per second, 0 = it hangs still.
        wave: Depth of waves that run through the wall's texture, tiles.
        dust: How much dust impacts raise, 0 = none.
    """

    fps: float = 25.0
    repeats: int = 1
    exposure: float = 1.28
    shutter: float = 0.5
    noise_level: float = 0.01
    crf: int | None = None
    flicker: float = 0.0
    flicker_hz: float = 1.0
    step: float = 0.0
    step_s: float = 0.0
    drift: float = 0.0
    wave: float = 0.0
    dust: float = 0.0

    @property
    def moving_wall(self) -> bool:
        """Whether the background moves by itself."""
        return self.drift != 0.0 or self.wave != 0.0

    def gains(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the gain of the frames at ``times_s``, (T,)."""
        flicker = 1.0 + self.flicker * np.sin(2 * math.pi * self.flicker_hz * times_s)
        share = np.clip((times_s - self.step_s) / 0.3, 0.0, 1.0)
        return np.asarray(self.exposure * flicker * np.exp(self.step * share))


def draw_shooting(
    rng: np.random.Generator,
    more: np.random.Generator,
    *,
    duration_s: float,
    fps: float | None,
    disturbances: bool,
) -> Shooting:
    """Draw how a clip is filmed.

    Args:
        rng: Random numbers for what every film has.
        more: And for frame rates and disturbances.
        duration_s: Of the clip.
        fps: Frames per second, each shown once, or None to draw one of `RATES`.
        disturbances: Whether light, background and dust may disturb.
    """
    compressed = rng.random() < _COMPRESSED
    crf = int(rng.integers(16, 36))
    if more.random() < _LOW_RATE and disturbances:
        crf = int(more.integers(36, 46))
    shares = np.array([share for _, _, share in RATES])
    taken, repeats, _ = RATES[int(more.choice(len(RATES), p=shares / shares.sum()))]
    flickers, steps, moves, dusty, waves = more.random(5) < (_FLICKER, _STEP, _MOVING, _DUST, 0.5)
    drawn = {
        "flicker": (flickers, more.uniform(0.02, 0.15)),
        "step": (steps, more.uniform(0.15, 0.6) * more.choice([-1.0, 1.0])),
        "drift": (moves and not waves, more.uniform(0.01, 0.12) * more.choice([-1.0, 1.0])),
        "wave": (moves and waves, more.uniform(0.01, 0.05)),
        "dust": (dusty, more.uniform(0.3, 1.0)),
    }
    disturbed = {
        name: float(value) if happens and disturbances else 0.0
        for name, (happens, value) in drawn.items()
    }
    return Shooting(
        fps=taken if fps is None else fps,
        repeats=repeats if fps is None else 1,
        crf=crf if compressed else None,
        flicker_hz=float(more.uniform(0.7, 9.0)),
        step_s=float(more.uniform(0.1, 0.9)) * duration_s,
        **disturbed,
    )
