"""Time and memory of ``pipe(videos, batch_size=n)`` against n: ``python benchmarks/batches.py``.

Each n is measured in a process of its own, on the same clips with given physics, after one sound to
warm up. ``--model`` and ``--device`` choose what and where.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import subprocess
import sys
import time

import torch


def measure(options: argparse.Namespace, size: int) -> dict[str, float]:
    """Make the sounds of all clips in batches of ``size``."""
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk import PavasPipeline
    from pavas_sdk.testing import moving_discs

    disable_progress_bar()
    torch.set_num_threads(options.threads)
    pipe = PavasPipeline.from_pretrained(options.model, physics_estimator=None).to(options.device)
    pipe.set_progress_bar_config(disable=True)
    frames = round(25 * options.duration)
    clips = [
        moving_discs(1 + number % 3, frames=frames, height=120, width=160)
        for number in range(options.sounds)
    ]

    def make(count: int) -> None:
        part = clips[:count]
        pipe(
            [clip.source for clip in part],
            physics=[clip.physics for clip in part],
            masks=[clip.masks for clip in part],
            batch_size=size,
            seed=0,
        )

    make(1)
    wall, cpu = time.perf_counter(), time.process_time()
    make(options.sounds)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    found = {
        "batch_size": size,
        "wall_s_per_sound": round(wall / options.sounds, 2),
        "processor_s_per_sound": round(cpu / options.sounds, 2),
        "peak_resident_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if options.device != "cpu":
        found["peak_gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    return found


def main() -> None:
    """Parse options, measure, print a line of JSON for each size."""
    parser = argparse.ArgumentParser(description="Time and memory of batches of sounds.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--sounds", type=int, default=16)
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--model", default="pavas-tiny")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    if len(options.sizes) == 1:
        print(json.dumps(measure(options, options.sizes[0])), flush=True)
        return
    machine = {"machine": platform.platform(), "torch": torch.__version__}
    print(json.dumps({**machine, **vars(options)}), flush=True)
    words = [f"--{name}={value}" for name, value in vars(options).items() if name != "sizes"]
    for size in options.sizes:
        subprocess.run([sys.executable, __file__, *words, "--sizes", str(size)], check=True)


if __name__ == "__main__":
    main()
