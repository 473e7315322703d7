"""``pavas estimate``: masses and speeds of what moves in a video, as JSON to read and edit."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.output import named_file, say, show_json_text
from pavas_sdk.errors import ConfigurationError, OutputExistsError

if TYPE_CHECKING:
    from pavas_sdk.physics import PhysicsEstimator, PhysicsResult

__all__ = ["estimate", "move_to_device"]


def _masses(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, float]:
    """Read ID_OR_LABEL=KG."""
    del ctx, param
    masses: dict[str, float] = {}
    for value in values:
        key, _, number = value.rpartition("=")
        try:
            mass = float(number)
        except ValueError as err:
            raise click.BadParameter(f"expected ID_OR_LABEL=KG, got {value!r}") from err
        if not key.strip() or not (math.isfinite(mass) and mass > 0):
            raise click.BadParameter(f"expected ID_OR_LABEL=KG with KG above 0, got {value!r}")
        masses[key.strip()] = mass
    return masses


@click.command()
@click.argument("video", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    help="Write the JSON here, or into a folder as NAME.physics.json; default: stdout.",
)
@click.option("--prompt", default="", help='What is seen: "a wooden ball", "500 g hammer".')
@click.option(
    "--mass",
    "masses_kg",
    multiple=True,
    metavar="ID_OR_LABEL=KG",
    callback=_masses,
    help="Mass of an object in kilograms, in place of the estimate. May be repeated.",
)
@click.option(
    "--time-scale",
    type=float,
    default=1.0,
    show_default=True,
    help="Slow motion: how many times slower than life the video plays.",
)
@click.option(
    "--fps",
    type=click.FloatRange(0, 100_000, min_open=True),
    help="Frames per second of a video whose own clock is wrong; it is then ignored.",
)
@estimator_options
@click.option(
    "--masks",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the masks, as npz: times_s_ID and masks_ID per object.",
)
@click.option("--device", default="cpu", show_default=True, help="torch device of the models.")
@click.option("--keep-going", is_flag=True, help="Note a failed component and keep the rest.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON also when -o is given.")
@click.option("--overwrite", is_flag=True, help="Replace existing results.")
def estimate(
    video: Path,
    out: str | None,
    prompt: str,
    masses_kg: dict[str, float],
    time_scale: float,
    fps: float | None,
    masks: Path | None,
    device: str,
    keep_going: bool,
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> int:
    """Estimate the physics of a video, without making sound.

    The JSON can be edited and given to: pavas generate VIDEO --physics FILE
    """
    from pavas_sdk.data.hand_edits import kept_aside
    from pavas_sdk.data.video import checked_time_scale
    from pavas_sdk.media import open_video

    checked_time_scale(time_scale, "--time-scale")
    choice = take_choice(options)
    target = None if out is None else named_file(out, f"{video.stem}.physics.json")
    for path in (target, masks):
        if path is not None and path.exists() and not overwrite:
            raise OutputExistsError(f"{path} exists; use --overwrite to replace it")
    with open_video(video, time_scale=time_scale, fps=fps) as source:
        estimator = choice.build(on_error="partial" if keep_going else "raise")
        move_to_device(estimator, device)
        masses: dict[int | str, float] = dict(masses_kg.items())
        result = estimator.estimate(source, prompt=prompt, masses=masses, cache=choice.cache)
    _report(video, result)
    if masks is not None:
        _write_masks(masks, result)
    if target is not None:
        aside = kept_aside(target, result.physics)
        if aside is not None:
            say(f"  note: {target.name} was edited; kept as {aside.name}")
        result.physics.save(target)
        say(f"  in {target}")
    if target is None or as_json:
        show_json_text(result.physics.dumps())
    return 0


def move_to_device(estimator: PhysicsEstimator, device: str) -> None:
    """Bring the components to a device; the CPU needs nothing, and no torch.

    Raises:
        ConfigurationError: There is no such device here.
    """
    if device == "cpu":
        return
    import torch

    try:
        estimator.to(torch.device(device))
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as err:
        raise ConfigurationError(
            f"--device {device} cannot be used here: {err}; leave it out to use the CPU"
        ) from err


def _report(video: Path, result: PhysicsResult) -> None:
    kept = ", estimated earlier (from the cache)" if result.from_cache else ""
    say(f"{video}: {result.physics.duration_s:.2f} s{kept}")
    for line in str(result.physics).splitlines():
        say(f"  {line}")
    for note in result.physics.notes:
        say(f"  note: {note}")
    impacts = result.physics.impacts()
    if impacts:
        shown = ", ".join(f"{hit.time_s:.2f} s" for hit in impacts[:12])
        say(f"  impacts at {shown}{' ...' if len(impacts) > 12 else ''}")


def _write_masks(path: Path, result: PhysicsResult) -> None:
    import numpy as np

    from pavas_sdk.data.files import make_folder, replacing

    arrays: dict[str, Any] = {}
    for object_id, track in result.masks.items():
        arrays[f"times_s_{object_id}"] = track.times_s
        arrays[f"masks_{object_id}"] = track.masks
    make_folder(path.parent)
    with replacing(path, overwrite=True) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    say(f"  masks in {path}")
