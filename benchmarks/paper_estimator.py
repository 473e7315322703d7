"""Seconds per stage of the estimator "paper" on an 8 s clip, with random weights.

    python benchmarks/paper_estimator.py                                  # tiny models, CPU
    python benchmarks/paper_estimator.py --size full --vlm 7B --device cuda --folder /tmp/paper
    python benchmarks/paper_estimator.py --video clip.mp4 --stages reconstructor,velocity

The real classes, saved and loaded as released weights are, but **no weight is trained**: a stage's
answer means nothing, so each stage is given what is true of the simulated clip (of a ``--video``:
what pavas-tiny sees) in place of the answer of the stage before. Florence-2 is run and timed on its
own; SAM-2 then follows the true boxes. The language model writes at most ``--answer-tokens`` tokens
(a real answer about two objects has 60 to 150); an answer that cannot be read is timed all the same,
and said. ``--size full`` has the released shapes: Qwen2.5-VL, Florence-2-large, SAM-2.1-large,
CUT3R. Loading is timed apart. ``--whole`` adds `PhysicsEstimator.estimate` in one go.
"""

from __future__ import annotations

import argparse
import json
import platform
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from pavas_cut3r import Cut3RReconstructor
from pavas_florence_sam2 import FlorenceSam2Segmenter
from pavas_qwen_vl import AnswerError, QwenVLDetector, QwenVLMassEstimator
from random_paper_models import full_folders, tiny_folders

from pavas_sdk.media import open_video
from pavas_sdk.physics import CentroidVelocityEstimator, PhysicsEstimator
from pavas_sdk.simulation import SceneConfig, simulate

if TYPE_CHECKING:
    from collections.abc import Iterator

STAGES = ("detector", "mass", "segmenter", "reconstructor", "velocity")
SMALL: dict[str, dict[str, Any]] = {
    "qwen": {"max_frames": 8, "max_pixels": 16 * 28 * 28},
    "segmenter": {"num_beams": 1, "max_new_tokens": 12},
    "cut3r": {"size": 64, "min_confidence": 0.0},
}


class Clock:
    """Wall and processor seconds per stage; work on a GPU is waited for."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.rows: list[dict[str, Any]] = []

    @contextmanager
    def __call__(self, stage: str, given: str) -> Iterator[dict[str, Any]]:
        """Time a stage; what is put into the dictionary is printed with it."""
        row: dict[str, Any] = {"stage": stage, "given": given, "came out": ""}
        self._wait()
        wall, cpu = time.perf_counter(), time.process_time()
        yield row
        self._wait()
        row["wall_s"], row["cpu_s"] = time.perf_counter() - wall, time.process_time() - cpu
        self.rows.append(row)

    def _wait(self) -> None:
        if self._device != "cpu":
            torch.cuda.synchronize()


class TruthBoxes(FlorenceSam2Segmenter):
    """Runs Florence-2 as ever, and then goes on from given boxes."""

    boxes: dict[int, tuple[float, tuple[float, float, float, float]]]
    clock: Clock

    def _places(self, video: Any, things: Any) -> Any:
        """Ground every object, and return the given places."""
        given = f"{len(things)} descriptions"
        with self.clock("segmenter: Florence-2", given) as row:
            found = super()._places(video, things)
            row["came out"] = f"boxes of {len(found)} objects, not used"
        return {thing.object_id: self.boxes[thing.object_id] for thing in things}


def clip(options: argparse.Namespace) -> tuple[Any, Any, Any, Any, str]:
    """The video, its objects, masks and points, and what they are."""
    if options.video:
        source = open_video(options.video)
        seen = PhysicsEstimator(timeout_s=None).estimate(source)
        things = [entry.object for entry in seen.physics]
        return source, things, seen.masks, seen.reconstruction, "what pavas-tiny sees"
    simulation = simulate(
        options.seed,
        SceneConfig(
            duration_s=options.seconds,
            fps=options.fps,
            width=options.width,
            height=round(options.width * 9 / 32) * 2,
            blur_samples=1,
            compression=False,
            sample_rate_hz=4000,
        ),
    )
    clip = simulation.clip
    return clip.source, clip.objects, clip.masks, simulation.reconstruction(), "the truth"


def first_box(track: Any) -> tuple[float, tuple[float, float, float, float]]:
    """When and where an object is seen first, as fractions of the picture."""
    frame = int(np.flatnonzero(track.visible)[0])
    rows, columns = np.nonzero(track.masks[frame])
    height, width = track.masks.shape[1:]
    box = (columns.min() / width, rows.min() / height)
    end = ((columns.max() + 1) / width, (rows.max() + 1) / height)
    return float(track.times_s[frame]), (*map(float, box), *map(float, end))  # type: ignore[return-value]


def counted(engine: Any) -> list[tuple[int, int]]:
    """Note how many tokens every answer of the model reads and writes."""
    tokens: list[tuple[int, int]] = []
    generate = engine.model.generate

    def counting(**inputs: Any) -> Any:
        answer = generate(**inputs)
        read = inputs["input_ids"].shape[1]
        tokens.append((read, answer.shape[1] - read))
        return answer

    engine.model.generate = counting
    return tokens


def components(options: argparse.Namespace, clock: Clock) -> dict[str, Any]:
    """The components, loaded."""
    tiny = options.size == "tiny"
    if tiny:
        folders = tiny_folders()
    else:
        folders = full_folders(
            options.folder, vlm=options.vlm, device=options.device, dtype=options.dtype
        )
    qwen = {"model": folders["qwen"], "dtype": options.dtype, "grammar": "required", "retries": 0}
    qwen |= {"max_new_tokens": options.answer_tokens, **(SMALL["qwen"] if tiny else {})}
    small = SMALL if tiny else {"segmenter": {}, "cut3r": {}}
    half = "float32" if tiny or options.dtype == "float32" else "bfloat16"
    parts: dict[str, Any] = {
        "detector": QwenVLDetector(**qwen),
        "mass": QwenVLMassEstimator(**qwen),
        "segmenter": TruthBoxes(
            florence=folders["florence"],
            sam2=folders["sam2"],
            dtype=options.dtype,
            **small["segmenter"],
        ),
        "reconstructor": Cut3RReconstructor(
            weights=folders["cut3r"], block_dtype=half, **small["cut3r"]
        ),
        "velocity": CentroidVelocityEstimator(),
    }
    loads = {"detector": "engine", "mass": "engine", "segmenter": "models"}
    loads["reconstructor"] = "model"
    for stage in options.stages:
        parts[stage].to(options.device)
        if stage in loads:
            with clock(f"loading: {stage}", "files") as row:
                getattr(parts[stage], loads[stage])()
                row["came out"] = "shared with the detector" if stage == "mass" else ""
    return parts


def run(options: argparse.Namespace, clock: Clock) -> str:
    """Time the stages that were asked for; return what the clip was."""
    source, things, masks, points, truth = clip(options)
    parts = components(options, clock)
    rng = np.random.default_rng(0)
    many = f"{len(things)} objects"
    frames = len(next(iter(masks.values())).times_s)
    for stage in options.stages:
        if stage in ("detector", "mass"):
            talk(parts[stage], stage, source, things, rng, clock)
        elif stage == "segmenter":
            part = parts[stage]
            part.clock, part.boxes = clock, {key: first_box(t) for key, t in masks.items()}
            with clock("segmenter: SAM-2", f"{many}, {frames} frames, {truth}") as row:
                tracks = part.segment(source, things, rng=rng)
                row["came out"] = f"masks of {len(tracks)}"
            grounding = next(r for r in clock.rows if r["stage"] == "segmenter: Florence-2")
            for unit in ("wall_s", "cpu_s"):
                row[unit] -= grounding[unit]
        elif stage == "reconstructor":
            with clock(stage, f"{frames} frames, {truth}") as row:
                answer = parts[stage].reconstruct(source, objects=things, masks=masks, rng=rng)
                row["came out"] = f"{answer.points_m.shape[2]} x {answer.points_m.shape[1]} points"
        else:
            with clock(stage, f"masks and points, {truth}") as row:
                paths = parts[stage].estimate_velocity(things, masks, points, rng=rng)
                row["came out"] = f"{len(paths)} paths"
    if options.whole:
        whole(parts, source, clock)
    picture = f"{source.width} x {source.height}, {source.frame_rate_hz:.3g} frames/s"
    return f"{options.video or 'simulated'}: {source.duration_s:.2f} s, {picture}, {many}"


def talk(part: Any, stage: str, source: Any, things: Any, rng: Any, clock: Clock) -> None:
    """Time a question to the language model, whether or not its answer can be read."""
    tokens = counted(part.engine())
    with clock(stage, "the video" if stage == "detector" else f"{len(things)} objects") as row:
        try:
            if stage == "detector":
                said = f"{len(part.detect(source, rng=rng))} objects"
            else:
                said = f"{len(part.estimate_mass(source, things, rng=rng))} masses"
        except AnswerError:
            said = "an answer that cannot be read"
        read, written = (sum(column) for column in zip(*tokens, strict=True))
        row["came out"] = f"{said}; {read} tokens read, {written} written"
    del part.engine().model.generate


def whole(parts: dict[str, Any], source: Any, clock: Clock) -> None:
    """The estimator in one go, every stage on the answers of the one before."""
    estimator = PhysicsEstimator.from_name(
        "paper",
        moving_object_detector=parts["detector"],
        segmenter=FlorenceSam2Segmenter(parts["segmenter"].config),
        reconstructor=parts["reconstructor"],
        mass_estimator=parts["mass"],
        timeout_s=None,
        on_error="partial",
    )
    with clock("whole, in one go", "the video") as row:
        result = estimator.estimate(source)
        row["came out"] = f"{len(result.physics)} objects, {len(result.physics.notes)} notes"


def report(options: argparse.Namespace, clock: Clock, about: dict[str, Any]) -> None:
    """Print the table, or JSON."""
    if options.json:
        print(json.dumps({"about": about, "rows": clock.rows}, indent=1))
        return
    for key, value in about.items():
        print(f"{key:16} {value}")
    print("\n| stage | given | came out | processor seconds | wall seconds |")
    print("|---|---|---|---|---|")
    for row in clock.rows:
        figures = f"{row['cpu_s']:.2f} | {row['wall_s']:.2f}"
        print(f"| {row['stage']} | {row['given']} | {row['came out']} | {figures} |")


def main() -> None:
    """Parse options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--size", choices=("tiny", "full"), default="tiny")
    parser.add_argument("--vlm", choices=("3B", "7B"), default="7B", help="with --size full")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="default: float32 on CPU")
    parser.add_argument("--folder", type=Path, default=Path("random-paper-models"))
    parser.add_argument("--video", help="a file in place of a simulated clip")
    parser.add_argument("--seconds", type=float, default=8.0, help="of the simulated clip")
    parser.add_argument("--fps", type=float, default=25.0)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--stages", default=",".join(STAGES))
    parser.add_argument("--answer-tokens", type=int, default=160)
    parser.add_argument("--whole", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.dtype = options.dtype or ("float32" if options.device == "cpu" else "bfloat16")
    options.stages = [stage for stage in STAGES if stage in options.stages.split(",")]
    if options.whole and len(options.stages) < len(STAGES):
        parser.error("--whole needs all stages")
    clock = Clock(options.device)
    video = run(options, clock)
    import transformers

    stages = [row for row in clock.rows if row["stage"].partition(":")[0] in STAGES]
    total = {unit: sum(row[unit] for row in stages) for unit in ("cpu_s", "wall_s")}
    clock.rows.append({"stage": "total without loading", "given": "", "came out": "", **total})
    gpu = options.device != "cpu"
    about = {
        "video": video,
        "weights": "random, " + ("tiny" if options.size == "tiny" else f"full, {options.vlm}"),
        "device": torch.cuda.get_device_name() if gpu else platform.processor() or "cpu",
        "dtype": options.dtype,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "peak_rss_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    if gpu:
        about["peak_gpu_mb"] = round(torch.cuda.max_memory_allocated() / 2**20)
    report(options, clock, about)


if __name__ == "__main__":
    main()
