"""A path as pieces of rest, even motion and free flight; gravity as a ruler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GravityFit", "Piece", "fit_gravity", "fit_pieces", "smooth_path"]

GRAVITY_M_S2 = 9.81
_MAX_FRAMES = 75
_PENALTY = 5.0  # per parameter, in units of the noise variance
_MIN_NOISE_PX = 0.18
_NOISE_FACTOR = 1.8  # masks err alike in neighbouring frames, which third differences do not see
_MODEL_ERROR = 0.003  # of the distance covered: perspective bends and stretches a path
_UPRIGHT = 0.866  # cosine of 30 degrees
_SURE = 0.1  # relative deviation


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Piece:
    """Frames first..last (inclusive) that follow one polynomial.

    Attributes:
        first: First frame.
        last: Last frame.
        seen: Number of frames with a position.
        degree: 0 rest, 1 even motion, 2 constant acceleration.
        coefficients: (3, 2): position, velocity, half the acceleration, about ``origin_s``.
        origin_s: Time of the first frame.
        rms_px: Residual.
        acceleration_std: Standard deviation of the acceleration's length, px/s^2.
    """

    first: int
    last: int
    seen: int
    degree: int
    coefficients: NDArray[np.float64]
    origin_s: float
    rms_px: float
    acceleration_std: float

    @property
    def acceleration(self) -> NDArray[np.float64]:
        """(2,) px/s^2."""
        return np.asarray(2.0 * self.coefficients[2])

    def at(self, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (T, 2)."""
        t = (times_s - self.origin_s)[:, None]
        c = self.coefficients
        return np.asarray(c[0] + c[1] * t + c[2] * t * t)


def path_noise_px(centres: NDArray[np.float64]) -> float:
    """Noise of the centres in px, from third differences (motion and impacts hardly count)."""
    third = np.diff(centres, n=3, axis=0)
    third = third[np.isfinite(third).all(axis=1)]
    if third.shape[0] < 4:
        return 0.3
    noise = _NOISE_FACTOR * float(np.median(np.abs(third))) / (0.6745 * np.sqrt(20.0))
    return float(np.clip(noise, _MIN_NOISE_PX, 2.0))


def fit_pieces(times_s: NDArray[np.float64], centres: NDArray[np.float64]) -> list[Piece]:
    """Cut a path into the cheapest sequence of polynomials (dynamic programming).

    The cost of a piece is its squared residual in units of the noise plus a penalty per
    parameter, so that a piece is as simple as the data allow and a break must pay for itself.

    Args:
        times_s: (T,) seconds.
        centres: (T, 2) px, NaN where unseen.
    """
    count = times_s.size
    seen = np.asarray(np.isfinite(centres).all(axis=1))
    if seen.sum() < 3:
        return []
    noise = path_noise_px(centres)
    longest = min(_MAX_FRAMES, count)
    cost, degree = _piece_costs(times_s, centres, seen, noise, longest)
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    back = np.zeros(count + 1, dtype=np.int64)
    for end in range(1, count + 1):
        starts = np.arange(max(0, end - longest), end)
        totals = best[starts] + cost[starts, end - starts - 1]
        pick = int(np.argmin(totals))
        best[end], back[end] = totals[pick], starts[pick]
    cuts = [count]
    while cuts[-1] > 0:
        cuts.append(int(back[cuts[-1]]))
    pieces = []
    for first, end in zip(cuts[::-1][:-1], cuts[::-1][1:], strict=True):
        inside = np.arange(first, end)[seen[first:end]]
        if inside.size:
            wanted = int(degree[first, end - first - 1])
            pieces.append(_fit_piece(times_s, centres, inside, wanted, noise))
    return pieces


def _piece_costs(
    times_s: NDArray[np.float64],
    centres: NDArray[np.float64],
    seen: NDArray[np.bool_],
    noise: float,
    longest: int,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Cost and degree of every piece: [first, length - 1]."""
    count = times_s.size
    index = np.arange(count)[:, None] + np.arange(longest)[None]
    beyond = index >= count
    index = np.minimum(index, count - 1)
    weight = np.where(beyond, 0.0, seen[index])
    span = max(float(np.median(np.diff(times_s))) * 10.0, 1e-9)
    t = (times_s[index] - times_s[:, None]) / span
    values = (
        np.where(seen[:, None], centres, 0.0)[index]
        - np.where(seen[:, None], centres, 0.0)[:, None]
    )
    values = values * weight[..., None]
    powers = [weight]
    for _ in range(4):
        powers.append(powers[-1] * t)
    moments = [np.cumsum(p, axis=1) for p in powers]
    sums = [
        np.stack([np.cumsum(values[..., axis] * t**k, axis=1) for axis in (0, 1)], axis=-1)
        for k in range(3)
    ]
    square = np.cumsum((values**2).sum(axis=-1), axis=1)
    distance = np.sqrt((values**2).sum(axis=-1))
    reach = np.maximum.accumulate(distance, axis=1)
    variance = noise * noise + (_MODEL_ERROR * reach) ** 2
    cost = np.full((count, longest), np.inf)
    degree = np.zeros((count, longest), dtype=np.int64)
    frames = moments[0]
    for order in (0, 1, 2):
        size = order + 1
        normal = np.empty((count, longest, size, size))
        right = np.empty((count, longest, size, 2))
        for i in range(size):
            right[..., i, :] = sums[i]
            for j in range(size):
                normal[..., i, j] = moments[i + j]
        normal += np.eye(size) * 1e-9
        solved = np.linalg.solve(normal, right)
        residual = np.maximum(square - (solved * right).sum(axis=(-1, -2)), 0.0)
        total = residual / variance + _PENALTY * 2.0 * (size + 0.5)
        total = np.where(frames >= size, total, np.inf)
        better = total < cost
        cost[better] = total[better]
        degree[better] = order
    # a stretch without any sighting costs nothing
    cost = np.where(frames == 0, 0.0, cost)
    cost = np.where(beyond, np.inf, cost)
    return cost, degree


def _fit_piece(
    times_s: NDArray[np.float64],
    centres: NDArray[np.float64],
    inside: NDArray[np.int64],
    degree: int,
    noise: float,
) -> Piece:
    origin = float(times_s[inside[0]])
    t = times_s[inside] - origin
    design = np.stack([t**k for k in range(degree + 1)], axis=1)
    solved, *_ = np.linalg.lstsq(design, centres[inside], rcond=None)
    residual = centres[inside] - design @ solved
    coefficients = np.zeros((3, 2))
    coefficients[: degree + 1] = solved
    std = float("inf")
    if degree == 2 and inside.size > 3:
        covariance = np.linalg.inv(design.T @ design)
        spread = max(noise, float(np.sqrt((residual**2).sum() / max(2 * inside.size - 6, 1))))
        std = 2.0 * spread * float(np.sqrt(covariance[2, 2]))
    return Piece(
        first=int(inside[0]),
        last=int(inside[-1]),
        seen=int(inside.size),
        degree=degree,
        coefficients=coefficients,
        origin_s=origin,
        rms_px=float(np.sqrt((residual**2).sum(axis=1).mean())),
        acceleration_std=std,
    )


def smooth_path(
    times_s: NDArray[np.float64], centres: NDArray[np.float64], pieces: list[Piece]
) -> NDArray[np.float64]:
    """The path on its pieces, (T, 2); NaN stays NaN."""
    out = centres.copy()
    for piece in pieces:
        frames = np.arange(piece.first, piece.last + 1)
        frames = frames[np.isfinite(centres[frames]).all(axis=1)]
        out[frames] = piece.at(times_s[frames])
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class GravityFit:
    """Pixels per metre from free flight.

    Attributes:
        acceleration: px / video second^2, length.
        direction: Unit vector of gravity in the picture.
        log_std: Of the acceleration: fit noise and disagreement of the pieces.
        pieces: How many pieces agree.
        frames: Frames in them.
        others: Accelerated pieces that do not agree.
    """

    acceleration: float
    direction: tuple[float, float]
    log_std: float
    pieces: int
    frames: int
    others: int


def fit_gravity(
    paths: list[list[Piece]], *, plausible: tuple[float, float] = (0.0, float("inf"))
) -> GravityFit | None:
    """Find one acceleration that free flights share, nearly straight down in the picture.

    Every piece of constant acceleration that is long and clean enough and points within 30 degrees
    of down is a candidate (the turns of a pendulum point sideways or up, those of a hand anywhere);
    the set of pieces that agree in direction (25 degrees) and length (a factor 1.35) with the most
    frames wins. One piece alone must have at least eight frames and a sure acceleration.

    Args:
        paths: Pieces per object.
        plausible: Least and largest acceleration in px/s^2 that could be a fall: a slow roll seen
            in perspective bends for longer than any flight.
    """
    low, high = plausible
    found = [
        piece
        for pieces in paths
        for piece in pieces
        if piece.degree == 2
        and piece.seen >= 5
        and np.linalg.norm(piece.acceleration) > 5.0 * piece.acceleration_std
        and low <= np.linalg.norm(piece.acceleration) <= high
        and piece.acceleration[1] > _UPRIGHT * np.linalg.norm(piece.acceleration)
    ]
    if not found:
        return None
    vectors = np.array([piece.acceleration for piece in found])
    sizes = np.linalg.norm(vectors, axis=1)
    units = vectors / sizes[:, None]
    frames = np.array([piece.seen for piece in found])
    relative = np.array([piece.acceleration_std for piece in found]) / sizes
    alike = (units @ units.T > np.cos(np.radians(25.0))) & (
        np.abs(np.log(sizes[:, None] / sizes[None])) < np.log(1.35) + 2 * relative[None]
    )
    support = alike @ frames
    chosen = alike[int(np.argmax(support))]
    if chosen.sum() < 2 and (frames[chosen][0] < 8 or relative[chosen][0] > _SURE):
        return None
    weights = 1.0 / (relative[chosen] ** 2 + 0.03**2)
    log_size = float((np.log(sizes[chosen]) * weights).sum() / weights.sum())
    spread = float(
        np.sqrt((weights * (np.log(sizes[chosen]) - log_size) ** 2).sum() / weights.sum())
    )
    direction = (units[chosen] * weights[:, None]).sum(axis=0)
    direction /= np.linalg.norm(direction)
    return GravityFit(
        acceleration=float(np.exp(log_size)),
        direction=(float(direction[0]), float(direction[1])),
        log_std=float(np.hypot(1.0 / np.sqrt(weights.sum()), spread / np.sqrt(chosen.sum()))),
        pieces=int(chosen.sum()),
        frames=int(frames[chosen].sum()),
        others=int((~chosen).sum()),
    )
