"""Sounds of several models in plain folders beside the true sounds: one table, without any network."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.evaluation.folder_clip import ClipRow, measure_sounds
from pavas_sdk.evaluation.folder_summary import METRICS, summarise_folder
from pavas_sdk.evaluation.impacts_file import read_impacts
from pavas_sdk.evaluation.pairing import pair_names
from pavas_sdk.evaluation.runner import run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Literal

__all__ = ["GROUPS", "evaluate_folder"]

FORMAT, FORMAT_VERSION = "pavas.evaluation.folder", 1
GROUPS = ("onsets", "levels", "silence", "apcc")
"""Metrics by the name under which they are asked for."""
_SUFFIXES = (".wav", ".flac")


def evaluate_folder(
    generated: Mapping[str, str | Path],
    reference: str | Path,
    *,
    impacts: str | Path | None = None,
    metrics: Sequence[str] | None = None,
    names: Literal["exact", "vggsound"] = "exact",
    length_s: float | None = 8.0,
    allow_missing: bool = False,
    jobs: int = 1,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Compare the sounds of models with the true sounds, clip by clip of the same name.

    Folders hold ``.wav`` and ``.flac`` files, not in subfolders. Every clip of the reference counts
    for every model: a failed one with the worst values, see `pavas_sdk.evaluation.folder_clip`.

    Args:
        generated: Model to its folder, in the order of the table.
        reference: Folder of the true sounds.
        impacts: File of known impacts (``pavas.impacts``), for APCC.
        metrics: Some of `GROUPS`; None: all that can run, the others are named with their reason.
        names: ``exact`` stems, or ``vggsound``: what is around VGGSound's names is cut.
        length_s: Longer sounds are cut here, seconds; None: at the end of the true sound.
        allow_missing: Whether clips may be missing or unknown. Missing ones still count.
        jobs: Processes.
        path: File of finished clips that is continued, see `run`. Changed files are refused.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values, format ``pavas.evaluation.folder`` version 1: settings, clips (number and digest
        of their names), models (figures with 95 % intervals, failed clips by name), differences of
        models, conventions, and what was not run.

    Raises:
        ConfigurationError: An impossible option, or APCC is asked for without impacts.
        InputError: A folder is missing or empty, a name occurs twice, or names do not match.
        FormatError: The impacts file.
        MediaError: A true sound cannot be read.
        OutputError: ``path`` cannot be written.
    """
    groups, not_run = _groups(metrics, impacts)
    if not generated or "reference" in generated or any("\n" in name for name in generated):
        raise ConfigurationError(
            f"expected at least one model, none called reference, got {list(generated)}"
        )
    if length_s is not None and not 0 < length_s < float("inf"):
        raise ConfigurationError(f"length_s must be above 0 seconds, got {length_s}")
    true = _sounds(Path(reference))
    made = {name: _sounds(Path(folder)) for name, folder in generated.items()}
    sources: dict[str, dict[str, Path | None]] = {clip: {} for clip in true}
    unknown: dict[str, list[str]] = {}
    for model, files in made.items():
        found = pair_names(list(files), list(true), names=names)
        stems, clips = list(files), list(true)
        paired = {clips[row]: files[stems[own]] for row, own in found.pairs}
        if (found.missing or found.unknown) and not allow_missing:
            raise InputError(_unmatched(model, found.missing, found.unknown))
        if not paired:
            raise InputError(f"no file of {model} has the name of a true sound")
        unknown[model] = list(found.unknown)
        for clip in true:
            sources[clip][model] = paired.get(clip)
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
    rows = run(
        list(true),
        partial(_measurer, true, sources, length_s, times if "apcc" in groups else {}),
        ClipRow.from_json,
        settings=settings,
        path=path,
        jobs=jobs,
        progress=progress,
    )
    measured = summarise_folder(rows, ["reference", *made], groups=groups, impacts=known)
    for model in made:
        measured["models"][model]["failed"]["unknown"] = unknown[model]
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
        "conventions": {
            name: {"title": metric.title, "better": metric.better, "convention": metric.convention}
            for name, metric in METRICS.items()
            if metric.group in groups
        },
        "not_run": not_run,
    }


def _groups(
    metrics: Sequence[str] | None, impacts: str | Path | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    wanted = GROUPS if metrics is None else tuple(dict.fromkeys(metrics))
    wrong = [name for name in wanted if name not in GROUPS]
    if wrong or not wanted:
        raise ConfigurationError(f"no metric is called {wrong}; there are {', '.join(GROUPS)}")
    if "apcc" not in wanted or impacts is not None:
        return wanted, {}
    reason = "no file of known impacts was given (--impacts)"
    if metrics is not None:
        raise ConfigurationError(f"apcc cannot run: {reason}")
    return tuple(name for name in wanted if name != "apcc"), {"apcc": reason}


def _sounds(folder: Path) -> dict[str, Path]:
    """Return stem to file, in the order of the stems."""
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    files = sorted(
        (path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES),
        key=lambda path: path.stem,
    )
    found: dict[str, Path] = {}
    for path in files:
        if path.stem in found:
            raise InputError(f"{folder} holds {found[path.stem].name} and {path.name}; keep one")
        found[path.stem] = path
    if not found:
        raise InputError(f"{folder} holds no .wav or .flac file (subfolders are not searched)")
    return found


def _unmatched(model: str, missing: Sequence[str], unknown: Sequence[str]) -> str:
    parts = []
    for what, stems in (("without a sound", missing), ("that the reference has not", unknown)):
        if stems:
            more = ", ..." if len(stems) > 5 else ""
            parts.append(f"{len(stems)} clips {what} ({', '.join(stems[:5])}{more})")
    return (
        f"{model}: {' and '.join(parts)}; complete the folder, use --names vggsound for names around "
        "VGGSound's, or --allow-missing: then missing clips count with the worst values"
    )


def _measurer(
    true: Mapping[str, Path],
    sources: Mapping[str, Mapping[str, Path | None]],
    length_s: float | None,
    times: Mapping[str, tuple[float, ...]],
) -> Callable[[str], ClipRow]:
    def measure(clip: str) -> ClipRow:
        return measure_sounds(
            clip, true[clip], sources[clip], length_s=length_s, impacts_s=times.get(clip, ())
        )

    return measure


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
