"""Making the sounds of a plan one after the other: what happens to one harms no other."""

from __future__ import annotations

import traceback
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pavas_sdk.cli.output import say
from pavas_sdk.data.claims import ClaimedError
from pavas_sdk.errors import ConfigurationError, PavasError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pavas_sdk.data import Audio, MaskTrack
    from pavas_sdk.pipelines import PavasOutput, PavasPipeline
    from pavas_sdk.pipelines.level import Level
    from pavas_sdk.pipelines.result_files import ResultFiles, SoundInput
    from pavas_sdk.pipelines.result_plan import ResultPlan

__all__ = ["Report", "Request", "make_all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is the same for all videos of a run."""

    prompt: str
    negative_prompt: str
    physics: str | None
    labels: Mapping[str, str]
    masses_kg: Mapping[str, float]
    speed_factors: Mapping[str, float]
    seed: int
    steps: int | None
    guidance: float | None
    video_guidance: float | None
    physics_guidance: float | None
    time_scale: float
    waveforms: int
    level: Level | None
    normalize: float | None
    cache: bool | Path | None
    start_s: float = 0.0
    end_s: float | None = None

    @property
    def edits(self) -> bool:
        """Whether labels, masses or speeds are given by hand."""
        return bool(self.labels or self.masses_kg or self.speed_factors)

    @property
    def part(self) -> dict[str, float | None]:
        """Which part of a video is used, as arguments of `open_video`."""
        length = None if self.end_s is None else self.end_s - self.start_s
        return {"start_s": self.start_s, "duration_s": length}


@dataclass(slots=True)
class Report:
    """What became of every input.

    Attributes:
        results: Facts of each that was made, ready for JSON.
        kept: Inputs whose results were there, or that another process makes.
        failures: Inputs that failed, and why.
    """

    results: list[dict[str, Any]] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)

    def fail(self, source: SoundInput, why: str) -> None:
        """Note that an input failed, and say so."""
        self.failures.append((str(source), why))
        named = why.startswith(str(source))  # as what cannot be read is
        say(f"Error: {why}" if named else f"Error: {source}: {why}")

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "results": self.results,
            "kept": self.kept,
            "failed": len(self.failures),
            "failures": [{"input": name, "error": why} for name, why in self.failures],
        }

    def close(self, inputs: Sequence[SoundInput]) -> int:
        """Say what is missing and return the exit code: 2 for inputs that failed, 1 for files."""
        missing = [name for result in self.results for name in result["not_written"]]
        if self.failures:
            what = "pictures" if inputs[0].kind == "image" else "videos"
            names = ", ".join(name for name, _ in self.failures)
            say(f"{len(self.failures)} of {len(inputs)} {what} failed: {names}")
            return 2
        return 1 if missing else 0


def make_all(
    plan: ResultPlan, request: Request, load: Callable[[], PavasPipeline], *, alone: bool
) -> Report:
    """Make what a plan says; the model is loaded when there is something to make.

    Args:
        plan: What is to be made.
        request: How.
        load: Returns the model.
        alone: There is one input: its error is the answer.

    Raises:
        PavasError: The model cannot be loaded, or the only input failed.
    """
    report = Report(kept=[str(files.source) for files, _ in plan.kept])
    for source, error in plan.refused:
        report.fail(source, str(error))
    pipe = load() if plan.todo else None
    for files in plan.todo:
        assert pipe is not None
        try:
            report.results.append(_one(pipe, files, request))
        except KeyboardInterrupt:
            raise
        # whatever happens to one video, the others are made
        except BaseException as err:
            if alone:
                raise
            if isinstance(err, ClaimedError):
                say(f"{files.source}: left to another process, which makes it just now")
                report.kept.append(str(files.source))
                continue
            if not isinstance(err, PavasError):
                traceback.print_exception(err)
            known = isinstance(err, PavasError)
            report.fail(files.source, str(err) if known else f"{type(err).__name__}: {err}")
    return report


def _one(pipe: PavasPipeline, files: ResultFiles, request: Request) -> dict[str, Any]:
    """Generate and write the sounds of one video, picture or text."""
    from pavas_sdk.pipelines.result_writing import claim_results

    with claim_results(files) as writer:
        sounds, stems = _sounds(pipe, files, request)
        written = writer.write(sounds, stems)
    _report(sounds[0], files, written.files)
    if written.kept_aside is not None:
        say(f"  note: {files.stem}.physics.json was edited; kept as {written.kept_aside.name}")
    for name, why in written.not_written.items():
        say(f"Error: {name} was not written, the sound is kept: {why}")
    source = files.source
    return {
        "input": source.kind,
        "video": str(source.path) if source.kind == "video" else None,
        "image": str(source.path) if source.kind == "image" else None,
        "files": [str(path) for path in written.files],
        "not_written": dict(written.not_written),
        "physics": sounds[0].physics.to_json(),
        "peak_dbfs": [_decibels(one.audio.peak_dbfs) for one in sounds],
        "gain_db": [one.audio.gain_db for one in sounds],
        "level": sounds[0].provenance["level"],
    }


def _sounds(
    pipe: PavasPipeline, files: ResultFiles, request: Request
) -> tuple[list[PavasOutput], list[dict[int, Audio]]]:
    """The sounds, and for each of them those of the single objects where they are wanted."""
    settings: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "num_inference_steps": request.steps,
        "guidance_scale": request.guidance,
        "video_guidance_scale": request.video_guidance,
        "physics_guidance_scale": request.physics_guidance,
    }
    with _opened(files.source, request) as clip:
        result = pipe(
            **clip,
            **settings,
            physics=_physics(request),
            cache=request.cache,
            level=request.level,
            num_waveforms_per_video=request.waveforms,
            seed=request.seed,
        )
        sounds = list(result)
        if request.normalize is not None:
            sounds = [one.normalized(request.normalize) for one in sounds]
        stems = _stems(pipe, clip, settings, sounds, request.seed) if files.stems else []
    return sounds, stems


def _stems(
    pipe: PavasPipeline,
    clip: dict[str, Any],
    settings: dict[str, Any],
    sounds: Sequence[PavasOutput],
    seed: int,
) -> list[dict[int, Audio]]:
    """The sound of each object in each sound: made again with the others left out, same noise."""
    from pavas_sdk.pipelines.stems import pipeline_stems

    physics = sounds[0].physics
    if len(physics) > 1:
        say(f"  stems: {len(physics) * len(sounds)} more sounds, one per object")
    masks: dict[int, MaskTrack] = {}
    estimator = pipe.physics_estimator
    if len(physics) > 1 and estimator is not None and "video" in clip:
        masks, _ = estimator.segment(clip["video"], physics)

    return [
        pipeline_stems(
            pipe,
            one.audio,
            physics,
            seed=seed + index,
            masks=masks if "video" in clip else None,
            **clip,
            **settings,
        )
        for index, one in enumerate(sounds)
    ]


@contextmanager
def _opened(one: SoundInput, request: Request) -> Iterator[dict[str, Any]]:
    """Open what the sound is for, say what it is, and yield the pipeline's arguments for it."""
    from pavas_sdk.data.short_text import short_text
    from pavas_sdk.media import open_video

    if one.kind == "text":
        say(f"text alone, {one.duration_s:.2f} s: {short_text(request.prompt)}")
        yield {"duration_s": one.duration_s}
    elif one.kind == "image":
        say(f"{one.path}: still picture, {one.duration_s:.2f} s")
        yield {"image": one.path, "duration_s": one.duration_s}
    else:
        assert one.path is not None
        part: dict[str, Any] = dict(request.part)
        with open_video(one.path, time_scale=request.time_scale, fps=one.fps, **part) as source:
            say(
                f"{one.path}: {source.duration_s:.2f} s, {source.width} x {source.height}, "
                f"{source.frame_rate_hz:.3g} frames/s"
            )
            yield {"video": source}


def _physics(request: Request) -> Any:
    """Return what to give the pipeline as ``physics=``."""
    from pavas_sdk.physics import load_overrides
    from pavas_sdk.pipelines.physics_input import read_physics

    if not request.edits:
        return request.physics
    document = {
        "labels": dict(request.labels),
        "masses_kg": dict(request.masses_kg),
        "speeds": {key: {"factor": factor} for key, factor in request.speed_factors.items()},
    }
    if request.physics is None:
        return document
    given = read_physics(request.physics).given
    if given is None:
        raise ConfigurationError(
            f"{request.physics} holds overrides; put the masses of --mass into it, or leave one out"
        )
    return load_overrides(document).apply(given)


def _report(one: PavasOutput, files: ResultFiles, written: Sequence[Path]) -> None:
    """Say what was seen and where the results are."""
    physics, provenance = one.physics, one.provenance
    if files.physics is not None:  # else the notes say that there was none
        for line in str(physics).splitlines():
            say(f"  {line}")
    impacts = physics.impacts()
    if impacts:
        shown = ", ".join(f"{hit.time_s:.2f} s" for hit in impacts[:12])
        say(f"  impacts at {shown}{' ...' if len(impacts) > 12 else ''}")
    for note in (*provenance["notes"], *files.notes):
        say(f"  note: {note}")
    audio = one.audio
    gain = f", gain {audio.gain_db:+.1f} dB" if audio.gain_db else ""
    gain += " (audible level)" if provenance["level"] == "audible" else ""
    say(f"  sound: {audio.duration_s:.2f} s, peak {audio.peak_dbfs:.1f} dBFS{gain}")
    say(f"  in {files.folder}: {', '.join(path.name for path in written)}")


def _decibels(value: float) -> float | None:
    return None if value == float("-inf") else round(value, 2)
