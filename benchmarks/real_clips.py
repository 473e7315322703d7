"""What the light estimators say about recorded clips whose truth is known.

    python benchmarks/real_clips.py FOLDER [TRUTH]

FOLDER holds clips that TRUTH names (by default real_clips_truth.json beside this file, whose clips
are not part of this repository); those that are not there are passed over. The scores of the same
clips, with sound: pavas evaluate clips TRUTH --clips FOLDER.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from pavas_sdk.evaluation import ClipTruth, read_truth
from pavas_sdk.media import open_video
from pavas_sdk.physics import PhysicsEstimator, PhysicsResult


def pixels_per_metre(result: PhysicsResult, width: int) -> float:
    """Scale of the reconstruction in pixels of the video."""
    points = result.reconstruction
    if points is None:
        return float("nan")
    across = np.linalg.norm(points.points_m[0, 0, -1] - points.points_m[0, 0, 0])
    return width * (1 - 1 / points.points_m.shape[2]) / float(across)


def tell(clip: ClipTruth, path: Path, estimator: PhysicsEstimator) -> None:
    """Print what is seen in a clip, beside what is true."""
    with open_video(path, time_scale=clip.time_scale) as source:
        result = estimator.estimate(source)
        scale = pixels_per_metre(result, source.width)
    print(f"{clip.name}: {scale:.0f} px/m; true impacts: {list(clip.impacts_s)}")
    print("  " + str(result.physics).replace("\n", "\n  "))
    for hit in result.physics.impacts():
        print(
            f"  impact of {hit.object_id} at {hit.time_s:.3f} s: "
            f"{hit.speed_before_m_s:.2f} -> {hit.speed_after_m_s:.2f} m/s"
        )
    for entry in result.physics:
        velocity, times = entry.velocity_m_s, entry.speed_times_s / clip.time_scale
        if velocity is None or not np.isfinite(velocity).any():
            continue
        seen = np.isfinite(velocity).all(axis=1)
        edges = np.flatnonzero(np.diff(np.r_[False, seen, False].astype(int))).reshape(-1, 2)
        start, end = max(edges, key=lambda edge: edge[1] - edge[0])
        piece = velocity[start:end]
        fit = np.polyfit(times[start:end], piece, 1) if end - start > 2 else np.zeros((2, 3))
        print(
            f"  {entry.object_id}: longest run {end - start} pairs, "
            f"{np.linalg.norm(piece[0]):.2f} to {np.linalg.norm(piece[-1]):.2f} m/s, sideways "
            f"{piece[0, 0]:.2f} to {piece[-1, 0]:.2f}, down {piece[0, 1]:.2f} to "
            f"{piece[-1, 1]:.2f}, mean acceleration {np.linalg.norm(fit[0]):.2f} m/s2"
        )


def main() -> None:
    """Print what is seen in each clip."""
    folder = Path(sys.argv[1])
    truth = (
        Path(sys.argv[2])
        if len(sys.argv) > 2
        else Path(__file__).with_name("real_clips_truth.json")
    )
    estimator = PhysicsEstimator(timeout_s=None)
    for clip in read_truth(truth):
        if (folder / clip.name).exists():
            tell(clip, folder / clip.name, estimator)


if __name__ == "__main__":
    main()
