"""``pavas prepare``: training features of annotated clips."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from pavas_sdk.cli.annotate import JobLines
from pavas_sdk.cli.completion import complete_model
from pavas_sdk.cli.engine_options import engine_options, take_engine
from pavas_sdk.cli.output import json_option, say, show, show_json

__all__ = ["prepare"]


@click.command()
@click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder for the features.",
)
@click.option(
    "--model",
    required=True,
    shell_complete=complete_model,
    help="Preset, folder or Hub repository whose frozen encoders are used: mmaudio-small-16k.",
)
@click.option(
    "--level",
    type=click.Choice(("constant", "reference", "none")),
    default="constant",
    show_default=True,
    help="One gain for all clips; each clip by its file's peak, as MMAudio trains; or none.",
)
@click.option(
    "--level-from",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="FEATURES",
    help="Take over the level of these features: that of the training set, for validation.",
)
@click.option("--split", help="Only clips of this split.")
@click.option(
    "--max-objects",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Objects kept per clip: those seen most.",
)
@click.option(
    "--shard-size",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    help="Clips per file of features.",
)
@click.option("--device", default="cpu", show_default=True, help="torch device of the encoders.")
@engine_options
@json_option
def prepare(
    data: Path,
    out: Path,
    model: str,
    level: str,
    level_from: Path | None,
    split: str | None,
    max_objects: int,
    shard_size: int,
    device: str,
    as_json: bool,
    **options: Any,
) -> int:
    """Make training features of what pavas annotate left in DATA.

    Pictures, sound and labels go through the model's frozen encoders once; training then reads
    features alone. The same command again makes the shards that are missing. A clip that cannot be
    encoded is left out and named in OUT/failures.jsonl.

    Exit code: 0 all annotated clips are in, 1 some are not, 2 it could not run.
    """
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk.training.prepare import PrepareConfig
    from pavas_sdk.training.prepare import prepare as run

    disable_progress_bar()
    engine = take_engine(options, device=device, workers=0, time_limit_s=None)
    config = PrepareConfig(
        model=model,
        level=level,
        level_from=None if level_from is None else str(level_from),
        split=split,
        max_objects=max_objects,
        shard_size=shard_size,
    )
    report = run(data, out, config, engine=engine, device=device, tell=JobLines())
    gain_db = 20 * math.log10(report.level.gain)
    say(
        f"{report.rows} clips in {out}, {len(report.failures)} could not be encoded, "
        f"{report.not_annotated} are not annotated"
    )
    if report.level.policy == "constant":
        say(f"  one gain for all: {gain_db:+.1f} dB")
    if report.clipped:
        more = f" and {len(report.clipped) - 5} more" if len(report.clipped) > 5 else ""
        say(
            f"  {len(report.clipped)} were recorded clipped, and are used as they are: "
            f"{', '.join(report.clipped[:5])}{more}"
        )
    for failure in report.failures[:10]:
        say(f"  {failure['clip_id']}: {failure['message']}")
    if as_json:
        show_json(
            {
                "out": str(out),
                "rows": report.rows,
                "failures": [dict(failure) for failure in report.failures],
                "not_annotated": report.not_annotated,
                "level": report.level.to_json(),
                "clipped": list(report.clipped),
            }
        )
    else:
        show(str(out))
    return 1 if report.failures else 0
