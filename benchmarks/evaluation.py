"""Seconds per clip of the networks of the metrics, and of a Frechet distance.

    python benchmarks/evaluation.py [--seconds 8] [--repeats 3] [--networks panns vggish passt ...]

Networks have their full size and random weights: time does not depend on them. Sounds are noise. The
Frechet distance is of 15,000 x 768 features. ``AV_BENCHMARK_REFERENCE`` (a checkout of the public code) is not
asked: its networks need packages that do not run beside these versions.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk import models
from pavas_sdk.evaluation import frechet_distance

if TYPE_CHECKING:
    from collections.abc import Callable

NETWORKS = {
    "panns": (models.Cnn14, 16000),
    "vggish": (models.VGGish, 16000),
    "passt": (models.PaSST, 32000),
    "synchformer-audio": (models.SynchformerAudio, 16000),
    "synchformer-video": (models.Synchformer, None),
}


def seconds_of(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median wall and processor time of a call, after one that warms up.

    Processor time is what it costs where others work, too.
    """
    call()
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        call()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return statistics.median(walls), statistics.median(processors)


@torch.no_grad()
def time_network(name: str, seconds: float, repeats: int) -> tuple[float, float]:
    """Wall and processor seconds that one clip takes."""
    build, rate_hz = NETWORKS[name]
    network = build().eval()
    if rate_hz is None:
        frames = network.frame_times_s(seconds).size
        pixels = torch.rand(frames, 3, 224, 224) * 2 - 1
        return seconds_of(lambda: network.encode(pixels), repeats)
    samples = 0.1 * torch.randn(1, round(rate_hz * seconds))
    return seconds_of(lambda: network(samples), repeats)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of the clip")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--rows", type=int, default=15_000, help="of the Frechet distance")
    options = parser.parse_args()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    print(
        f"{'clip of ' + format(options.seconds, 'g') + ' s':<18} {'wall s':>8} {'processor s':>10}"
    )
    for name in options.networks:
        wall, processor = time_network(name, options.seconds, options.repeats)
        print(f"{name:<18} {wall:8.2f} {processor:10.2f}", flush=True)
    rng = np.random.default_rng(0)
    sets = [rng.normal(size=(options.rows, 768)).astype(np.float32) for _ in range(2)]
    wall, processor = seconds_of(lambda: frechet_distance(*sets), 1)
    print(f"{'Frechet distance':<18} {wall:8.2f} {processor:10.2f}   {options.rows} x 768")


if __name__ == "__main__":
    main()
