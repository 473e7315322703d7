"""``pavas annotate``: physics and masks of many clips, resumable."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.engine_options import engine_options, take_engine
from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.output import say, show

if TYPE_CHECKING:
    from pavas_sdk.annotation import ItemReport, JobProgress, JobReport
    from pavas_sdk.annotation.packing import PackFormat
    from pavas_sdk.annotation.stages import Stage

__all__ = ["JobLines", "annotate"]

_EVERY_S = 10.0


class JobLines:
    """Says how far a job is: failures at once, the rest now and then.

    Args:
        as_json: Also print one JSON line per finished clip to stdout.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self._as_json = as_json
        self._told_s = 0.0

    def __call__(self, report: ItemReport, progress: JobProgress) -> None:
        """Hear of one try at a clip."""
        import json

        name = report.item["clip_id"]
        if report.status == "retried":
            say(f"{name}: {report.failure.get('message')}; it is tried once more")
            return
        if report.status == "failed":
            say(f"{name}: failed: {report.failure.get('message')}")
        if self._as_json:
            line = {"clip_id": name, "status": report.status, "seconds": round(report.seconds, 3)}
            show(json.dumps({**line, **report.facts}))
        every_s = 0.5 if sys.stderr.isatty() else _EVERY_S
        if progress.done == progress.total or time.monotonic() - self._told_s > every_s:
            self._told_s = time.monotonic()
            say(progress.line())


@click.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO|FOLDER|LIST]...")
@click.option(
    "-o",
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the job: its work list and one result per clip.",
)
@click.option(
    "--videos",
    "root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the videos of a list lie: ID_000030.mp4, ID.mp4, or its own relative paths.",
)
@click.option(
    "--duration",
    "duration_s",
    type=click.FloatRange(min=0, min_open=True),
    default=8.0,
    show_default=True,
    metavar="S",
    help="Every clip is cut to so many seconds; a shorter one fails.",
)
@click.option("--without-sound", is_flag=True, help="Accept clips without sound, or silent ones.")
@click.option("--label-as-prompt", is_flag=True, help="Tell the estimator each clip's label.")
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of estimators that draw at random.",
)
@estimator_options
@click.option("--device", default="cpu", show_default=True, help="torch device of the models.")
@engine_options
@click.option(
    "--stage",
    type=click.Choice(("detect", "segment", "geometry")),
    help="Do one stage alone, in this order: objects; masks; points, paths and masses. Workers then "
    "load only its models.",
)
@click.option("--retry-failed", is_flag=True, help="Do failed clips again.")
@click.option(
    "--pack",
    "form",
    type=click.Choice(("jsonl", "parquet", "webdataset")),
    help="Afterwards write all finished clips, without media, into OUT/shards.",
)
@click.option("--limit", type=click.IntRange(1), help="Do at most so many clips now.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line per finished clip.")
def annotate(
    videos: tuple[str, ...],
    out: Path,
    root: Path | None,
    duration_s: float,
    without_sound: bool,
    label_as_prompt: bool,
    seed: int,
    device: str,
    stage: Stage | None,
    retry_failed: bool,
    form: PackFormat | None,
    limit: int | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Estimate the physics of many clips: what moves, how heavy, how fast, its masks.

    Give videos, folders, or lists: .txt with a path a line; .csv, .tsv, .jsonl or .parquet with
    columns id, path, start, duration, label, split; VGGSound's own csv. The same command again
    does what is missing and nothing else; without VIDEOs it goes on with the folder's work list.
    A clip that cannot be done fails alone, with its reason in OUT/failures.jsonl.

    Exit code: 0 all clips are done, 1 some failed, 2 it could not run.
    """
    from pavas_sdk.annotation import AnnotationConfig, JobFolder, read_clips
    from pavas_sdk.annotation import annotate as run_job

    choice = take_choice(options)
    engine = take_engine(options, device=device, workers=1)
    estimator = choice.build()
    config = AnnotationConfig(
        estimator=estimator.to_json(),
        duration_s=duration_s,
        require_sound=not without_sound,
        label_as_prompt=label_as_prompt,
        seed=seed,
    )
    clips = read_clips(videos, videos=root) if videos else []
    report = run_job(
        clips,
        out,
        config,
        engine=engine,
        retry_failed=retry_failed,
        limit=limit,
        device=device,
        cache=_cache(choice.cache),
        stage=stage,
        tell=JobLines(as_json=as_json),
    )
    _say_report(report, out)
    if form is not None:
        from pavas_sdk.annotation.packing import pack

        for path in pack(JobFolder(out), form):
            show(str(path))
    return 1 if report.failed else 0


def _cache(cache: bool | Path | None) -> Path | None:
    if cache is True:
        from pavas_sdk.physics.cache import PhysicsCache

        return PhysicsCache().folder
    return cache or None


def _say_report(report: JobReport, out: Path) -> None:
    say(
        f"{report.ok} of {report.total} clips annotated, {report.empty} without a moving object, "
        f"{report.failed} failed" + (f", {report.left} left" if report.left else "") + f" in {out}"
    )
    if report.failed:
        say(f"  reasons in {out / 'failures.jsonl'}; --retry-failed does them again")
