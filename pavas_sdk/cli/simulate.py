"""``pavas simulate``: clips with exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.output import json_option, say, show_json, show_table

if TYPE_CHECKING:
    from pavas_sdk.simulation import SceneConfig

__all__ = ["simulate"]

_CLIPS_PER_SEED = 1_000_000


class _Size(click.ParamType[tuple[int, int]]):
    """``WIDTHxHEIGHT``, or one number for a square."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (width, height)."""
        if isinstance(value, tuple):
            return (int(value[0]), int(value[1]))
        parts = str(value).lower().split("x")
        if len(parts) > 2 or not all(part.isdigit() for part in parts):
            self.fail(f"{value!r} is no size; expected 128 or 1280x720", param, ctx)
        return (int(parts[0]), int(parts[-1]))


@click.command()
@click.option(
    "-n",
    "--clips",
    type=click.IntRange(1, _CLIPS_PER_SEED),
    default=20,
    show_default=True,
    help="How many.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Clip i is drawn from seed * 1,000,000 + i; training uses clips below 10,000,000.",
)
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the clips; finished ones in it are kept.",
)
@click.option("--size", type=_Size(), default="128", show_default=True, help="128 or 1280x720.")
@click.option("--fps", type=float, default=None, help="Default: drawn; at times each frame twice.")
@click.option("--duration", type=float, default=4.0, show_default=True, help="Seconds.")
@click.option("--sample-rate", type=int, default=48000, show_default=True, help="Of the sound, Hz.")
@click.option(
    "--action",
    default=None,
    help="drop, throw, bounce, roll, collide, strike; silent: still, pendulum, glide, settle, pass, swing, wave.",
)
@click.option("--camera", default=None, help="still, pan, shake or dolly.")
@click.option("--points", is_flag=True, help="Put point maps into the npz; they are large.")
@click.option("--overwrite", is_flag=True, help="Make clips again that are there.")
@json_option
def simulate(
    clips: int,
    seed: int,
    out: Path,
    size: tuple[int, int],
    fps: float | None,
    duration: float,
    sample_rate: int,
    action: str | None,
    camera: str | None,
    points: bool,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Make simulated clips with exact truth.

    Each clip is NAME.mp4 with sound, NAME.physics.json, NAME.contacts.json and NAME.npz (masks,
    centroids, camera). The same seed always gives the same clips. Interrupted runs go on where
    they stopped.
    """
    from pavas_sdk.simulation import SceneConfig

    config = SceneConfig(
        width=size[0],
        height=size[1],
        fps=fps,
        duration_s=duration,
        sample_rate_hz=sample_rate,
        action=action,
        camera=camera,
        # the mp4 itself is compressed
        compression=False,
    )
    rows, made = _simulate_all(clips, seed, out, config, points=points, overwrite=overwrite)
    if as_json:
        show_json(rows)
    else:
        show_table(
            ("NAME", "ACTION", "CONTACTS", "MASSES (KG)", "PROMPT"),
            [
                (
                    row["name"],
                    row["action"],
                    row["contacts"],
                    " ".join(f"{mass:.3g}" for mass in row["masses_kg"]) or "-",
                    row["prompt"],
                )
                for row in rows
            ],
        )
    say(f"{made} made, {clips - made} kept in {out}")


def _simulate_all(
    clips: int, seed: int, out: Path, config: SceneConfig, *, points: bool, overwrite: bool
) -> tuple[list[dict[str, Any]], int]:
    """Make the clips that are not there; return what the listing says of all, and how many."""
    from pavas_sdk.errors import OutputError
    from pavas_sdk.simulation import simulate, write_clip
    from pavas_sdk.simulation.export import ClipFiles, finished_clip

    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise OutputError(
            f"cannot make {out}: {err.strerror or err}; choose a writable folder"
        ) from err
    rows: list[dict[str, Any]] = []
    made = 0
    for index in range(clips):
        clip_seed = seed * _CLIPS_PER_SEED + index
        name = f"sim-{seed}-{index:05d}"
        document = None
        if not overwrite:
            document = finished_clip(out, name, seed=clip_seed, config=config)
        if document is None:
            simulation = simulate(clip_seed, config)
            write_clip(simulation, out, name, points=points, overwrite=True)
            document = finished_clip(out, name, seed=clip_seed, config=config)
            made += 1
            clip = simulation.clip
            say(f"{index + 1}/{clips}  {name}  {clip.action}: {clip.prompt or '(no words)'}")
        if document is not None:
            rows.append(_row(name, ClipFiles(out, name).video, document))
    return rows, made


def _row(name: str, video: Path, document: dict[str, Any]) -> dict[str, Any]:
    """What the listing says of a clip."""
    moving = [body for body in document["bodies"] if body["object_id"] is not None]
    return {
        "name": name,
        "video": str(video),
        "seed": document["seed"],
        "action": document["action"],
        "prompt": document["prompt"],
        "floor": document["floor"],
        "contacts": len(document["contacts"]),
        "masses_kg": [body["mass_kg"] for body in moving],
    }
