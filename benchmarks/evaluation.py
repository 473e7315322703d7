"""Seconds per clip of the networks of the metrics, and of a Frechet distance.

    AV_BENCHMARK_REFERENCE=/path/to/av-benchmark python benchmarks/evaluation.py --networks panns vggish

Networks have their full size. With ``AV_BENCHMARK_REFERENCE`` (a checkout of the public evaluation code;
it needs ``torchlibrosa``, ``resampy``, ``hear21passt``, ``torchaudio``, ``torchvision``, ``timm``, ``einops`` and
``omegaconf``) both sides get the same name-seeded weights and the same noise, take turns, and their
features are compared; without it our side runs alone, with random weights. The smallest of several
times counts. The Frechet distance is of 15,000 x 768 features.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from metric_reference import reference

from pavas_sdk import models
from pavas_sdk.evaluation import frechet_distance
from pavas_sdk.released.component_weights import component_weights
from pavas_sdk.released.metric_networks import METRIC_NETWORKS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

NETWORKS = {
    "panns": (models.Cnn14, "panns-cnn14-16k", 16000),
    "vggish": (models.VGGish, "vggish", 16000),
    "passt": (models.PaSST, "passt-s", 32000),
    "synchformer-audio": (models.SynchformerAudio, "synchformer-audio", 16000),
    "synchformer-video": (models.Synchformer, "synchformer-video", None),
}


def timed(call: Callable[[], Tensor]) -> tuple[Tensor, tuple[float, float]]:
    """Result, and wall and processor seconds; the latter is what it costs where others work, too."""
    wall, processor = time.perf_counter(), time.process_time()
    result = call()
    return result, (time.perf_counter() - wall, time.process_time() - processor)


def least(sides: Sequence[Callable[[], Tensor]], repeats: int) -> list[tuple[float, float]]:
    """Smallest wall and processor seconds of every side, which take turns."""
    found = [[timed(side)[1] for side in sides] for _ in range(repeats)]
    walls, processors = np.asarray(found).transpose(2, 1, 0).min(axis=2)
    return list(zip(walls, processors, strict=True))


def first(heard: Tensor | tuple[Tensor, ...]) -> Tensor:
    """Features alone."""
    return heard[0] if isinstance(heard, tuple) else heard


@torch.no_grad()
def sides_of(name: str, seconds: float, folder: str | None) -> list[Callable[[], Tensor]]:
    """Our network, and the public one if there is one here, as calls on one clip."""
    build, part, rate_hz = NETWORKS[name]
    network = build()
    if rate_hz is None:
        frames = network.frame_times_s(seconds).size
        pixels = torch.rand(frames, 3, 224, 224) * 2 - 1
        return [lambda: network.eval().encode(pixels)]
    samples = 0.1 * torch.randn(1, round(rate_hz * seconds))
    sides = [lambda: first(network.eval()(samples))]
    if folder is not None:
        official, other = reference(name, folder)
        _, tensors = component_weights(METRIC_NETWORKS[part], official, Path("no file"))
        network.load_state_dict({key: tensor.read() for key, tensor in tensors.items()})
        sides.append(lambda: other(samples))
    return sides


def compare(name: str, options: argparse.Namespace, folder: str | None) -> str:
    """Time a network and return its line."""
    sides = sides_of(name, options.seconds, folder)
    with torch.inference_mode():
        heard = [side() for side in sides]  # warms up
        times = least(sides, options.repeats)
    line = f"{name:<18}" + "".join(f" {wall:8.2f} {own:11.2f}" for wall, own in times)
    if len(sides) == 2:
        ratio = times[0][1] / times[1][1]
        apart = float((heard[0] - heard[1]).norm() / heard[1].norm())
        line += f" {ratio:6.2f} {apart:10.1e}"
    return line


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of the clip")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--networks", nargs="*", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--rows", type=int, default=15_000, help="of the Frechet distance; 0: none")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder = os.environ.get("AV_BENCHMARK_REFERENCE")
    print(f"{options.threads} threads, torch {torch.__version__}, clips of {options.seconds:g} s")
    head = f" {'wall s':>8} {'processor s':>11}"
    print(f"{'':<18}{head}{head + '  ratio difference' if folder else ''}")
    for name in options.networks:
        alone = NETWORKS[name][2] is None
        print(compare(name, options, None if alone else folder), flush=True)
    if options.rows:
        rng = np.random.default_rng(0)
        sets = [rng.normal(size=(options.rows, 768)).astype(np.float32) for _ in range(2)]
        wall, processor = time.perf_counter(), time.process_time()
        frechet_distance(*sets)
        took = time.perf_counter() - wall, time.process_time() - processor
        print(f"{'Frechet distance':<18} {took[0]:8.2f} {took[1]:11.2f}   {options.rows} x 768")


if __name__ == "__main__":
    main()
