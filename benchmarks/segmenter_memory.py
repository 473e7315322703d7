"""Memory of pavas-florence-sam2 over the length of a video: it must not grow after the first window.

    python benchmarks/segmenter_memory.py [--engine transformers|sam2] [--frames 250 500 1000] [--json]

Tiny random weights of the real classes (those of the plugin's tests), one object, frames made when
they are read. Each length runs in a process of its own. The real models hold more per frame, by a
factor that does not depend on the length.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

TESTS = Path(__file__).parents[1] / "plugins" / "pavas-florence-sam2" / "tests"
FPS = 25.0
SIDE = (48, 64)


def rss_mb() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


class Rolling:
    """A frame source that holds nothing: a disc rolls over a dark wall."""

    source = None
    frame_rate_hz = FPS
    height, width = SIDE
    time_scale = 1.0

    def __init__(self, frames: int) -> None:
        self.count = frames
        self.duration_s = frames / FPS
        self.rss_mb: list[float] = []

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: Any = None,
        max_side: Any = None,
    ) -> Any:
        """Return native frames, and note how much memory is in use."""
        self.rss_mb.append(rss_mb())
        end = self.duration_s if end_s is None else end_s
        return self._at(np.arange(self.count) / FPS, start_s, end)

    def frames_at(self, times_s: Any, *, max_side: Any = None) -> Any:
        """Return the frames at the given times."""
        times = np.atleast_1d(np.asarray(times_s, dtype=np.float64))
        return self._at(times, 0.0, float("inf"))

    def _at(self, times: Any, start_s: float, end_s: float) -> Any:
        from pavas_sdk.data import Video

        times = times[(times >= start_s - 1e-6) & (times < end_s - 1e-6)]
        rows, columns = np.mgrid[: SIDE[0], : SIDE[1]]
        frames = np.full((times.size, *SIDE, 3), 40, dtype=np.uint8)
        for frame, time_s in zip(frames, times, strict=True):
            x = 32 + 20 * np.sin(time_s)
            frame[(rows - 24) ** 2 + (columns - x) ** 2 < 60] = 230
        return Video(frames=frames, times_s=times, end_s=float(times[-1]) + 1 / FPS)


def measure(engine: str, frames: int) -> dict[str, Any]:
    """Segment one video in this process."""
    sys.path.insert(0, str(TESTS))
    import torch
    from pavas_florence_sam2 import FlorenceSam2Segmenter
    from tiny_models import OVERRIDES, tiny_florence, tiny_package_weights, tiny_sam2

    from pavas_sdk.data import MovingObject

    torch.set_num_threads(1)
    options: dict[str, Any] = {"sam2": str(tiny_sam2())}
    if engine == "sam2":
        options = {"sam2": "tiny", "sam2_weights": str(tiny_package_weights())}
        options["sam2_overrides"] = OVERRIDES
    part = FlorenceSam2Segmenter(
        florence=str(tiny_florence()), engine=engine, num_beams=1, max_new_tokens=12, **options
    )
    part.models()
    video = Rolling(frames)
    things = [
        MovingObject(object_id=n, label=label) for n, label in enumerate(("white ball", "dog"))
    ]
    started = time.perf_counter()
    tracks = part.segment(video, things, rng=np.random.default_rng(0))
    after = [*video.rss_mb[2:], rss_mb()]  # the second read comes when the first window is done
    return {
        "engine": engine,
        "frames": frames,
        "objects": len(tracks),
        "first_window_mb": round(video.rss_mb[1], 1),
        "most_after_mb": round(max(after), 1),
        "growth_percent": round(100 * (max(after) / video.rss_mb[1] - 1), 1),
        "seconds": round(time.perf_counter() - started, 1),
    }


def main() -> None:
    """Measure each length in a process of its own and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="transformers", choices=("transformers", "sam2"))
    parser.add_argument("--frames", type=int, nargs="+", default=[250, 500, 1000])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(json.dumps(measure(given.engine, given.frames[0])))
        return
    rows = []
    for frames in given.frames:
        command = [sys.executable, __file__, "--here", "--engine", given.engine]
        done = subprocess.run(
            [*command, "--frames", str(frames)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            sys.exit(done.stderr)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    if given.json:
        print(json.dumps(rows))
        return
    print("frames  after 1st window  most after that  growth   seconds")
    for row in rows:
        print(
            f"{row['frames']:>6}  {row['first_window_mb']:>13} MB  {row['most_after_mb']:>12} MB  "
            f"{row['growth_percent']:>5} %  {row['seconds']:>8}"
        )


if __name__ == "__main__":
    main()
