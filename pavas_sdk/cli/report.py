"""``pavas report``: a page with the video, its physics and its sound on one time axis."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.model_options import added_weights_options, take_added_weights
from pavas_sdk.cli.output import human_bytes, named_file, say, show
from pavas_sdk.errors import ConfigurationError, MediaError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import Audio, MaskTrack, PhysicsEstimate
    from pavas_sdk.media import VideoFile
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["report"]

_QUIETEST_DBFS = -60.0  # a track below this is as good as silent


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    default="out/",
    show_default=True,
    help="The page, or a folder for NAME.report.html.",
)
@click.option(
    "--model",
    default=None,
    shell_complete=complete_model,
    help="Preset, folder or Hub repository; default: pavas-tiny.",
)
@added_weights_options
@click.option("--prompt", default="", help="What is seen and to be heard.")
@click.option(
    "--physics",
    type=click.Path(path_type=Path),
    help="Use this physics JSON instead of estimating.",
)
@click.option(
    "--sound",
    type=click.Path(path_type=Path),
    help="Show this sound, made earlier, instead of making one; its NAME.pavas.json is read too.",
)
@click.option("--no-sound", is_flag=True, help="Physics only.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of the noise.",
)
@click.option("--steps", type=click.IntRange(1), help="Euler steps; default: the model's.")
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    help="Slow motion: how many times slower than life the video plays.",
)
@estimator_options
@click.option(
    "--max-side",
    type=click.IntRange(64, 3840),
    default=960,
    show_default=True,
    help="Longer side in pixels of the video in the page.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing page.")
@click.option("--device", default="cpu", show_default=True, help="torch device.")
def report(
    video: Path,
    out: str,
    model: str | None,
    prompt: str,
    physics: Path | None,
    sound: Path | None,
    no_sound: bool,
    seed: int,
    steps: int | None,
    time_scale: float,
    max_side: int,
    overwrite: bool,
    device: str,
    **options: Any,
) -> int:
    """Write one HTML page about a video: masks, speeds, energies, impacts, masses, sound.

    The page holds everything and asks for nothing from the network. The sound is generated, or
    taken from an earlier run with --sound.
    """
    from pavas_sdk.cli.generate import load_pipeline
    from pavas_sdk.media import open_video
    from pavas_sdk.report import ReportInput, write_report

    choice, added = take_choice(options), take_added_weights(options)
    page = _checked_page(video, out, sound, no_sound, time_scale, overwrite)
    with open_video(video, time_scale=time_scale) as source:
        given, audio, provenance = _earlier(sound, physics, source)
        pipe = load_pipeline(model, device, "float32", choice, added)
        estimate, masks, notes = pipe.physics_and_masks(
            source, given, prompt=prompt, cache=choice.cache
        )
        if audio is None and not no_sound:
            audio, provenance = _generated(pipe, source, estimate, masks, prompt, seed, steps)
        if audio is None:
            provenance = {"notes": list(notes)}
        write_report(
            page,
            ReportInput(
                title=video.name,
                source=source,
                physics=estimate,
                masks=masks,
                sound=audio,
                recorded=_recorded(source),
                provenance=provenance,
            ),
            max_side=max_side,
            overwrite=overwrite,
        )
    for line in str(estimate).splitlines():
        say(f"  {line}")
    say(f"  {human_bytes(page.stat().st_size)}; open it in a browser")
    show(str(page))
    return 0


def _checked_page(
    video: Path,
    out: str,
    sound: Path | None,
    no_sound: bool,
    time_scale: float,
    overwrite: bool,
) -> Path:
    """Return where the page goes.

    Raises:
        ConfigurationError: Options that contradict each other.
        OutputExistsError: A page stands there.
    """
    from pavas_sdk.data.video import checked_time_scale

    checked_time_scale(time_scale, "--time-scale")
    if sound is not None and no_sound:
        raise ConfigurationError("--sound and --no-sound exclude each other")
    page = named_file(out, f"{video.stem}.report.html")
    if page.exists() and not overwrite:
        raise OutputExistsError(f"{page} exists; use --overwrite to replace it")
    return page


def _earlier(
    sound: Path | None, physics: Path | None, source: VideoFile
) -> tuple[Any, Audio | None, dict[str, Any]]:
    """What is taken from an earlier run: physics, the sound, and how it was made."""
    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.media import read_audio
    from pavas_sdk.pipelines.output import read_sidecar, sidecar_path

    given: Any = None if physics is None else physics
    if sound is None:
        return given, None, {}
    audio = read_audio(sound)
    if abs(audio.duration_s - source.duration_s) > max(0.5, 0.05 * source.duration_s):
        raise ConfigurationError(
            f"{sound} is {audio.duration_s:.2f} s long, the video {source.duration_s:.2f} s; give "
            "the sound that was made for this video"
        )
    sidecar = sidecar_path(sound)
    if not sidecar.is_file():
        return given, audio, {}
    provenance = read_sidecar(sidecar)
    if given is None and provenance.get("physics"):
        given = PhysicsEstimate.from_json(provenance["physics"])
    return given, audio, provenance


def _generated(
    pipe: PavasPipeline,
    source: VideoFile,
    physics: PhysicsEstimate,
    masks: Mapping[int, MaskTrack],
    prompt: str,
    seed: int,
    steps: int | None,
) -> tuple[Audio, dict[str, Any]]:
    import torch

    made = pipe(
        source,
        prompt=prompt,
        physics=physics if physics.objects else "none",
        masks=masks or None,
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(seed),
    )
    return made.audio, made.provenance


def _recorded(source: VideoFile) -> Audio | None:
    """The clip's own sound, when there is any to hear."""
    from pavas_sdk.media import read_audio

    if not source.has_audio:
        return None
    try:
        audio = read_audio(source.source)
    except MediaError as err:
        say(f"  the recorded sound is left out: {err}")
        return None
    return audio if audio.peak_dbfs > _QUIETEST_DBFS else None
