"""How many simulated clips a second one core makes.

    python benchmarks/simulation.py [--clips 60] [--size 128] [--json]

Times are processor time of this one thread, after the kernels have been compiled, so that a busy
machine disturbs them little (shared caches and hyper-threads still do). World = sampling, physics
and contacts; encoding is the mp4 that `pavas simulate` writes on top.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from pavas_sdk.simulation import SceneConfig, simulate, write_clip
from pavas_sdk.simulation.compression import through_h264
from pavas_sdk.simulation.render import render_frames
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.sound import render_sound


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options.clips, options.size, options.seed)
    if options.json:
        print(json.dumps(result, indent=1))
        return
    print(f"{options.clips} clips of 4 s, {options.size} x {options.size}, 48 kHz")
    for name, value in result.items():
        print(f"  {name:32} {value}")


def measure(clips: int, size: int, seed: int) -> dict[str, float | str]:
    """Return seconds per clip by part, and clips per second of world, picture and sound."""
    config = SceneConfig(height=size, width=size, compression=False)
    begin = time.process_time()
    simulate(seed, config)
    first = time.process_time() - begin
    spent: dict[str, float] = defaultdict(float)
    cameras: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        for index in range(clips):
            start = time.process_time()
            scene, motion = sample_world(seed + index, config)
            world = time.process_time()
            picture = render_frames(scene, motion)
            drawn = time.process_time()
            render_sound(scene, motion)
            heard = time.process_time()
            through_h264(picture.frames, scene.shooting.fps, 24)
            squeezed = time.process_time()
            spent["world_s"] += world - start
            spent["picture_s"] += drawn - world
            spent["sound_s"] += heard - drawn
            spent["h264_in_memory_s"] += squeezed - heard
            kind = "picture_still_camera_s" if scene.camera.kind == "still" else "picture_moving_s"
            cameras[kind].append(drawn - world)
        simulation = simulate(seed, config)
        start = time.process_time()
        write_clip(simulation, Path(folder), "clip")
        written = time.process_time() - start
    out: dict[str, float | str] = {name: round(value / clips, 4) for name, value in spent.items()}
    out |= {name: round(float(np.mean(values)), 4) for name, values in sorted(cameras.items())}
    plain = spent["world_s"] + spent["picture_s"] + spent["sound_s"]
    out["clips_per_second"] = round(clips / plain, 2)
    out["write_files_s"] = round(written, 3)
    out["first_clip_s"] = round(first, 2)
    out["machine"] = platform.processor() or platform.machine()
    return out


if __name__ == "__main__":
    main()
