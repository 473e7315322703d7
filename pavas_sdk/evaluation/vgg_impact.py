"""APCC over recorded clips: sounds of models from folders, and a list of impacts (VGG-Impact).

The list of the PAVAS paper is not published, so a result is one of a list of one's own; the digest of
the list is part of it, and results of different digests cannot be compared.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.data.claims import file_sha256
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.evaluation.folder_clip import ClipRow, measure_sounds
from pavas_sdk.evaluation.impact_energies import impact_energies
from pavas_sdk.evaluation.impact_list import read_impact_list
from pavas_sdk.evaluation.impacts_file import accepted_impacts
from pavas_sdk.evaluation.pairing import vggsound_name
from pavas_sdk.evaluation.runner import run
from pavas_sdk.evaluation.vgg_impact_summary import summarise_impacts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Literal

    from pavas_sdk.evaluation.impacts_file import ClipImpacts
    from pavas_sdk.physics import PhysicsEstimator
    from pavas_sdk.physics.cache import CacheInput

__all__ = ["evaluate_vgg_impact"]

FORMAT, FORMAT_VERSION = "pavas.evaluation.vgg-impact", 1
_SUFFIXES = (".wav", ".flac")


def evaluate_vgg_impact(
    impacts: str | Path,
    generated: Mapping[str, str | Path],
    reference: str | Path,
    *,
    videos: str | Path | None = None,
    estimator: PhysicsEstimator | None = None,
    cache: CacheInput = None,
    names: Literal["exact", "vggsound"] = "exact",
    length_s: float | None = None,
    allow_missing: bool = False,
    path: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Measure how onset strength follows energy at the impacts of a list, for several models.

    Energies are those of the list; for impacts that have none, they are estimated from the videos,
    once for all models: errors of the energies are common to all of them, so that differences of
    models are more reliable than levels.

    Args:
        impacts: The list (``pavas.impacts``); its accepted impacts count.
        generated: Model to its folder of ``.wav`` and ``.flac`` files named as the clips.
        reference: Folder of the true sounds; it may hold more clips than the list.
        videos: Folder of the videos, for impacts without an energy. None: these do not count.
        estimator: Estimates them.
        cache: Where estimates are kept.
        names: ``exact`` stems, or ``vggsound``: what is around VGGSound's names is cut.
        length_s: Longer sounds are cut here, and impacts after it left out; None: whole.
        allow_missing: Whether models may lack clips; these count with the worst values.
        path: File of finished clips that is continued, see `run`.
        progress: Called with (done, all) after each clip.

    Returns:
        JSON values, format ``pavas.evaluation.vgg-impact`` version 1: ``list`` (name, curator,
        ``digest``, numbers), ``models`` (``apcc_delta`` as the mean over classes,
        ``apcc_delta_weighted`` by impacts, ``classes`` with APCC, difference, interval and counts,
        failed clips), ``differences`` of every two models. Intervals are 95 %; clips are resampled
        within their classes, the same for all models.

    Raises:
        ConfigurationError: No model, or one called reference; videos without an estimator.
        InputError: Clips without a true sound or, unless allowed, a generated one; no impact with
            an energy.
        FormatError: The list.
        MediaError: A true sound or a video cannot be read.
        ComponentError: The estimator failed.
    """
    listed = read_impact_list(impacts)
    known = {clip.clip_id: clip for clip in accepted_impacts(listed)}
    if not known:
        raise InputError(f"{impacts} has no accepted impact: pavas impacts review {impacts}")
    if not generated or "reference" in generated:
        raise ConfigurationError(
            f"expected at least one model, none called reference, got {list(generated)}"
        )
    if (videos is None) != (estimator is None):
        raise ConfigurationError("videos and an estimator belong together; give both or neither")
    true = _of_clips(Path(reference), known, names)
    lacking = [clip for clip in known if clip not in true]
    if lacking:
        raise InputError(
            f"{len(lacking)} clips of the list have no true sound in {reference}: "
            f"{', '.join(lacking[:5])}"
        )
    made = {model: _of_clips(Path(folder), known, names) for model, folder in generated.items()}
    for model, files in made.items():
        lacking = [clip for clip in known if clip not in files]
        if lacking and (not allow_missing or not files):
            raise InputError(
                f"{model} lacks {len(lacking)} clips of the list ({', '.join(lacking[:5])}); complete "
                "the folder, or use --allow-missing: they count with the worst values"
            )
    known = _within(known, length_s)
    energies, origin = impact_energies(known, videos, estimator, cache)
    settings = {
        "measurement": "vgg-impact",
        "list": listed.digest,
        "names": names,
        "length_s": length_s,
        "files": {
            clip: [_facts(true[clip]), *(_facts(files.get(clip)) for files in made.values())]
            for clip in known
        },
        "models": list(made),
    }
    rows = run(
        tuple(known),
        lambda: partial(_measured, true, made, known, length_s),
        ClipRow.from_json,
        settings=settings,
        path=path,
        progress=progress,
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "pavas_sdk": __version__,
        "list": {
            **{key: getattr(listed, key) for key in ("name", "source", "curator", "created")},
            "digest": listed.digest,
            "file_sha256": file_sha256(Path(impacts)),
            "clips": len(known),
            "impacts": sum(len(clip.impacts) for clip in known.values()),
            **origin,
        },
        "settings": {k: v for k, v in settings.items() if k != "files"},
        **summarise_impacts(rows, list(made), known, energies),
    }


def _of_clips(folder: Path, known: Mapping[str, ClipImpacts], names: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in _SUFFIXES:
            continue
        stem = vggsound_name(path.stem) if names == "vggsound" else path.stem
        if stem in found:
            raise InputError(f"{folder} holds {found[stem].name} and {path.name}; keep one")
        if stem in known:
            found[stem] = path
    return found


def _within(known: Mapping[str, ClipImpacts], length_s: float | None) -> dict[str, ClipImpacts]:
    from dataclasses import replace

    if length_s is None:
        return dict(known)
    cut = {
        name: replace(clip, impacts=tuple(i for i in clip.impacts if i.time_s < length_s))
        for name, clip in known.items()
    }
    return {name: clip for name, clip in cut.items() if clip.impacts}


def _facts(path: Path | None) -> list[int] | None:
    return None if path is None else [path.stat().st_size, path.stat().st_mtime_ns]


def _measured(
    true: Mapping[str, Path],
    made: Mapping[str, Mapping[str, Path]],
    known: Mapping[str, ClipImpacts],
    length_s: float | None,
    clip: str,
) -> ClipRow:
    return measure_sounds(
        clip,
        true[clip],
        {model: files.get(clip) for model, files in made.items()},
        length_s=length_s,
        impacts_s=[impact.time_s for impact in known[clip].impacts],
        onsets=False,
    )
