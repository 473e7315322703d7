"""``pavas generate``: the sound of videos, stills and texts, with its physics and provenance."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.estimator_options import EstimatorChoice, estimator_options, take_choice
from pavas_sdk.cli.generate_files import Outputs, plan_outputs, writing
from pavas_sdk.cli.generate_inputs import SoundInput, read_inputs
from pavas_sdk.cli.output import json_option, say, show_json
from pavas_sdk.errors import ConfigurationError, PavasError, PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pavas_sdk.pipelines import PavasOutput, PavasPipeline

__all__ = ["generate", "load_pipeline"]

_DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """What is the same for all videos of a run."""

    prompt: str
    negative_prompt: str
    physics: str | None
    masses_kg: Mapping[str, float]
    speed_factors: Mapping[str, float]
    seed: int
    steps: int | None
    guidance: float | None
    video_guidance: float | None
    physics_guidance: float | None
    time_scale: float
    waveforms: int
    normalize: float | None
    mux: bool
    cache: bool | Path | None


def _pairs(name: str) -> Callable[..., dict[str, float]]:
    """Return a click callback that reads ID=NUMBER."""

    def read(
        ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
    ) -> dict[str, float]:
        del ctx, param
        pairs: dict[str, float] = {}
        for value in values:
            key, equals, number = value.rpartition("=")
            try:
                pairs[key.strip()] = float(number)
            except ValueError as err:
                raise click.BadParameter(f"expected {name}, got {value!r}") from err
            if not equals or not key.strip():
                raise click.BadParameter(f"expected {name}, got {value!r}")
        return pairs

    return read


@click.command()
@click.argument("paths", nargs=-1, metavar="[VIDEO|PICTURE]...", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("out"),
    show_default=True,
    help="Folder for the results; made when missing.",
)
@click.option(
    "--model", default=None, help="Preset, folder or Hub repository; default: pavas-tiny."
)
@click.option("--prompt", default="", help="What is to be heard.")
@click.option("--negative-prompt", default="", help="What is not to be heard.")
@click.option(
    "--duration",
    "duration_s",
    type=float,
    metavar="S",
    help="Length of the sound in seconds: for text alone and for pictures, where it is needed. A "
    "video has its own.",
)
@click.option(
    "--physics",
    default=None,
    metavar="FILE|none",
    help="Use this physics JSON instead of estimating; none: no physics at all.",
)
@click.option(
    "--mass",
    "masses_kg",
    multiple=True,
    metavar="ID=KG",
    callback=_pairs("ID=KG"),
    help="Mass of an object (by number or label), in kilograms. May be repeated.",
)
@click.option(
    "--speed-factor",
    "speed_factors",
    multiple=True,
    metavar="ID=F",
    callback=_pairs("ID=F"),
    help="Multiply an object's speed. May be repeated.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of the noise; waveform k of a video uses seed + k.",
)
@click.option("--steps", type=click.IntRange(1), help="Euler steps; default: the model's.")
@click.option(
    "--guidance",
    type=float,
    help="Guidance scale; of a model with two weights it sets both. Default: the model's.",
)
@click.option(
    "--video-guidance", type=float, help="Weight of the pictures alone; default: the model's."
)
@click.option(
    "--physics-guidance", type=float, help="Weight of physics and text; default: the model's."
)
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    help="Slow motion: how many times slower than life the video plays.",
)
@estimator_options
@click.option(
    "--waveforms", type=click.IntRange(1), default=1, show_default=True, help="Sounds per video."
)
@click.option(
    "--normalize",
    type=float,
    metavar="PEAK_DB",
    help="Bring the peak to this level; the gain is recorded. Default: leave the level.",
)
@click.option("--no-mux", is_flag=True, help="Do not write a video with the sound.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--device", default="cpu", show_default=True, help="torch device.")
@click.option("--dtype", type=click.Choice(_DTYPES), default="float32", show_default=True)
@json_option
def generate(
    paths: tuple[Path, ...],
    out: Path,
    model: str | None,
    duration_s: float | None,
    no_mux: bool,
    overwrite: bool,
    device: str,
    dtype: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Make the sound of silent videos, of still pictures, or from text alone.

    For NAME.mp4 this writes NAME.wav, NAME.mp4 (the pictures copied, with the new sound),
    NAME.pavas.json (how it was made) and NAME.physics.json (edit it and give it back with
    --physics). Of several videos, those whose results exist are left out, so that an interrupted
    run can be repeated.

    A picture (pavas generate street.jpg --duration 8) or a text alone (pavas generate --prompt
    "rain on a tin roof" --duration 8) needs a duration and has no physics; the results are a .wav
    and its .pavas.json.
    """
    choice = take_choice(options)
    request = _Request(mux=not no_mux, cache=choice.cache, **options)
    _check(request, paths)
    inputs = read_inputs(paths, prompt=request.prompt, duration_s=duration_s)
    _check_without_video(request, inputs, choice)
    todo, kept = plan_outputs(
        inputs,
        out,
        waveforms=request.waveforms,
        mux=request.mux,
        overwrite=overwrite,
        physics_given=request.physics not in (None, "none"),
    )
    for outputs in kept:
        say(f"{outputs.source}: results exist in {out}, kept (--overwrite replaces them)")
    results, failed = [], 0
    if todo:
        pipe = load_pipeline(model, device, dtype, choice)
        for outputs in todo:
            try:
                results.append(_one(pipe, outputs, request))
            except PavasError as err:
                if len(inputs) == 1:
                    raise
                failed += 1
                say(f"Error: {outputs.source}: {err}")
    if as_json:
        show_json({"results": results, "kept": [str(o.source) for o in kept], "failed": failed})
    else:
        for result in results:
            for path in result["files"]:
                click.echo(path)
    if failed:
        what = "pictures" if inputs[0].kind == "image" else "videos"
        say(f"{failed} of {len(inputs)} {what} failed.")
    return 2 if failed else 0


def _check(request: _Request, paths: tuple[Path, ...]) -> None:
    """Find what cannot work before anything is loaded.

    Raises:
        ConfigurationError: Options that exclude each other, or a number that is impossible.
        PhysicsInputError: A mass or factor that is not above 0.
    """
    from math import isfinite

    for name, values in (("--mass", request.masses_kg), ("--speed-factor", request.speed_factors)):
        for key, value in values.items():
            if not (isfinite(value) and value > 0):
                raise PhysicsInputError(f"{name} {key}={value:g}: expected a number above 0")
    if not (isfinite(request.time_scale) and request.time_scale > 0):
        raise ConfigurationError(f"--time-scale must be above 0, got {request.time_scale:g}")
    if request.physics not in (None, "none"):
        assert request.physics is not None
        if len(paths) > 1:
            raise ConfigurationError(
                f"--physics {request.physics} belongs to one video, but {len(paths)} are given; "
                "run them one by one"
            )
        if not Path(request.physics).expanduser().is_file():
            raise ConfigurationError(
                f"no such physics file: {request.physics}; make one with: "
                f"pavas estimate {paths[0] if paths else 'VIDEO'} -o {request.physics}"
            )
    if request.physics == "none" and (request.masses_kg or request.speed_factors):
        raise ConfigurationError("--physics none leaves nothing for --mass or --speed-factor")
    if request.normalize is not None and not (
        isfinite(request.normalize) and request.normalize <= 0
    ):
        raise ConfigurationError(f"--normalize must be 0 dBFS or below, got {request.normalize:g}")


def _check_without_video(
    request: _Request, inputs: tuple[SoundInput, ...], choice: EstimatorChoice
) -> None:
    """Refuse what acts on a video's physics where there is no video to take it from.

    Raises:
        ConfigurationError: Such options are given; all are named.
    """
    if all(one.kind == "video" for one in inputs):
        return
    text = inputs[0].kind == "text"
    given = request.physics not in (None, "none")
    edits = bool(request.masses_kg or request.speed_factors)
    named = {
        f"--physics {request.physics}": text and given,
        "--mass": bool(request.masses_kg) and (text or not given),
        "--speed-factor": bool(request.speed_factors) and (text or not given),
        "--time-scale": request.time_scale != 1.0,
        "--estimator": choice.name is not None,
        "--scale and --set": bool(choice.settings),
        **{f"--{slot.replace('_', '-')}": True for slot in choice.slots},
    }
    wrong = [name for name, there in named.items() if there]
    if wrong:
        raise ConfigurationError(
            f"{', '.join(wrong)}: {'a text' if text else 'a still picture'} shows nothing that "
            f"moves, so there is no physics to estimate or change; leave "
            f"{'it' if len(wrong) == 1 else 'them'} out"
            + (", or give a whole estimate with --physics FILE" if edits and not text else "")
        )


def load_pipeline(
    model: str | None, device: str, dtype: str, choice: EstimatorChoice
) -> PavasPipeline:
    """Return the model with the chosen estimator, ready on its device.

    Raises:
        ComponentError: Plugins are missing, or a name is unknown.
        ConfigurationError: The device cannot be used, or a setting does not exist.
        WeightsError: There is no such model.
    """
    import torch
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.registry import DEFAULTS

    disable_progress_bar()
    name = DEFAULTS["pipeline"] if model is None else model
    given: dict[str, Any] = dict(choice.slots)
    if choice.name is not None:
        given["physics_estimator"] = choice.name
    pipe: PavasPipeline = PavasPipeline.from_pretrained(name, dtype=getattr(torch, dtype), **given)
    if choice.settings or choice.timeout_s is not None:
        if pipe.physics_estimator is None:
            raise ConfigurationError(
                f"{name} has no physics estimator, so --scale, --set and --timeout have nothing to act on; "
                "choose one with --estimator"
            )
        pipe.physics_estimator = choice.with_settings(pipe.physics_estimator)
    if device != "cpu":
        try:
            pipe.to(device)
        except (RuntimeError, AssertionError) as err:
            raise ConfigurationError(
                f"--device {device} cannot be used here: {err}; leave it out to use the CPU"
            ) from err
    pipe.set_progress_bar_config(
        desc="Denoising", unit="step", leave=False, disable=not sys.stderr.isatty()
    )
    return pipe


def _one(pipe: PavasPipeline, outputs: Outputs, request: _Request) -> dict[str, Any]:
    """Generate and write the sounds of one video, picture or text."""
    import torch

    generators = [
        torch.Generator().manual_seed(request.seed + index) for index in range(request.waveforms)
    ]
    with _opened(outputs.source, request) as clip:
        result = pipe(
            **clip,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            physics=_physics(request),
            cache=request.cache,
            num_inference_steps=request.steps,
            guidance_scale=request.guidance,
            video_guidance_scale=request.video_guidance,
            physics_guidance_scale=request.physics_guidance,
            num_waveforms_per_video=request.waveforms,
            generator=generators,
        )
    sounds = list(result)
    if request.normalize is not None:
        sounds = [one.normalized(request.normalize) for one in sounds]
    with writing(outputs) as paths:
        if paths.physics is not None:
            sounds[0].save_physics(paths.physics)
        for one, sound in zip(sounds, paths.sounds, strict=True):
            one.save(sound.audio)
            if sound.video is not None:
                one.mux(sound.video)
    _report(sounds[0], outputs)
    source = outputs.source
    return {
        "input": source.kind,
        "video": str(source.path) if source.kind == "video" else None,
        "image": str(source.path) if source.kind == "image" else None,
        "files": [str(path) for path in outputs.all()],
        "physics": sounds[0].physics.to_json(),
        "peak_dbfs": [_decibels(one.audio.peak_dbfs) for one in sounds],
        "gain_db": [one.audio.gain_db for one in sounds],
    }


@contextmanager
def _opened(one: SoundInput, request: _Request) -> Iterator[dict[str, Any]]:
    """Open what the sound is for, say what it is, and yield the pipeline's arguments for it."""
    from pavas_sdk.media import open_video

    if one.kind == "text":
        say(f"text alone, {one.duration_s:.2f} s: {request.prompt}")
        yield {"duration_s": one.duration_s}
    elif one.kind == "image":
        say(f"{one.path}: still picture, {one.duration_s:.2f} s")
        yield {"image": one.path, "duration_s": one.duration_s}
    else:
        assert one.path is not None
        with open_video(one.path, time_scale=request.time_scale) as source:
            say(
                f"{one.path}: {source.duration_s:.2f} s, {source.width} x {source.height}, "
                f"{source.frame_rate_hz:.3g} frames/s"
            )
            yield {"video": source}


def _physics(request: _Request) -> Any:
    """Return what to give the pipeline as ``physics=``."""
    from pavas_sdk.physics import load_overrides
    from pavas_sdk.pipelines.physics_input import read_physics

    if not request.masses_kg and not request.speed_factors:
        return request.physics
    document = {
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


def _report(one: PavasOutput, outputs: Outputs) -> None:
    """Say what was seen and where the results are."""
    physics, provenance = one.physics, one.provenance
    if outputs.physics is not None:  # else the notes say that there was none
        for line in str(physics).splitlines():
            say(f"  {line}")
    impacts = physics.impacts()
    if impacts:
        shown = ", ".join(f"{hit.time_s:.2f} s" for hit in impacts[:12])
        say(f"  impacts at {shown}{' ...' if len(impacts) > 12 else ''}")
    for note in provenance["notes"]:
        say(f"  note: {note}")
    audio = one.audio
    gain = f", gain {audio.gain_db:+.1f} dB" if audio.gain_db else ""
    say(f"  sound: {audio.duration_s:.2f} s, peak {audio.peak_dbfs:.1f} dBFS{gain}")
    say(f"  in {outputs.folder}: {', '.join(path.name for path in outputs.all())}")


def _decibels(value: float) -> float | None:
    return None if value == float("-inf") else round(value, 2)
