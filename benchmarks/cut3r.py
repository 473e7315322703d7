"""Time CUT3R per frame on this machine, and compare with the reference's figures.

    export OMP_NUM_THREADS=2 OMP_WAIT_POLICY=PASSIVE
    python benchmarks/cut3r.py --size 224 --frames 6
    python benchmarks/cut3r.py --size 512x288 --frames 4 --reference measure.json
    python benchmarks/cut3r.py --constant 200 --tiny
    python benchmarks/cut3r.py --constant 48 --size 224 --outputs self

Without the wait policy, threads that wait for each other spin and count as processor time. Random weights at the released size (values do not change the work), float32. Printed per frame:
processor and wall seconds, GFLOP (counted by torch on the same step), and GFLOP per
processor second. Beside every frame a **probe** is timed: products of two 1024 x 1024 float32
matrices. A frame's processor seconds times the probe's GFLOP per processor second is its cost in
probe work, which compares machines (and a machine with itself, when other jobs slow both down).

``--reference`` names a JSON file with ``cpu_seconds_per_frame`` by size. It holds no probe, so the
ratio is printed for the probe rate of this run, as if the reference had been measured beside it,
and for the rate given by ``--reference-probe`` if there is one.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import statistics
import time
from pathlib import Path
from typing import Any

import torch
from pavas_cut3r import OUTPUTS, Cut3R, Cut3RSession
from pavas_cut3r.weights import random_model
from torch.utils.flop_counter import FlopCounterMode

SIZES = {"224": (224, 224), "512x288": (288, 512), "512x384": (384, 512)}
PROBE_SIDE = 1024
PROBE_GFLOP = 2 * PROBE_SIDE**3 / 1e9


def released_size_model() -> Cut3R:
    """Return the full model with random weights, made in place."""
    with torch.device("meta"):
        model = Cut3R()
    model = model.to_empty(device="cpu").eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(0)
    for name, parameter in model.named_parameters():
        if parameter.ndim > 1:
            parameter.normal_(0, parameter[0].numel() ** -0.5, generator=generator)
        else:
            parameter.fill_(1.0 if name.endswith("weight") else 0.0)
    return model


def probe_gflop_per_s(seconds: float = 0.5) -> float:
    """Return GFLOP per processor second of float32 matrix products."""
    a, b = torch.randn(2, PROBE_SIDE, PROBE_SIDE)
    count, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        a @ b
        count += 1
    return count * PROBE_GFLOP / (time.process_time() - start)


def peak_rss_mb() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def gflop(model: Cut3R, height: int, width: int, outputs: frozenset[str]) -> float:
    """Count the operations of a frame that is not the first."""
    session = Cut3RSession(model)
    pixels = torch.rand(1, 3, height, width) * 2 - 1
    session.step(pixels, outputs=())
    counter = FlopCounterMode(display=False)
    with counter:
        session.step(pixels, outputs=outputs)
    return counter.get_total_flops() / 1e9


def measure(
    model: Cut3R, size: str, frames: int, outputs: frozenset[str], threads: int
) -> dict[str, Any]:
    """Time frames one by one, a probe before each; the first frame is left out (it reads nothing)."""
    height, width = SIZES[size]
    session = Cut3RSession(model)
    pixels = torch.rand(1, 3, height, width) * 2 - 1
    session.step(pixels, outputs=outputs)
    rows = []
    for _ in range(frames):
        probe = probe_gflop_per_s()
        wall, cpu = time.perf_counter(), time.process_time()
        session.step(pixels, outputs=outputs)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        rows.append((cpu, wall, probe, cpu * probe))
    cpu, wall, probe, work = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "size": size,
        "outputs": sorted(outputs),
        "frames": frames,
        "threads": threads,
        "cpu_s": cpu,
        "cpu_s_min": min(row[0] for row in rows),
        "wall_s": wall,
        "probe_gflop_per_cpu_s": probe,
        "probe_work_gflop": work,
    }


def compare(report: dict[str, Any], reference: Path, reference_probe: float | None) -> None:
    """Add ratios to the reference's processor seconds per frame."""
    figures = json.loads(reference.read_text("utf-8"))
    key = {"224": "224x224"}.get(report["size"], report["size"])
    seconds = statistics.median(figures[key]["cpu_seconds_per_frame"])
    report["reference_cpu_s"] = seconds
    report["ratio_same_probe"] = report["cpu_s"] / seconds
    if reference_probe is not None:
        # both in probe work: seconds times the rate of the machine they were measured on
        report["ratio_scaled"] = report["probe_work_gflop"] / (seconds * reference_probe)


def rss_mb() -> float:
    """Return the resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


def constant(
    model: Cut3R, frames: int, size: tuple[int, int], outputs: frozenset[str]
) -> dict[str, Any]:
    """Run many frames, a probe before each, and compare the first and last thirds.

    The first frame is left out of the times: there is nothing to read from yet. Ctrl-C ends early,
    with the frames that were done.
    """
    session = Cut3RSession(model)
    pixels = torch.rand(1, 3, *size) * 2 - 1
    seconds, work, memory = [], [], []
    try:
        for _ in range(frames):
            probe = probe_gflop_per_s(0.1)
            start = time.process_time()
            session.step(pixels, outputs=outputs)
            seconds.append(time.process_time() - start)
            work.append(seconds[-1] * probe)
            memory.append(rss_mb())
    except KeyboardInterrupt:
        frames = len(memory)
    third = max(2, frames // 3)
    report: dict[str, Any] = {"frames": frames, "height": size[0], "width": size[1]}
    for name, column in (("cpu_s", seconds), ("probe_work_gflop", work)):
        report[f"first_third_{name}"] = statistics.median(column[1:third])
        report[f"last_third_{name}"] = statistics.median(column[-third:])
    return report | {
        "rss_first_third_mb": max(memory[:third]),
        "rss_last_third_mb": max(memory[-third:]),
        "peak_rss_mb": peak_rss_mb(),
        "cpu_s_by_frame": [round(value, 2) for value in seconds],
        "rss_mb_by_frame": [round(value) for value in memory],
    }


def main() -> None:
    """Parse options, measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description="Time CUT3R per frame.")
    parser.add_argument("--size", choices=sorted(SIZES), default="224")
    parser.add_argument("--frames", type=int, default=5)
    parser.add_argument("--outputs", default="self,world,rgb", help="maps asked for, by commas")
    parser.add_argument("--constant", type=int, metavar="FRAMES", help="only: does cost grow?")
    parser.add_argument("--tiny", action="store_true", help="the tiny model, with --constant")
    parser.add_argument("--reference", type=Path)
    parser.add_argument("--reference-probe", type=float, help="GFLOP per processor second")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    threads = torch.get_num_threads()
    model = random_model() if options.tiny else released_size_model()
    report: dict[str, Any] = {
        "machine": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "dtype": "float32",
        "rss_after_build_mb": peak_rss_mb(),
        "weights_mb": sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20,
    }
    outputs = frozenset(filter(None, options.outputs.split(",")))
    if outputs - OUTPUTS:
        parser.error(f"outputs are {', '.join(sorted(OUTPUTS))}")
    if options.constant:
        size = (64, 64) if options.tiny else SIZES[options.size]
        report |= {"outputs": sorted(outputs), "threads": threads}
        report |= constant(model, options.constant, size, outputs)
    else:
        report |= measure(model, options.size, options.frames, outputs, threads)
        report["gflop"] = gflop(model, *SIZES[options.size], outputs)
        report["gflop_per_cpu_s"] = report["gflop"] / report["cpu_s"]
        report["peak_rss_mb"] = peak_rss_mb()
        if options.reference:
            compare(report, options.reference, options.reference_probe)
    if options.json:
        print(json.dumps(report))
        return
    for name, value in report.items():
        print(f"{name:24} {value:.4g}" if isinstance(value, float) else f"{name:24} {value}")


if __name__ == "__main__":
    main()
