"""``pavas generate``: the sound of videos, stills and texts, with its physics and provenance."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.engine_options import engine_options, take_engine
from pavas_sdk.cli.estimator_options import EstimatorChoice, estimator_options, take_choice
from pavas_sdk.cli.generate_inputs import SoundInput, read_inputs
from pavas_sdk.cli.generate_run import Request, make_all
from pavas_sdk.cli.model_options import AddedWeights, added_weights_options, take_added_weights
from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.cli.sound_options import sound_options, take_writing
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, PhysicsInputError
from pavas_sdk.pipelines.result_plan import plan_results

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.pipelines.result_plan import ResultPlan

__all__ = ["generate", "load_pipeline"]

_DTYPES = ("float32", "bfloat16", "float16")


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


def _names(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Read ID=NAME."""
    del ctx, param
    names: dict[str, str] = {}
    for value in values:
        key, _, name = value.partition("=")
        if not key.strip() or not name.strip():
            raise click.BadParameter(f"expected ID=NAME, got {value!r}")
        names[key.strip()] = name.strip()
    return names


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
    "--model",
    default=None,
    shell_complete=complete_model,
    help="Preset, folder or Hub repository; default: pavas-tiny.",
)
@added_weights_options
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
    "--start",
    "start_s",
    type=click.FloatRange(0),
    default=0.0,
    metavar="S",
    help="Use a video from this second on; the written video keeps its length, silent elsewhere.",
)
@click.option("--end", "end_s", type=click.FloatRange(0), metavar="S", help="Up to this second.")
@click.option(
    "--fps",
    type=click.FloatRange(0, 100_000, min_open=True),
    help="Frames per second of a video whose own clock is wrong; it is then ignored.",
)
@click.option(
    "--physics",
    default=None,
    metavar="FILE|none",
    help="Use this physics JSON instead of estimating; none: no physics at all.",
)
@click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="ID=NAME",
    callback=_names,
    help="What an object is (0=hammer): the mass that such a thing usually has goes with it. May be "
    "repeated.",
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
    "--level",
    type=click.Choice(["audible", "physical"]),
    help="audible: one gain per clip, from the energy of its strongest impact; physical: the model's "
    "absolute scale, to compare clips. Default: audible, where the model's levels were measured.",
)
@click.option(
    "--normalize",
    type=float,
    metavar="PEAK_DB",
    help="Bring the peak to this level; the gain is recorded. Default: leave the level.",
)
@click.option(
    "--to",
    "container",
    type=click.Choice(("mp4", "mov", "mkv", "webm")),
    help="Container of the video with the sound; default: the source's own, or one that holds its "
    "pictures.",
)
@sound_options
@click.option("--no-mux", is_flag=True, help="Do not write a video with the sound.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
@click.option("--device", default="cpu", show_default=True, help="torch device.")
@click.option(
    "--dtype",
    type=click.Choice(_DTYPES),
    default="float32",
    show_default=True,
    help="Numbers that the model computes with; the shorter ones are for GPUs.",
)
@engine_options
@json_option
def generate(
    paths: tuple[Path, ...],
    out: Path,
    model: str | None,
    duration_s: float | None,
    fps: float | None,
    container: str | None,
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
    --physics). Of a folder, every video in it is taken, but not of folders within. Of several videos, those whose results exist are left out, so that an interrupted
    run can be repeated. With --workers N, or on a Ray cluster, so many are made at once.

    A picture (pavas generate street.jpg --duration 8) or a text alone (pavas generate --prompt
    "rain on a tin roof" --duration 8) needs a duration and has no physics; the results are a .wav
    and its .pavas.json.
    """
    choice, added = take_choice(options), take_added_weights(options)
    engine = take_engine(options, device=device, workers=0, time_limit_s=None)
    writing = take_writing(options)
    request = Request(cache=choice.cache, **options)
    _check(request, paths)
    if container is not None and no_mux:
        raise ConfigurationError(f"--no-mux leaves nothing for --to {container}; leave one out")
    if writing["mix_db"] is not None and no_mux:
        raise ConfigurationError("--no-mux leaves no video for --mix; leave one out")
    if writing["mix_db"] is not None and fps is not None:
        raise ConfigurationError(
            "--fps says that the video's clock is wrong, so its sound cannot be kept in step; leave "
            "--mix out"
        )
    if writing["stems"] and request.physics == "none":
        raise ConfigurationError("--physics none leaves no objects for --stems; leave one out")
    inputs = read_inputs(paths, prompt=request.prompt, duration_s=duration_s, fps=fps)
    _check_without_video(request, inputs, choice)
    planning: dict[str, Any] = {
        "waveforms": request.waveforms,
        "mux": not no_mux,
        "suffix": None if container is None else f".{container}",
        "physics_given": request.physics not in (None, "none"),
        **writing,
    }
    plan = plan_results(inputs, out, overwrite=overwrite, **planning)
    _say_plan(plan, out)
    if engine.workers:
        from pavas_sdk.cli.generate_jobs import make_all_by_workers

        report = make_all_by_workers(
            plan,
            request,
            engine,
            out=out,
            planning=planning,
            choice=choice,
            added=added,
            model=model,
            device=device,
            dtype=dtype,
        )
    else:
        report = make_all(
            plan,
            request,
            lambda: load_pipeline(model, device, dtype, choice, added),
            alone=len(inputs) == 1,
        )
    if as_json:
        show_json(report.to_json())
    else:
        for result in report.results:
            for path in result["files"]:
                show(path)
    return report.close(inputs)


def _say_plan(plan: ResultPlan, out: Path) -> None:
    if plan.recovered:
        say(f"an earlier run that was killed had these ready: {', '.join(plan.recovered)}")
    for files, remark in plan.kept:
        said = f" ({remark})" if remark else ""
        say(f"{files.source}: results exist in {out}, kept{said} (--overwrite replaces them)")


def _check(request: Request, paths: tuple[Path, ...]) -> None:
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
    from pavas_sdk.data.video import checked_time_scale

    checked_time_scale(request.time_scale, "--time-scale")
    if request.end_s is not None and not request.start_s < request.end_s:
        raise ConfigurationError(
            f"--end {request.end_s:g} must be behind --start {request.start_s:g}, in seconds"
        )
    if request.physics not in (None, "none"):
        assert request.physics is not None
        if len(paths) > 1:
            raise ConfigurationError(
                f"--physics {request.physics} belongs to one video, but {len(paths)} are given; "
                "run them one by one"
            )
        file = expanded(request.physics)
        if not request.physics.strip() or file.is_dir() or not file.exists():
            raise ConfigurationError(
                f"no such physics file: {request.physics}; make one with: "
                f"pavas estimate {paths[0] if paths else 'VIDEO'} -o {request.physics}"
            )
    if request.physics == "none" and request.edits:
        raise ConfigurationError(
            "--physics none leaves nothing for --label, --mass or --speed-factor"
        )
    if request.normalize is not None and not (
        isfinite(request.normalize) and request.normalize <= 0
    ):
        raise ConfigurationError(f"--normalize must be 0 dBFS or below, got {request.normalize:g}")


def _check_without_video(
    request: Request, inputs: tuple[SoundInput, ...], choice: EstimatorChoice
) -> None:
    """Refuse what acts on a video's physics where there is no video to take it from.

    Raises:
        ConfigurationError: Such options are given; all are named.
    """
    if all(one.kind == "video" for one in inputs):
        return
    text = inputs[0].kind == "text"
    given = request.physics not in (None, "none")
    edits = request.edits
    named = {
        f"--physics {request.physics}": text and given,
        "--label": bool(request.labels) and (text or not given),
        "--mass": bool(request.masses_kg) and (text or not given),
        "--speed-factor": bool(request.speed_factors) and (text or not given),
        "--time-scale": request.time_scale != 1.0,
        "--start and --end": request.start_s > 0 or request.end_s is not None,
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
    model: str | None,
    device: str,
    dtype: str,
    choice: EstimatorChoice,
    added: AddedWeights | None = None,
) -> PavasPipeline:
    """Return the model with the chosen estimator, adapter and LoRAs, ready on its device.

    Raises:
        ComponentError: Plugins are missing, or a name is unknown.
        ConfigurationError: The device cannot be used, a setting does not exist, or an adapter
            belongs to another model.
        WeightsError: There is no such model, adapter or LoRA.
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
    if added is not None:
        added.put_on(pipe)
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
