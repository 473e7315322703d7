"""Time and memory of ``pavas generate``: a fresh process, a warm call, and long videos.

    python benchmarks/generate.py [--model pavas-tiny] [--long 30 600] [--json]

Every row is a process of its own, so that peak memory is its own. Wall times need a quiet machine;
processor time (all threads) is given beside them and is disturbed less. "Model" is encoders,
denoising and decoding; "estimate" is the physics.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM = "warm"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="pavas-tiny")
    parser.add_argument("--seconds", type=float, default=8.0, help="length of the 720p clip")
    parser.add_argument("--long", type=float, nargs="*", default=[30.0, 600.0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--measure", metavar="VIDEO", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.model, options.measure)))
        return
    rows: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        make_clip(clip, options.seconds)
        rows[f"pavas generate, {options.seconds:g} s 720p"] = run_command(options.model, clip)
        rows[f"pipeline, {options.seconds:g} s 720p"] = run_measure(options.model, clip)
        for seconds in options.long:
            video = Path(folder) / f"long-{seconds:g}.mp4"
            repeat(clip, video, seconds)
            rows[f"pipeline, {seconds:g} s 720p"] = run_measure(options.model, video)
    if options.json:
        print(json.dumps({"machine": machine(), "rows": rows}, indent=1))
        return
    print(machine())
    for name, row in rows.items():
        print(name)
        for key, value in row.items():
            print(f"    {key:24} {value}")


def make_clip(path: Path, seconds: float) -> None:
    """Write a simulated 720p clip, in a process of its own: rendering takes memory."""
    code = (
        "import sys; from pavas_sdk.simulation import SceneConfig, simulate; "
        "from pavas_sdk.media import write_video; "
        "c = SceneConfig(height=720, width=1280, fps=30.0, duration_s=float(sys.argv[2]), "
        "action='drop', camera='still', compression=False); "
        "write_video(sys.argv[1], simulate(90_000_007, c).clip.video)"
    )
    subprocess.run([sys.executable, "-c", code, str(path), str(seconds)], check=True)


def repeat(clip: Path, path: Path, seconds: float) -> None:
    """Write ``clip`` again and again until ``seconds`` are full; packets are copied."""
    import av

    with av.open(str(clip)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.dts is not None]
        data = [(bytes(p), p.pts, p.dts, p.duration, p.is_keyframe) for p in packets]
        length = max(pts + duration for _, pts, _, duration, _ in data)
        shift, end = 0, seconds / float(stream.time_base)
        while shift < end:
            for content, pts, dts, duration, key in data:
                if pts + shift >= end:
                    continue
                packet = av.Packet(content)
                packet.pts, packet.dts, packet.duration = pts + shift, dts + shift, duration
                packet.time_base, packet.is_keyframe, packet.stream = stream.time_base, key, copy
                target.mux(packet)
            shift += length


def run_command(model: str, clip: Path) -> dict[str, float]:
    """Run the command line in a fresh process and return its times and peak memory."""
    with tempfile.TemporaryDirectory() as out:
        command = [
            *(sys.executable, "-c", "from pavas_sdk.cli.main import main; main()"),
            *("generate", str(clip), "-o", out, "--model", model),
        ]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(wall, 2), "cpu_s": round(cpu, 2)}


def run_measure(model: str, video: Path) -> dict[str, float]:
    """Return what `measure` says in a fresh process."""
    command = [sys.executable, __file__, "--model", model, "--measure", str(video)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(model: str, video: str) -> dict[str, float]:
    """Import, load and call; a second call for clips short enough to be worth it."""
    spent: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        spent[f"{name}_wall_s"] = round(time.perf_counter() - wall, 2)
        spent[f"{name}_cpu_s"] = round(time.process_time() - cpu, 2)

    with timed("import"):
        import torch

        from pavas_sdk.pipelines import PavasPipeline
    with timed("load"):
        pipe = PavasPipeline.from_pretrained(model)
        pipe.set_progress_bar_config(disable=True)
    with timed("estimate"):
        physics, masks, _ = pipe.physics_and_masks(video)
    with timed("model"):
        out = pipe(video, physics=physics, masks=masks, generator=torch.Generator().manual_seed(0))
    spent["peak_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if out.audio.duration_s < 60:
        with timed(WARM):
            pipe(video, generator=torch.Generator().manual_seed(0))
    return spent


def machine() -> str:
    """Return what the numbers were measured on."""
    from importlib.metadata import version

    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    return (
        f"Python {platform.python_version()}, torch {version('torch')}, diffusers "
        f"{version('diffusers')}, {os.cpu_count()} cores, load {load:.1f}, device cpu, float32"
    )


if __name__ == "__main__":
    main()
