"""Time one guided sampling step of the flow network on this machine.

    python benchmarks/transformer.py --variant small_16k --seconds 8 --repeats 7

Medians are given, of wall time and of CPU time (which other jobs on the machine disturb less).
A guided step evaluates the conditional and the empty branch of one clip (batch 2). Where the
environment variable ``MMAUDIO_REFERENCE`` names a checkout of the public MMAudio code, the same
step is timed there as well, with the same weights, in turn with ours, and the ratio is printed.
The checkout's own requirement ``einops`` must be importable.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.models import (
    MMAudioTransformer,
    SequenceConfig,
    build_transformer,
    guidance_branches,
    guide,
    sequence_config,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

GUIDANCE_SCALE = 4.5
TIME = 0.35

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "golden"))
fill = importlib.import_module("name_seeded").fill


def our_step(
    variant: str, inputs: dict[str, Tensor], sequence: SequenceConfig, seconds: float
) -> tuple[Callable[[], Tensor], MMAudioTransformer]:
    """Return a guided step of our network, and the network."""
    with torch.device("meta"):
        network = build_transformer(variant)
    state = {k: torch.from_numpy(fill(k, t.shape)) for k, t in network.state_dict().items()}
    network.load_state_dict(state, assign=True)
    network.eval()
    length = sequence.latent_length(seconds)
    both = network.prepare_conditions(
        torch.cat([inputs["clip_f"], network.empty_clip(1, sequence.clip_length(seconds))]),
        torch.cat([inputs["sync_f"], network.empty_sync(1, sequence.sync_length(seconds))]),
        torch.cat([inputs["text_f"], network.empty_text(1)]),
        length,
    )
    times = torch.full((2,), TIME)
    branches = guidance_branches(GUIDANCE_SCALE)

    def step() -> Tensor:
        velocity = network(inputs["x0"].repeat(2, 1, 1), times, both)
        return guide(velocity.split(1), branches)

    return step, network


def reference_step(
    folder: str,
    variant: str,
    inputs: dict[str, Tensor],
    state: dict[str, Tensor],
) -> Callable[[], Tensor]:
    """Return the same guided step of the public code in ``folder``, with our weights."""
    sys.path.insert(0, folder)
    network = importlib.import_module("mmaudio.model.networks").get_my_mmaudio(variant).eval()
    network.load_weights(dict(state))
    network.update_seq_lengths(*(inputs[name].shape[1] for name in ("x0", "clip_f", "sync_f")))
    given = network.preprocess_conditions(inputs["clip_f"], inputs["sync_f"], inputs["text_f"])
    empty = network.get_empty_conditions(1)

    def step() -> Tensor:
        velocity: Tensor = network.ode_wrapper(
            torch.tensor(TIME), inputs["x0"], given, empty, GUIDANCE_SCALE
        )
        return velocity

    return step


def measure(
    steps: dict[str, Callable[[], Tensor]], repeats: int
) -> dict[str, list[tuple[float, float]]]:
    """Return (wall, CPU) seconds per call; candidates take turns, so that load hits all alike."""
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
    for step in steps.values():
        step()
    for _ in range(repeats):
        for name, step in steps.items():
            wall, cpu = time.perf_counter(), time.process_time()
            step()
            seconds[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    return seconds


def main() -> None:
    """Parse options, measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description="Time one guided step of the flow network.")
    parser.add_argument("--variant", default="small_16k")
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    sequence = sequence_config(options.variant)
    with torch.device("meta"):
        channels = build_transformer(options.variant).config.latent_dim
    shapes = {
        "x0": (1, sequence.latent_length(options.seconds), channels),
        "clip_f": (1, sequence.clip_length(options.seconds), 1024),
        "sync_f": (1, sequence.sync_length(options.seconds), 768),
        "text_f": (1, 77, 1024),
    }
    inputs = {name: torch.from_numpy(fill(f"input.{name}", s)) for name, s in shapes.items()}
    report: dict[str, Any] = {
        "variant": options.variant,
        "seconds": options.seconds,
        "threads": options.threads,
        "repeats": options.repeats,
    }
    with torch.inference_mode():
        ours, network = our_step(options.variant, inputs, sequence, options.seconds)
        steps = {"pavas_sdk": ours}
        if folder := os.environ.get("MMAUDIO_REFERENCE"):
            reference = reference_step(folder, options.variant, inputs, network.state_dict())
            steps["reference"] = reference
            difference = (ours() - reference()).norm() / reference().norm()
            report["relative_difference"] = float(difference)
        timings = measure(steps, options.repeats)
    for name, values in timings.items():
        for index, clock in enumerate(("wall", "cpu")):
            report[f"{name}_{clock}_s"] = statistics.median(value[index] for value in values)
    if "reference" in timings:
        for clock in ("wall", "cpu"):
            ratio = report[f"pavas_sdk_{clock}_s"] / report[f"reference_{clock}_s"]
            report[f"ratio_{clock}"] = ratio
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:22} {value:.4g}" if isinstance(value, float) else f"{name:22} {value}")


if __name__ == "__main__":
    main()
