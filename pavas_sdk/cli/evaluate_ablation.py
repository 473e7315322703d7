"""``pavas evaluate ablation``: the paper's Table 3 in simulation, trained and measured by one command."""

from __future__ import annotations

import hashlib
import json
import time
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.output import json_option, say, show, show_json
from pavas_sdk.cli.progress import ClipProgress
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.evaluation.ablation import AblationRow
    from pavas_sdk.training.ablation import AblationTraining

__all__ = ["ablation", "run_ablation"]

_KEPT_CLIPS = 64  # of the evaluation, from arm to arm; about 10 MB each


@click.command()
@click.option(
    "--simulated",
    is_flag=True,
    required=True,
    help="On simulated clips; there is no other way yet.",
)
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for everything; what is finished there is kept.",
)
@click.option(
    "--clips", type=click.IntRange(10), default=1500, show_default=True, help="To train on."
)
@click.option(
    "--steps",
    type=click.IntRange(1),
    default=3000,
    show_default=True,
    help="Of the backbone, and of every arm after it.",
)
@click.option(
    "--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops per step."
)
@click.option(
    "--seeds", type=click.IntRange(1), default=3, show_default=True, help="Trainings of each arm."
)
@click.option(
    "--evaluation-clips",
    type=click.IntRange(2),
    default=200,
    show_default=True,
    help="To measure on.",
)
@click.option(
    "--jobs", type=click.IntRange(1), default=2, show_default=True, help="Processes that simulate."
)
@click.option(
    "--budget",
    type=click.FloatRange(0, min_open=True),
    metavar="HOURS",
    help="Train no further arm after so long; the table is made of what is there.",
)
@json_option
def ablation(
    simulated: bool,
    out: Path,
    clips: int,
    steps: int,
    batch: int,
    seeds: int,
    evaluation_clips: int,
    jobs: int,
    budget: float | None,
    as_json: bool,
) -> int:
    """Train backbone, longer, mass, speed, both and direct summation, and compare their sound.

    The same command goes on where it was ended. Exit code 1 while arms are missing.
    """
    from pavas_sdk.evaluation.result_table import merge_results
    from pavas_sdk.evaluation.table_text import table_markdown
    from pavas_sdk.simulation import simulate
    from pavas_sdk.training.ablation import AblationTraining, ablation_recipe

    del simulated
    recipe = ablation_recipe(clips=clips, steps=steps, batch=batch, jobs=jobs)
    settings = {
        "clips": clips,
        "steps": steps,
        "batch": batch,
        "evaluation_clips": evaluation_clips,
    }
    check_settings(out, settings)
    result = run_ablation(
        AblationTraining(out, recipe),
        out,
        seeds=seeds,
        clips=evaluation_clips,
        make=lru_cache(_KEPT_CLIPS)(lambda seed: simulate(seed).clip),
        settings=settings,
        budget_s=None if budget is None else 3600 * budget,
    )
    if as_json:
        show_json(result)
    else:
        show(table_markdown(merge_results({"ablation": result})).rstrip("\n"))
    for missing in result["unfinished"]:
        say(f"not finished: {missing}")
    return int(bool(result["unfinished"]))


def check_settings(out: Path, settings: Mapping[str, Any]) -> None:
    """Keep the settings in the folder, and refuse others.

    Raises:
        ConfigurationError: The folder holds an ablation of other settings.
    """
    from pavas_sdk.data.documents import read_object
    from pavas_sdk.data.files import write_text

    path = out / "settings.json"
    if not path.exists():
        write_text(path, json.dumps(settings, indent=1) + "\n")
    elif (theirs := read_object(path)) != dict(settings):
        raise ConfigurationError(
            f"{out} holds an ablation of other settings ({theirs}); choose another --out, or the same "
            "settings to go on"
        )


def whole_seeds(rows: Mapping[str, Mapping[int, object]], arms: int) -> list[int]:
    """Return the seeds of which all ``arms`` arms are there."""
    found = [seed for by_seed in rows.values() for seed in by_seed]
    return [seed for seed in sorted(set(found)) if found.count(seed) == arms]


def run_ablation(
    training: AblationTraining,
    out: Path,
    *,
    seeds: int,
    clips: int,
    make: Any,
    settings: Mapping[str, Any],
    budget_s: float | None = None,
) -> dict[str, Any]:
    """Train and measure what is missing, write ``table.json`` and ``table.md``, and return the table.

    Seeds come one after the other, each with all arms. As soon as one seed is whole, the table is of
    whole seeds alone: arms are compared over the same seeds.

    Args:
        training: Trains the arms.
        out: Folder of rows and table.
        seeds: Trainings of each arm.
        clips: Evaluation clips.
        make: Makes the clip of a seed.
        settings: JSON values that the result depends on.
        budget_s: Train no further arm after so long, seconds; trained ones are measured.

    Raises:
        ConfigurationError: The budget was too short for a single arm.
        PavasError: Training or measuring failed.
    """
    from pavas_sdk.data.files import write_text
    from pavas_sdk.data.seeds import evaluation_seeds
    from pavas_sdk.evaluation.ablation import AblationRow, arm_measurer
    from pavas_sdk.evaluation.ablation_table import ablation_table
    from pavas_sdk.evaluation.result_table import merge_results
    from pavas_sdk.evaluation.runner import run
    from pavas_sdk.evaluation.table_text import table_markdown
    from pavas_sdk.training.ablation import ABLATION_ARMS, ABLATION_COMPARISONS

    started = time.monotonic()
    rows: dict[str, dict[int, Sequence[AblationRow]]] = {}
    unfinished: list[str] = []
    for seed in range(seeds):
        for arm in ABLATION_ARMS:
            name = f"{arm.name}, seed {seed}"
            trained = training.is_finished(arm, seed)
            spent_s = time.monotonic() - started
            if not trained and budget_s is not None and spent_s > budget_s:
                unfinished.append(name)
                continue
            say(f"{name}: {'measuring' if trained else 'training'}")
            model = training.train(arm, seed)
            rows.setdefault(arm.name, {})[seed] = run(
                evaluation_seeds(0, clips),
                partial(arm_measurer, str(model), make, mass=arm.mass, speed=arm.speed),
                AblationRow.from_json,
                settings={"measurement": "ablation", "arm": arm.name, "seed": seed, **settings},
                path=out / "rows" / f"{arm.name}-{seed}.jsonl",
                progress=ClipProgress(),
            )
    if not rows:
        raise ConfigurationError(
            "the budget ended before the first arm; give more hours (--budget)"
        )
    whole = whole_seeds(rows, len(ABLATION_ARMS))
    if whole:
        rows = {arm: {seed: clips[seed] for seed in whole} for arm, clips in rows.items()}
    say("drawing clips and seeds again for intervals")
    digest = hashlib.sha256(json.dumps(dict(settings), sort_keys=True).encode()).hexdigest()[:12]
    result = ablation_table(
        rows,
        {arm.name: arm.title for arm in ABLATION_ARMS},
        settings={**settings, "seeds": seeds, "digest": digest},
        compared=ABLATION_COMPARISONS,
        unfinished=unfinished,
    )
    text = json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(out / "table.json", text + "\n", overwrite=True)
    write_text(
        out / "table.md", table_markdown(merge_results({"ablation": result})), overwrite=True
    )
    say(f"table in {out / 'table.md'}")
    return result
