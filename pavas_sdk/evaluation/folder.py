"""Sounds of several models in plain folders beside the true sounds: one table, of what can be measured here."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.evaluation.folder_clip import ClipRow, measure_sounds
from pavas_sdk.evaluation.folder_files import FolderFiles, read_captions
from pavas_sdk.evaluation.folder_networks import NetworkEvaluation, features_folder
from pavas_sdk.evaluation.folder_summary import METRICS, summarise_folder, values_per_clip
from pavas_sdk.evaluation.impacts_file import read_impacts
from pavas_sdk.evaluation.network_figures import network_figures
from pavas_sdk.evaluation.network_metrics import NETWORK_METRICS
from pavas_sdk.evaluation.network_summary import interval_method
from pavas_sdk.evaluation.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

__all__ = ["GROUPS", "evaluate_folder"]

FORMAT, FORMAT_VERSION = "pavas.evaluation.folder", 1
GROUPS = ("onsets", "levels", "silence", "apcc")
"""Metrics by the name under which they are asked for."""


def evaluate_folder(
    generated: Mapping[str, str | Path],
    reference: str | Path,
    *,
    videos: str | Path | None = None,
    captions: str | Path | None = None,
    impacts: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    names: Literal["exact", "vggsound"] = "exact",
    length_s: float | None = 8.0,
    allow_missing: bool = False,
    jobs: int = 1,
    device: str | None = None,
    batch_size: int = 4,
    cache: str | Path | None = None,
    path: Path | None = None,
    anew: bool = False,
    say: Callable[[str], None] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compare the sounds of models with the true sounds, clip by clip of the same name.

    Folders hold ``.wav`` and ``.flac`` files, not in subfolders. Every clip of the reference counts
    for every model: a failed one with the worst values, see `pavas_sdk.evaluation.folder_clip`.

    Args:
        generated: Model to its folder, in the order of the table.
        reference: Folder of the true sounds.
        videos: Folder of the clips' videos, for DeSync and IB-score.
        captions: CSV file with the columns name and caption, for CLAP.
        impacts: File of known impacts (``pavas.impacts``), for APCC.
        metrics: Some of `GROUPS` and of `pavas_sdk.evaluation.network_metrics.NETWORK_METRICS`; None:
            all that can run, the others are named with their reason.
        names: ``exact`` stems, or ``vggsound``: what is around VGGSound's names is cut.
        length_s: Longer sounds are cut here, seconds; None: at the end of the true sound.
        allow_missing: Whether clips may be missing or unknown. Missing ones still count.
        jobs: Processes, for what needs no network.
        device: For the networks, such as "cuda"; None: the CPU.
        batch_size: Clips that a network gets at once; changes nothing beyond rounding.
        cache: Folder of what the networks heard, used again while file, network and length are the
            same; None: in the cache folder of pavas.
        path: File of finished clips that is continued, see `run`. Where sounds or settings have
            changed since, it is refused.
        anew: Whether it is replaced then.
        say: Gets lines about what takes long.
        progress: Called with (done, all) after each clip, and again for what the networks hear.

    Returns:
        JSON values, format ``pavas.evaluation.folder`` version 1: settings, clips (number and digest
        of their names), models (figures with 95 % intervals, failed clips by name), differences of
        models, conventions, and what was not run. Of metrics that need networks also values per clip,
        noise floors of Frechet distances, the extractors with the digests of their weights, and
        clips that could not be compared, with the reason.

    Raises:
        ConfigurationError: An impossible option, or a metric is asked for by name and cannot run: its
            reason, with the file to get.
        InputError: A folder is missing or empty, a name occurs twice, or names do not match.
        FormatError: The impacts file.
        MediaError: A true sound cannot be read.
        OutputError: ``path`` cannot be written.
    """
    groups, networks, not_run = _groups(metrics, impacts)
    if not generated or "reference" in generated or any("\n" in name for name in generated):
        raise ConfigurationError(
            "expected at least one model, and none called reference (the true sounds have that name); "
            f"got {', '.join(generated) or 'none'}"
        )
    if length_s is not None and not 0 < length_s < float("inf"):
        raise ConfigurationError(f"length_s must be above 0 seconds, got {length_s}")
    files = FolderFiles.find(
        generated, reference, videos=videos, names=names, allow_missing=allow_missing
    )
    true, made = files.reference, files.generated
    sources = {clip: {model: made[model].get(clip) for model in made} for clip in true}
    known = {entry.clip_id: entry for entry in read_impacts(impacts)} if impacts else {}
    settings = {
        "what": "folder",
        "models": list(made),
        "metrics": list(groups),
        "names": names,
        "length_s": length_s,
        "files": _digest_of_files(true, sources),
        "impacts": None if impacts is None else _sha256(Path(impacts).read_bytes()),
    }
    times = {
        clip: tuple(impact.time_s for impact in known[clip].impacts)
        for clip in true
        if clip in known
    }
    listening = NetworkEvaluation(
        clips=list(true),
        sounds={},  # when it is known which clips failed
        lengths_s=_lengths_s(true, length_s) if networks else {},
        videos=files.videos,
        captions={} if captions is None else read_captions(captions, list(true), names=names),
        device=device,
        batch_size=batch_size,
        cache=features_folder() if cache is None else Path(cache),
        say=say or _silent,
        progress=progress or _silent,
    )
    lacking = listening.not_run(networks)
    if lacking and metrics is not None:
        raise ConfigurationError(
            "; ".join(f"{name} cannot run: {reason}" for name, reason in lacking.items())
        )
    not_run |= lacking
    rows = run(
        list(true),
        partial(
            _measurer,
            true,
            sources,
            length_s,
            times if "apcc" in groups else {},
            onsets="onsets" in groups,
        ),
        ClipRow.from_json,
        settings=settings,
        path=path,
        anew=anew,
        jobs=jobs,
        progress=progress,
    )
    measured = summarise_folder(rows, ["reference", *made], groups=groups, impacts=known)
    listening.sounds = _heard_sounds(rows, true, sources)
    heard = _listened(listening, [name for name in networks if name not in lacking], measured)
    not_run |= heard.pop("not_run")
    heard["per_clip"] = values_per_clip(rows, ["reference", *made], groups) | heard["per_clip"]
    for model in made:
        measured["models"][model]["failed"]["unknown"] = files.unknown[model]
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "pavas_sdk": __version__,
        "settings": settings,
        "clips": {
            "count": len(rows),
            "names_sha256": _sha256("\n".join(sorted(true)).encode()),
            "impacts": sum(len(times.get(clip, ())) for clip in true),
            "impacts_without_clip": sorted(set(known) - set(true)),
        },
        **measured,
        **heard,
        "conventions": {
            **{
                name: {"title": m.title, "better": m.better, "convention": m.convention}
                for name, m in METRICS.items()
                if m.group in groups
            },
            **heard["conventions"],
        },
        "not_run": not_run,
    }


def _groups(
    metrics: Sequence[str] | None, impacts: str | Path | None
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """Return what is measured without and with networks, and what cannot be."""
    known = (*GROUPS, *NETWORK_METRICS)
    wanted = known if metrics is None else tuple(dict.fromkeys(metrics))
    wrong = [name for name in wanted if name not in known]
    if wrong or not wanted:
        raise ConfigurationError(
            f"no metric is called {', '.join(wrong)}; there are {', '.join(known)}"
        )
    groups = tuple(name for name in wanted if name in GROUPS)
    networks = tuple(name for name in wanted if name in NETWORK_METRICS)
    if "apcc" not in wanted or impacts is not None:
        return groups, networks, {}
    reason = "no file of known impacts was given (--impacts)"
    if metrics is not None:
        raise ConfigurationError(f"apcc cannot run: {reason}")
    return tuple(name for name in groups if name != "apcc"), networks, {"apcc": reason}


def _measurer(
    true: Mapping[str, Path],
    sources: Mapping[str, Mapping[str, Path | None]],
    length_s: float | None,
    times: Mapping[str, tuple[float, ...]],
    *,
    onsets: bool,
) -> Callable[[str], ClipRow]:
    def measure(clip: str) -> ClipRow:
        return measure_sounds(
            clip,
            true[clip],
            sources[clip],
            length_s=length_s,
            impacts_s=times.get(clip, ()),
            onsets=onsets,
        )

    return measure


def _lengths_s(true: Mapping[str, Path], length_s: float | None) -> dict[str, float | None]:
    """Return where the sounds of every clip are cut for the networks."""
    if length_s is not None:
        return dict.fromkeys(true, length_s)
    from pavas_sdk.media import read_audio

    return {clip: read_audio(path).duration_s for clip, path in true.items()}


def _heard_sounds(
    rows: Sequence[ClipRow],
    true: Mapping[str, Path],
    sources: Mapping[str, Mapping[str, Path | None]],
) -> dict[str, dict[str, Path | None]]:
    """Return the files that networks hear, by model and clip; None for failed clips."""
    heard: dict[str, dict[str, Path | None]] = {"reference": dict(true)}
    for row in rows:
        clip = str(row.clip_id)
        for model, path in sources[clip].items():
            ok = row.sounds[model].status == "ok"
            heard.setdefault(model, {})[clip] = path if ok else None
    return heard


def _listened(
    listening: NetworkEvaluation, names: Sequence[str], measured: dict[str, Any]
) -> dict[str, Any]:
    """Hear, put the figures into ``measured``, and return what else belongs into the result."""
    listening.hear(names)
    found = network_figures(listening, names)
    for name, figures in found["figures"].items():
        for model, figure in figures.items():
            measured["models"][model]["metrics"][name] = figure
        for row in measured["differences"]:
            row["metrics"][name] = found["differences"][name][row["first"], row["second"]]
    return {
        "per_clip": found["per_clip"],
        "noise_floor": found["noise_floor"],
        "left_out": found["left_out"],
        "extractors": listening.described(found["figures"]),
        "not_run": found["empty"],
        "conventions": {
            name: {
                "title": NETWORK_METRICS[name].title,
                "better": NETWORK_METRICS[name].better,
                "convention": NETWORK_METRICS[name].convention,
                "interval": interval_method(name),
                "rows": rows[0],
                "columns": rows[1],
            }
            for name, rows in found["rows"].items()
        },
    }


def _silent(*_: Any) -> None:
    pass


def _digest_of_files(
    true: Mapping[str, Path], sources: Mapping[str, Mapping[str, Path | None]]
) -> str:
    """Return a digest of names, sizes and times of change: rows of changed files are not reused."""
    lines = []
    for clip, path in true.items():
        for file in (path, *sources[clip].values()):
            facts = file.stat() if file is not None else None
            lines.append(
                f"{clip} - -" if facts is None else f"{clip} {facts.st_size} {facts.st_mtime_ns}"
            )
    return _sha256("\n".join(lines).encode())


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
