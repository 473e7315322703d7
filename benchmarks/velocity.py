"""How exact the velocity estimator is where the truth is known: simulated clips.

    python benchmarks/velocity.py --clips 100 --seed 4000 [--json] [--markdown]

Every clip is rendered at 512 x 288, the size at which CUT3R gives points; half of them with a camera
at rest, half with one that pans, shakes or drives. The estimator gets the true masks and points, or
masks that are two pixels too large or too small and points that are off by 2 % (each point by
Gaussian noise on every axis, with a standard deviation of 2 % of its distance from the camera).

The error of an object is the median of |v - v_true| / v_true over the frame pairs in which it moves
at a quarter of its highest speed at least, v_true being the speed of its centre of mass between the
same two frames. The table gives the median and the 90th percentile over objects, and the median of
the signed error.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import binary_dilation, binary_erosion

from pavas_sdk.physics import CentroidVelocityEstimator
from pavas_sdk.simulation import SceneConfig, simulate

if TYPE_CHECKING:
    from pavas_sdk.data import MaskTrack, Reconstruction
    from pavas_sdk.simulation import Simulation

CAMERAS = ("still", "pan", "still", "shake", "still", "dolly")
NOISE = 0.02
CONDITIONS = {
    "true masks, true points": (0, 0.0),
    "masks + 2 px": (2, 0.0),
    "masks - 2 px": (-2, 0.0),
    "points off by 2 %": (0, NOISE),
    "masks + 2 px, points off by 2 %": (2, NOISE),
    "masks - 2 px, points off by 2 %": (-2, NOISE),
}
ESTIMATORS: dict[str, dict[str, Any]] = {
    "default": {},
    "as in the paper": {"centroid": "mean", "centre": "surface", "depth_mads": 0.0},
}
MOVING_SHARE = 0.25
MIN_PAIRS = 4


def changed_masks(masks: dict[int, MaskTrack], pixels: int) -> dict[int, MaskTrack]:
    """Masks grown (above 0) or shrunk (below 0) by so many pixels."""
    if pixels == 0:
        return masks
    change = binary_dilation if pixels > 0 else binary_erosion
    return {
        key: replace(
            track,
            masks=np.stack([change(mask, iterations=abs(pixels)) for mask in track.masks]),
        )
        for key, track in masks.items()
    }


def disturbed(
    points: Reconstruction, masks: dict[int, MaskTrack], noise: float, rng: np.random.Generator
) -> Reconstruction:
    """Points under the masks moved by a share of their distance from the camera."""
    if noise == 0:
        return points
    moved = points.points_m.copy()
    for frame, pose in enumerate(points.camera_to_world):
        under = np.any([track.masks[frame] for track in masks.values()], axis=0)
        there = moved[frame][under]
        distance = np.linalg.norm(there - pose[:3, 3], axis=1, keepdims=True)
        moved[frame][under] = there + noise * distance * rng.standard_normal(there.shape)
    return replace(points, points_m=moved)


def count(simulation: Simulation, errors: dict[Any, list[tuple[float, float]]]) -> dict[str, int]:
    """Add one clip's errors by (estimator, condition, camera); return the occlusion check."""
    clip, points = simulation.clip, simulation.reconstruction()
    camera = "camera at rest" if simulation.scene.camera.kind == "still" else "camera moves"
    unseen = {"hidden frame pairs": 0, "of them missing": 0}
    for condition, (pixels, noise) in CONDITIONS.items():
        masks = changed_masks(clip.masks, pixels)
        rng = np.random.default_rng(simulation.scene.seed)
        given = disturbed(points, masks, noise, rng)
        for name, options in ESTIMATORS.items():
            paths = CentroidVelocityEstimator(**options).estimate_velocity(
                clip.objects, masks, given, rng=rng
            )
            for object_id, path in paths.items():
                speed, truth = path.speed_m_s(), clip.physics[object_id].speed_m_s
                seen = masks[object_id].visible
                hidden = ~(seen[1:] & seen[:-1])
                unseen["hidden frame pairs"] += int(hidden.sum())
                unseen["of them missing"] += int(np.isnan(speed[hidden]).sum())
                used = np.isfinite(speed) & (truth >= MOVING_SHARE * np.max(truth))
                if used.sum() < MIN_PAIRS or np.max(truth) == 0:
                    continue
                ratio = speed[used] / truth[used] - 1
                for group in (camera, "all"):
                    errors[name, condition, group].append(
                        (float(np.median(np.abs(ratio))), float(np.median(ratio)))
                    )
    return unseen


GROUPS = ("all", "camera at rest", "camera moves")


def rows(errors: dict[Any, list[tuple[float, float]]]) -> list[dict[str, Any]]:
    """The table: one row per estimator and condition."""
    table = []
    for name in ESTIMATORS:
        for condition in CONDITIONS:
            every = np.array(errors[name, condition, "all"])
            row: dict[str, Any] = {
                "estimator": name,
                "given": condition,
                "objects": len(every),
                **{
                    group: round(
                        float(np.median([e for e, _ in errors[name, condition, group]])), 4
                    )
                    for group in GROUPS
                    if errors[name, condition, group]
                },
                "90th percentile": round(float(np.quantile(every[:, 0], 0.9)), 4),
                "signed": round(float(np.median(every[:, 1])), 4),
            }
            table.append(row)
    return table


def main() -> None:
    """Run over simulated clips and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--seed", type=int, default=4000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    errors: dict[Any, list[tuple[float, float]]] = defaultdict(list)
    unseen: dict[str, int] = defaultdict(int)
    started = time.process_time()
    for index in range(options.clips):
        config = SceneConfig(
            duration_s=2.0,
            height=288,
            width=512,
            camera=CAMERAS[index % len(CAMERAS)],
            blur_samples=1,
            noise=False,
            compression=False,
            sample_rate_hz=4000,
        )
        for key, number in count(simulate(options.seed + index, config), errors).items():
            unseen[key] += number
        print(f"{index + 1} of {options.clips}", end="\r", file=sys.stderr)
    table = rows(errors)
    about = {
        "clips": options.clips,
        "seed": options.seed,
        "cpu_seconds": round(time.process_time() - started),
        "python": platform.python_version(),
        "numpy": np.__version__,
        **unseen,
    }
    if options.json:
        print(json.dumps({"about": about, "rows": table}, indent=1))
        return
    print("  ".join(f"{key} {value}" for key, value in about.items()))
    bar = " | " if options.markdown else "  "
    print(bar.join(table[0]))
    if options.markdown:
        print("|".join("---" for _ in table[0]))
    for row in table:
        cells = [f"{100 * v:+.1f} %" if k == "signed" else v for k, v in row.items()]
        print(bar.join(f"{100 * v:.1f} %" if isinstance(v, float) else str(v) for v in cells))


if __name__ == "__main__":
    main()
