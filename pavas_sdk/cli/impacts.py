"""``pavas impacts``: lists of impacts in recorded clips, for APCC (VGG-Impact, or a set of one's own)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pavas_sdk.cli.command_group import CommandGroup
from pavas_sdk.cli.estimator_options import estimator_options, take_choice
from pavas_sdk.cli.evaluation_report import keep_option
from pavas_sdk.cli.output import json_option, say, show, show_json, show_table
from pavas_sdk.errors import InputError, OutputExistsError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["impacts"]

_list = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.group(cls=CommandGroup)
def impacts() -> None:
    """Curate lists of impacts in recorded clips, for pavas evaluate vgg-impact."""


@impacts.command()
@click.option(
    "--videos",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the clips, with their sound; subfolders are searched.",
)
@click.option(
    "--vggsound",
    type=click.Path(path_type=Path, dir_okay=False),
    help="VGGSound's table (vggsound.csv). Without it every video counts, and its class is the "
    "name of its folder.",
)
@click.option(
    "--classes",
    default="vgg-impact",
    show_default=True,
    metavar="FILE",
    help="With --vggsound: labels, one per line; vgg-impact: ten classes of impacts.",
)
@click.option(
    "--split",
    type=click.Choice(["test", "train", "all"]),
    default="test",
    show_default=True,
    help="Clips of this split of --vggsound.",
)
@click.option("--name", default="", help="Of the list.")
@click.option("--curator", default="", help="Who will decide.")
@estimator_options
@keep_option
@click.option(
    "-o",
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="The list (JSON, pavas.impacts).",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing list and its decisions.")
def propose(
    videos: Path,
    vggsound: Path | None,
    classes: str,
    split: str,
    name: str,
    curator: str,
    keep: Path | None,
    out: Path,
    overwrite: bool,
    **options: Any,
) -> int:
    """Propose moments at which an onset of the sound and a change of speed agree within 60 ms."""
    from pavas_sdk.cli.progress import ClipProgress
    from pavas_sdk.data.files import write_text
    from pavas_sdk.evaluation.curation.proposals import propose_impacts

    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} exists; use --overwrite to replace it and its decisions")
    choice = take_choice(options)
    files, categories, source = _clips(videos, vggsound, classes, split)
    listed, failures = propose_impacts(
        files,
        categories,
        choice.build(),
        name=name,
        source=source,
        curator=curator,
        cache=choice.cache,
        path=keep,
        progress=ClipProgress(),
    )
    write_text(out, listed.dumps(), overwrite=overwrite)
    for clip_id, why in failures.items():
        say(f"  {clip_id}: {why}")
    count = sum(len(clip.impacts) for clip in listed.clips)
    say(
        f"{count} proposals in {len(listed.clips)} clips, in {out}; next: "
        f"pavas impacts review {out} --videos {videos}"
    )
    return 1 if failures else 0


def _clips(
    videos: Path, vggsound: Path | None, classes: str, split: str
) -> tuple[Mapping[str, Path], Mapping[str, str], str]:
    """Return files and classes by clip, and where the clips are from."""
    from pavas_sdk.evaluation.curation import vggsound as table

    if vggsound is None:
        return _own_clips(videos)
    wanted = table.select_classes(
        table.read_vggsound(vggsound),
        table.read_classes(classes),
        split="" if split == "all" else split,
    )
    files, missing = table.find_videos(wanted, videos)
    if missing:
        say(f"{len(missing)} of {len(wanted)} clips of these classes have no video in {videos}")
    return files, {clip.clip_id: clip.label for clip in wanted}, f"VGGSound {split}"


def _own_clips(videos: Path) -> tuple[Mapping[str, Path], Mapping[str, str], str]:
    from pavas_sdk.evaluation.curation.vggsound import VIDEO_SUFFIXES

    if not videos.is_dir():
        raise InputError(f"there is no folder {videos}")
    paths = sorted(path for path in videos.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES)
    files = {path.stem: path for path in paths}
    if not paths or len(files) < len(paths):
        raise InputError(
            f"{videos} holds {len(paths)} videos with {len(files)} names; expected at least one, and "
            "every name once"
        )
    return files, {stem: path.resolve().parent.name for stem, path in files.items()}, ""


@impacts.command()
@_list
@click.option(
    "--videos",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the clips; subfolders are searched.",
)
@click.option("--curator", default="", help="Who decides; kept in the list.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free one.")
@click.option("--no-open", is_flag=True, help="Do not open the browser.")
def review(file: Path, videos: Path, curator: str, port: int, no_open: bool) -> None:
    """Decide on the moments of a list in the browser, by keyboard. Every decision is saved at once.

    The page is served to this machine only (127.0.0.1). End with Ctrl-C.
    """
    import webbrowser

    from pavas_sdk.evaluation.curation.review import Review
    from pavas_sdk.evaluation.curation.review_server import ReviewServer
    from pavas_sdk.evaluation.curation.vggsound import find_listed_videos
    from pavas_sdk.evaluation.impact_list import read_impact_list

    ids = [clip.clip_id for clip in read_impact_list(file).clips]
    work = Review(file, find_listed_videos(ids, videos), curator=curator)
    if work.without_video:
        say(f"{len(work.without_video)} clips of the list have no video in {videos}")
    with ReviewServer(work, port=port) as server:
        show(server.url)
        say("end with Ctrl-C")
        if not no_open:
            webbrowser.open(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            say(f"all decisions are in {file}")


@impacts.command()
@_list
@json_option
def check(file: Path, as_json: bool) -> int:
    """Say whether a list can be measured with, and its digest. Exit code 1 when it cannot."""
    from dataclasses import asdict

    from pavas_sdk.evaluation.curation.checks import check_list
    from pavas_sdk.evaluation.impact_list import read_impact_list

    listed = read_impact_list(file)
    found = check_list(listed)
    accepted = [i for clip in listed.clips for i in clip.impacts if i.status == "accepted"]
    if as_json:
        show_json(
            {
                "digest": listed.digest,
                "clips": len(listed.clips),
                "accepted": len(accepted),
                "findings": [asdict(finding) for finding in found],
            }
        )
    else:
        show_table(
            ("", "WHERE", "WHAT"),
            [("error" if f.is_error else "note", f.where or "-", f.what) for f in found],
        )
        say(
            f"{len(accepted)} accepted impacts in {len(listed.clips)} clips, list {listed.digest[:12]}"
        )
    return int(any(finding.is_error for finding in found))


@impacts.command()
@click.argument("first", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("second", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def agree(first: Path, second: Path, as_json: bool) -> None:
    """Compare the decisions of two curators: Cohen's kappa, and differences of times."""
    from pavas_sdk.cli.evaluation_report import interval_text, number_text
    from pavas_sdk.evaluation.curation.agreement import agreement
    from pavas_sdk.evaluation.impact_list import read_impact_list

    measured = agreement(read_impact_list(first), read_impact_list(second))
    if as_json:
        show_json(measured)
        return
    apart = measured["time_difference_ms"] or {}
    accepted = measured["accepted"]
    show_table(
        ("FIGURE", "VALUE"),
        [
            (
                "Cohen's kappa",
                f"{number_text(measured['kappa'])} ({interval_text(measured['interval'])})",
            ),
            ("agreed", f"{measured['agreed']} of {measured['moments']} moments"),
            ("accepted by both", accepted["both"]),
            (
                "accepted by one",
                f"{accepted['first_only']} first, {accepted['second_only']} second",
            ),
            ("time difference, median", f"{number_text(apart.get('median'), 1)} ms"),
            ("time difference, 90th percentile", f"{number_text(apart.get('p90'), 1)} ms"),
        ],
    )
    say(f"{measured['clips']} clips, {len(measured['undecided'])} undecided ones left out")
