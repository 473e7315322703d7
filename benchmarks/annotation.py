"""Rate and memory of the training loader, and of a job's own overhead: ``python benchmarks/annotation.py``.

Makes sets of random features of the released sizes (small_16k, 8 s, 1.5 objects a clip) in a temporary
folder, 0.7 MB a clip, and reads them in batches. What one H100 needs: a step of small_16k at batch 512 is
0.088 PFLOP (forward and backward), 0.22 s at 40 % of 989 TFLOP/s: 2,300 clips/s; each of 16 workers must
deliver a sixteenth.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.training.datasets import (
    BatchLoader,
    ClipObjects,
    FeatureRow,
    FeatureSet,
    Mixture,
    SetDescription,
    SetLayout,
    shard_folder,
    write_description,
    write_feature_shard,
    write_texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LAYOUT = SetLayout(
    latent_length=250,
    latent_dim=20,
    clip_length=64,
    clip_dim=1024,
    sync_length=192,
    sync_dim=768,
    text_length=77,
    text_dim=1024,
    duration_s=8.0,
    patch_dim=1280,
)
H100_CLIPS_S = 512 / (0.088e15 / (0.4 * 989e12))
WORKERS = 16


def rows(first: int, stop: int) -> Iterator[FeatureRow]:
    """Yield clips of one or two objects."""
    rng = np.random.default_rng(first)
    shapes = LAYOUT.shapes()
    names = ("mean", "std", "clip_features", "sync_features")
    features = {name: rng.normal(size=shapes[name]).astype(np.float16) for name in names}
    length, width = LAYOUT.clip_length, LAYOUT.patch_dim
    sums = rng.normal(size=(2, length, width)).astype(np.float16)
    for clip in range(first, stop):
        count = 1 + clip % 2
        yield FeatureRow(
            features=features,
            text=clip % 8,
            objects=ClipObjects(
                objects=sums[:count],
                visible=np.ones((count, length), dtype=np.bool_),
                mass_kg=np.ones(count, dtype=np.float32),
                speed_m_s=np.ones((count, length), dtype=np.float32),
                impact_energy_j=np.zeros((count, length), dtype=np.float32),
            ),
            facts={"id": str(clip)},
        )


def write(folder: Path, clips: int) -> None:
    """Write a set, 256 clips a shard."""
    tokens = np.zeros((LAYOUT.text_length, LAYOUT.text_dim))
    write_texts(folder, [str(n) for n in range(8)], [tokens] * 8)
    for number, first in enumerate(range(0, clips, 256)):
        part = rows(first, min(clips, first + 256))
        write_feature_shard(shard_folder(folder, number), part, LAYOUT)
    write_description(folder, SetDescription(layout=LAYOUT, rows=clips))


def read(folder: Path, seconds: float, batch: int) -> dict[str, float]:
    """Read batches for some seconds; return clips per second and the peak of resident memory."""
    loader = BatchLoader(Mixture([FeatureSet(folder)]), batch=batch, threads=1, ahead=1)
    steps = loader.steps(0, 10**6)
    for _ in range(3):
        next(steps)  # the page cache and the allocator are warm
    began, count = time.perf_counter(), 0
    used = time.process_time()
    while time.perf_counter() - began < seconds:
        count += sum(len(part) for part in next(steps))
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    steps.close()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"clips_s": count / wall, "clips_cpu_s": count / cpu, "peak_bytes": peak}


def main() -> None:
    """Measure each set in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(read(given.read, given.seconds, given.batch)))
        return
    print(
        f"one H100 needs {H100_CLIPS_S:.0f} clips/s, each of {WORKERS} workers {H100_CLIPS_S / WORKERS:.0f}"
    )
    for clips in given.clips:
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            write(Path(folder), clips)
            written_s = time.perf_counter() - began
            command = [sys.executable, __file__, "--read", folder, "--seconds", str(given.seconds)]
            result = subprocess.run(
                [*command, "--batch", str(given.batch)], capture_output=True, text=True, check=True
            )
        found = json.loads(result.stdout)
        print(
            f"{clips} clips: written in {written_s:.1f} s; read {found['clips_s']:.0f} clips/s "
            f"({found['clips_s'] / (H100_CLIPS_S / WORKERS):.0f} times a worker's share; "
            f"{found['clips_cpu_s']:.0f} per second of processor time), "
            f"peak {found['peak_bytes'] / 1e6:.0f} MB"
        )


if __name__ == "__main__":
    main()
