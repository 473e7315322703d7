"""How well the light estimators see simulated clips: the figures of the model card.

    python benchmarks/estimators.py --clips 60 --seed 3000 [--prompt] [--json]

Recall and overlap of masks, false objects, speed and mass errors, impacts found, and the rank
correlation of estimated and true energy changes at the true impacts.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import spearmanr

from pavas_sdk.data.impacts import speeds_around
from pavas_sdk.physics import PhysicsEstimator, PhysicsResult
from pavas_sdk.simulation import simulate

if TYPE_CHECKING:
    from pavas_sdk.data import LabelledClip
    from pavas_sdk.simulation import Simulation

MIN_OVERLAP = 0.3
ALONE_S = 0.15
NEAR_S = 0.1


@dataclass(slots=True)
class Tally:
    """Everything that is counted."""

    overlaps: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    false: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    speed: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    mass: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    impacts: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    false_impacts: list[int] = field(default_factory=list)
    energies: list[tuple[str, float, float]] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union, pooled over frames."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 0.0


def match(clip: LabelledClip, result: PhysicsResult) -> dict[int, tuple[int, float]]:
    """Best estimated object and its overlap, by true id."""
    found = {}
    for object_id, truth in clip.masks.items():
        scores = [(overlap(t.masks, truth.masks), i) for i, t in result.masks.items()]
        score, best = max(scores, default=(0.0, -1))
        found[object_id] = (best, score)
    return found


def count(simulation: Simulation, result: PhysicsResult, tally: Tally) -> None:
    """Add one clip."""
    clip = simulation.clip
    action, camera = clip.action, f"camera {simulation.scene.camera.kind}"
    pairs = match(clip, result)
    used = {i for i, score in pairs.values() if score > 0.1}
    for key in (action, camera, "all"):
        tally.overlaps[key] += [score for _, score in pairs.values()]
        tally.false[key].append(len(result.physics) - len(used))
    for object_id, (index, score) in pairs.items():
        if score < 0.15:
            continue
        entry, truth = result.physics[index], clip.physics[object_id]
        size = min(entry.speed_m_s.size, truth.speed_m_s.size)
        moving = truth.speed_m_s[:size] > 0.25 * np.nanmax(truth.speed_m_s)
        ratio = entry.speed_m_s[:size][moving] / truth.speed_m_s[:size][moving]
        if np.isfinite(ratio).sum() >= 4:
            rung = f"scale by {entry.sources.get('scale')}"
            for key in (action, rung, "all"):
                tally.speed[key].append(float(np.log(np.nanmedian(ratio) + 1e-6)))
        if entry.mass_kg is not None and truth.mass_kg is not None:
            for key in (action, f"mass by {entry.sources.get('mass')}", "all"):
                tally.mass[key].append(float(np.log10(entry.mass_kg / truth.mass_kg)))
    count_impacts(clip, result, tally)


def count_impacts(clip: LabelledClip, result: PhysicsResult, tally: Tally) -> None:
    """Add the impacts of one clip."""
    if not clip.contacts:
        return
    found = [hit.time_s for hit in result.physics.impacts()]
    every = np.array([c.time_s for c in clip.contacts])
    loudest = max(c.energy_change_j for c in clip.contacts)
    clear = [c for c in clip.contacts if c.energy_change_j > 5e-3 * loudest]
    times = np.array([c.time_s for c in clear])
    tally.false_impacts.append(sum(not (np.abs(every - t) < 0.12).any() for t in found))
    for contact in clear:
        for key in (clip.action, "all"):
            tally.impacts[key].append(any(abs(t - contact.time_s) < NEAR_S for t in found))
        if (np.abs(times - contact.time_s) < ALONE_S).sum() > 1:
            continue
        best = 0.0
        for entry in result.physics:
            around = speeds_around(entry.speed_times_s, entry.speed_m_s, contact.time_s)
            before, after = np.nan_to_num(around)
            best = max(best, abs(0.5 * (entry.mass_kg or 0.0) * (after**2 - before**2)))
        tally.energies.append((clip.action, contact.energy_change_j, best))


def report(tally: Tally) -> dict[str, Any]:
    """Return the figures."""

    def rank(label: str | None) -> float | None:
        pairs = [(t, e) for kind, t, e in tally.energies if label in (None, kind)]
        return (
            round(float(spearmanr(*zip(*pairs, strict=True)).statistic), 3)
            if len(pairs) > 4
            else None
        )

    def by_key(values: dict[str, list[float]], unit: str) -> dict[str, Any]:
        return {
            key: {
                "count": len(v),
                f"median_{unit}": round(float(np.median(v)), 3),
                f"median_absolute_{unit}": round(float(np.median(np.abs(v))), 3),
            }
            for key, v in sorted(values.items())
        }

    return {
        "clips": len(tally.seconds),
        "seconds_per_clip": round(float(np.mean(tally.seconds)), 3),
        "objects": {
            key: {
                "count": len(v),
                "recall": round(float(np.mean(np.array(v) > MIN_OVERLAP)), 3),
                "mean_overlap": round(float(np.mean(v)), 3),
                "false_per_clip": round(float(np.mean(tally.false[key])), 2),
            }
            for key, v in sorted(tally.overlaps.items())
            if v
        },
        "speed": by_key(tally.speed, "log_ratio"),
        "mass": by_key(tally.mass, "log10_ratio"),
        "impact_recall": {k: round(float(np.mean(v)), 3) for k, v in sorted(tally.impacts.items())},
        "false_impacts_per_clip": round(float(np.mean(tally.false_impacts)), 2),
        "energy_spearman": {
            key: rank(None if key == "all" else key)
            for key in ["all", *sorted({kind for kind, _, _ in tally.energies})]
        },
        "impacts": len(tally.energies),
    }


def main() -> None:
    """Run over simulated clips and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clips", type=int, default=40)
    parser.add_argument("--seed", type=int, default=3000)
    parser.add_argument("--prompt", action="store_true", help="tell the estimators the prompt")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    estimator = PhysicsEstimator(timeout_s=None)
    tally = Tally()
    for seed in range(options.seed, options.seed + options.clips):
        simulation = simulate(seed)
        clip = simulation.clip
        started = time.process_time()
        result = estimator.estimate(clip.source, prompt=clip.prompt if options.prompt else "")
        tally.seconds.append(time.process_time() - started)
        count(simulation, result, tally)
    figures = report(tally)
    if options.json:
        print(json.dumps(figures, indent=1))
        return
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"\n{name}")
            for key, entry in value.items():
                print(f"  {key:24s} {entry}")
        else:
            print(f"{name}: {value}")


if __name__ == "__main__":
    main()
