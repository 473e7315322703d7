"""Time and memory of preparing and training against the number of clips: ``python benchmarks/preparing.py``.

A few short clips are simulated and annotated; their annotations are then repeated under other names
until there are as many clips as wanted. ``pavas prepare``, and ``pavas train adapter`` on what it
wrote, run in processes of their own. Their resident memory is read twenty times a second: "own" is what
only they hold, "mapped" are pages of files (libraries, features), which the system can take back.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from pavas_sdk.annotation import JobFolder

PAVAS = [sys.executable, "-c", "from pavas_sdk.cli import main; main()"]
MASKS = ".masks.json.gz"


def annotated(folder: Path, clips: int, duration_s: float) -> JobFolder:
    """Simulate and annotate some clips."""
    duration = ["--duration", str(duration_s)]
    words = ["simulate", "-n", str(clips), *duration, "--fps", "25", "-o", str(folder / "clips")]
    subprocess.run([*PAVAS, *words], check=True, capture_output=True)
    words = ["annotate", str(folder / "clips"), "-o", str(folder / "few"), "--workers", "0"]
    # 1: clips in which nothing is heard are left out
    subprocess.run([*PAVAS, *words, *duration], check=False, capture_output=True)
    return JobFolder(folder / "few")


def repeated(few: JobFolder, folder: Path, count: int) -> JobFolder:
    """Return a job of so many clips, all with the annotations of ``few``."""
    job = JobFolder(folder)
    folder.mkdir()
    shutil.copy(few.root / "job.json", folder / "job.json")
    known = [clip for clip in few.clips() if few.status(clip.clip_id) in ("ok", "empty")]
    wanted = [replace(known[n % len(known)], clip_id=f"clip{n:05d}") for n in range(count)]
    job.add_clips(wanted)
    for number, clip in enumerate(wanted):
        source = known[number % len(known)].clip_id
        document = {**few.result(source), "clip": clip.to_json()}
        path = job.result_path(clip.clip_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document))
        if few.result_path(source, MASKS).exists():
            shutil.copy(few.result_path(source, MASKS), job.result_path(clip.clip_id, MASKS))
    return job


def measured(words: list[str]) -> dict[str, float]:
    """Run a command and return what it took."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [*PAVAS, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    own, mapped, ended = 0.0, 0.0, 0
    while not ended:
        time.sleep(0.05)
        own, mapped = (max(*pair) for pair in zip((own, mapped), held_mb(process.pid), strict=True))
        # of this child alone, not the largest of all children
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
    assert status == 0, f"{words[0]} ended with {os.waitstatus_to_exitcode(status)}"
    return {
        "peak_own_mb": round(own),
        "peak_mapped_mb": round(mapped),
        "wall_s": round(time.perf_counter() - begin, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_resident_mb": round(used.ru_maxrss / 1024),
    }


def held_mb(pid: int) -> tuple[float, float]:
    """Return a process's own resident memory and that of mapped files; zeros when it has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    values = dict(line.split(":", 1) for line in lines)
    kinds = ("RssAnon", "RssFile")
    own, mapped = (int(values.get(kind, "0 kB").split()[0]) / 1024 for kind in kinds)
    return own, mapped


def prepared(job: JobFolder, out: Path, model: str) -> dict[str, float]:
    """Prepare a job."""
    words = ["prepare", str(job.root), "--model", model, "-o", str(out), "--shard-size", "256"]
    return measured(words)


def trained(features: Path, out: Path, steps: int, batch: int) -> dict[str, float]:
    """Train the base's adapter on features, and the backbone with it."""
    words = ["train", "adapter", str(features), "--from-base", "-o", str(out), "--preset"]
    return measured([*words, "few-clips", "--steps", str(steps), "--batch", str(batch)])


def main() -> None:
    """Parse options, measure, print a line of JSON for each number of clips."""
    parser = argparse.ArgumentParser(description="Time and memory of preparing and training.")
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--duration", type=float, default=1.0)
    parser.add_argument("--model", default="pavas-tiny")
    parser.add_argument("--steps", type=int, default=150, help="Of the training.")
    parser.add_argument("--batch", type=int, default=8)
    options = parser.parse_args()
    print(json.dumps({"machine": platform.platform(), "torch": version("torch"), **vars(options)}))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        few = annotated(folder, 4, options.duration)
        for count in options.counts:
            job = repeated(few, folder / f"job{count}", count)
            features = folder / f"features{count}"
            told = prepared(job, features, options.model)
            print(json.dumps({"command": "prepare", "clips": count, **told}), flush=True)
            told = trained(features, folder / f"run{count}", options.steps, options.batch)
            print(json.dumps({"command": "train", "clips": count, **told}), flush=True)


if __name__ == "__main__":
    main()
