"""What a small network, trained on simulated clips, says about when something hits.

Where it is certain of some moment of a clip, the clip is of a kind that it knows: there it decides. Where
it suspects nothing at all, nothing hits. Elsewhere paths and optical flow propose, too: what it all but
excludes falls away, what it finds likely comes in addition.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.timing import hold_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.models import ImpactSight, TinyImpactDetector

__all__ = ["ImpactCurve", "folder", "likely_impacts", "listen_to", "read_impact_curve"]

_CERTAIN = 1.2  # of a moment: the clip is of a kind that it knows
_KNOWN = 0.8  # likewise: what it says of speeds and masses is worth something
_LIKELY = 0.2  # where it is certain
_LIKELY_ELSEWHERE = 0.3
_VETO = 0.2  # where it is certain
_VETO_ELSEWHERE = 0.05
_CLEAR = 0.5  # elsewhere: no path that seems smooth counts against it
_SUSPECTED = 0.15  # a moment
_QUIET = 0.1  # of a whole clip
_NEAR_S = 0.06
_ALONE_S = 0.08
_SAME_S = 0.03  # what is said of a moment stands where it is likeliest
_LEAST_FRAMES = 8
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpactCurve:
    """How likely something hits, slot by slot.

    Attributes:
        times_s: (J,) middles of the slots, seconds of the video.
        score: (J,), sums of the probabilities of three neighbouring slots: the network was taught to
            give 1 to the slot of an impact and 0.3 to both beside it.
        place: (J, 2) where it would be, shares of the picture's width and height.
        speed_m_s: (J,), of real time: how fast what hits would be, see `ImpactSight`.
        mass_kg: (J,): how heavy.
        time_scale: Slow-motion factor of the video.
    """

    times_s: NDArray[np.float64]
    score: NDArray[np.float32]
    place: NDArray[np.float32]
    speed_m_s: NDArray[np.float32]
    mass_kg: NDArray[np.float32]
    time_scale: float

    @property
    def highest(self) -> float:
        """Return the largest score; 0 without slots."""
        return float(self.score.max(initial=0.0))

    @property
    def is_certain(self) -> bool:
        """Whether the clip is of a kind that the network knows well enough to decide alone."""
        return self.highest >= _CERTAIN

    @property
    def knows(self) -> bool:
        """Whether the clip is of a kind of which the network can tell speeds and masses."""
        return self.highest >= _KNOWN

    @property
    def is_quiet(self) -> bool:
        """Whether the network suspects nothing at any moment of the clip."""
        return bool(self.score.size) and self.highest < _QUIET

    def is_certain_of(self, time_s: float) -> bool:
        """Whether an impact is so clear that no path that seems smooth counts against it."""
        return self.is_certain or self.near(time_s) >= _CLEAR

    def suspects(self, time_s: float) -> bool:
        """Whether anything speaks for an impact at a moment."""
        return self.near(time_s) >= _SUSPECTED

    def near(self, time_s: float) -> float:
        """Return the largest score around a moment; 0 where the curve does not reach."""
        beside = np.abs(self.times_s - time_s) <= _NEAR_S * self.time_scale
        return float(self.score[beside].max(initial=0.0))

    def speed_at(self, time_s: float) -> float:
        """Return how fast what hits at a moment would be, m/s; NaN where the curve does not reach."""
        slot = self._slot(time_s)
        return float("nan") if slot is None else float(self.speed_m_s[slot])

    def mass_at(self, time_s: float) -> float:
        """Return how heavy what hits at a moment would be, kg; NaN where the curve does not reach."""
        slot = self._slot(time_s)
        return float("nan") if slot is None else float(self.mass_kg[slot])

    def place_at(self, time_s: float) -> tuple[float, float] | None:
        """Return where it would be, shares of width and height; None where the curve does not reach."""
        slot = self._slot(time_s)
        return None if slot is None else (float(self.place[slot, 0]), float(self.place[slot, 1]))

    def _slot(self, time_s: float) -> int | None:
        if not self.times_s.size or not self.times_s[0] <= time_s <= self.times_s[-1]:
            return None
        beside = np.abs(self.times_s - time_s) <= _SAME_S * self.time_scale
        return int(np.argmax(np.where(beside, self.score, -1.0)))


def folder() -> Path:
    """Return where the network's weights lie."""
    return Path(__file__).parent / "impact_detector"


@cache
def _detector() -> TinyImpactDetector:
    from pavas_sdk.models import TinyImpactDetector  # takes torch along

    loaded: TinyImpactDetector = TinyImpactDetector.from_pretrained(folder()).eval()
    loaded.requires_grad_(False)
    return loaded


def read_impact_curve(
    frames: NDArray[np.uint8], times_s: NDArray[np.float64], *, time_scale: float
) -> ImpactCurve:
    """Run the network over a clip, at its own tempo: slow motion is played at true speed.

    It looks three times: at the clip, at its mirror image, and half of its frame time later, when other frames
    of the clip are the nearest. What it makes up differs from look to look, what hits does not.

    Args:
        frames: uint8, (T, H, W, 3).
        times_s: (T,) seconds.
        time_scale: Slow-motion factor.
    """
    if len(frames) < _LEAST_FRAMES:
        return _nothing(time_scale)
    with _LOCK:
        detector = _detector()
    last_s = float(np.median(np.diff(times_s)))  # how long the last frame is shown
    lasts_s = (float(times_s[-1] - times_s[0]) + last_s) / time_scale
    wanted = times_s[0] + detector.frame_times_s(lasts_s) * time_scale
    half = 0.5 / detector.config.frame_rate_hz
    later = round(half * detector.slot_rate_hz)
    seen = []
    for mirrored, slots in ((False, 0), (True, 0), (False, later)):
        at = wanted + slots / detector.slot_rate_hz * time_scale
        shown = frames[hold_index(times_s, at + 1e-6)]
        picture = np.ascontiguousarray(shown[:, :, ::-1]) if mirrored else shown
        seen.append(_delayed(detector.look(Video(frames=picture, times_s=at)), slots, mirrored))
    likely = np.mean([look.likely for look in seen], axis=0)
    score = np.convolve(likely, np.ones(3, dtype=np.float32), mode="same")
    middles = times_s[0] + (np.arange(score.size) + 0.5) / detector.slot_rate_hz * time_scale
    within = middles <= times_s[-1]  # then the last picture stands: to the network it stops
    return ImpactCurve(
        times_s=middles[within],
        score=score[within],
        place=np.mean([look.place for look in seen], axis=0)[within],
        speed_m_s=np.exp(np.mean([np.log(look.speed_m_s) for look in seen], axis=0))[within],
        mass_kg=np.exp(np.mean([np.log(look.mass_kg) for look in seen], axis=0))[within],
        time_scale=time_scale,
    )


def _nothing(time_scale: float) -> ImpactCurve:
    """What is known of a clip that is too short to be looked at."""
    none = np.zeros(0, dtype=np.float32)
    return ImpactCurve(
        times_s=np.zeros(0),
        score=none,
        place=np.zeros((0, 2), dtype=np.float32),
        speed_m_s=none,
        mass_kg=none,
        time_scale=time_scale,
    )


def _delayed(look: ImpactSight, slots: int, mirrored: bool) -> ImpactSight:
    """The same so many slots later, and as it lies in the picture; the first slot fills up."""
    at = np.maximum(np.arange(look.likely.size) - slots, 0)
    place = look.place[at].copy()
    if mirrored:
        place[:, 0] = 1.0 - place[:, 0]
    return replace(
        look,
        likely=look.likely[at],
        place=place,
        speed_m_s=look.speed_m_s[at],
        mass_kg=look.mass_kg[at],
    )


def likely_impacts(curve: ImpactCurve) -> list[float]:
    """Return the moments at which the network sees something hit, seconds.

    None at its very ends, where what came before, or comes after, is not seen.
    """
    if not curve.score.size:
        return []
    least = _LIKELY if curve.is_certain else _LIKELY_ELSEWHERE
    apart = _ALONE_S * curve.time_scale
    first_s, last_s = (curve.times_s[at] for at in (0, -1))
    taken: list[float] = []
    for slot in np.argsort(-curve.score, kind="stable"):
        if curve.score[slot] < least:
            break
        moment = float(curve.times_s[slot])
        if all(abs(moment - other) >= apart for other in (*taken, first_s, last_s)):
            taken.append(moment)
    return sorted(taken)


def listen_to(curve: ImpactCurve, seen_s: Sequence[float]) -> tuple[list[int], list[float]]:
    """Return which of the impacts that were seen stay, and the moments of those that were missed.

    Args:
        curve: What the network says.
        seen_s: Moments of impacts that were found in other ways, seconds.
    """
    if not curve.score.size:
        return list(range(len(seen_s))), []
    if curve.is_quiet:
        return [], []
    veto = _VETO if curve.is_certain else _VETO_ELSEWHERE
    kept = [place for place, time_s in enumerate(seen_s) if curve.near(time_s) > veto]
    apart = _ALONE_S * curve.time_scale
    missed = [
        moment
        for moment in likely_impacts(curve)
        if all(abs(moment - seen_s[place]) >= apart for place in kept)
    ]
    return kept, missed
