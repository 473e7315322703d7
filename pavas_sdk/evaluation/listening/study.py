"""A listening test as files: a page with opaque names for any static host, and a key that stays at home."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import make_folder, write_failure
from pavas_sdk.errors import (
    ConfigurationError,
    FormatError,
    InputError,
    OutputExistsError,
    PavasError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["QUESTIONS", "StudyKey", "prepare_study", "read_key"]

FORMAT, FORMAT_VERSION = "pavas.listening.key", 1
QUESTIONS = {
    "audio_quality": "The sound is clear and natural, without noise or artefacts.",
    "semantic_alignment": "The sound fits what is seen: these things, and what happens to them.",
    "temporal_alignment": "The sound comes at the right moments.",
    "physical_plausibility": "The sound is as strong and as heavy as what moves and hits.",
}
"""Statements that raters agree with, 1 (strongly disagree) to 5 (strongly agree): the four aspects of the
paper's user study, in words of ours, as its own are not published."""

_SOUNDS, _VIDEOS = (".wav", ".flac"), (".mp4", ".mov", ".mkv", ".webm")


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyKey:
    """What says which sound is whose.

    Attributes:
        study: Its id, which answers carry, too.
        title: Of the page.
        items: Opaque id to (clip, model).
        durations_s: Length of each item, seconds.
        clips_per_rater: How many clips a rater hears, with the sounds of all models.
        checks: Trials that say what is to be answered.
        models: In the order of the table.
    """

    study: str
    title: str
    items: Mapping[str, tuple[str, str]]
    durations_s: Mapping[str, float]
    clips_per_rater: int
    checks: int
    models: tuple[str, ...]

    @property
    def trials(self) -> int:
        """Answers of a complete rater: all sounds, one of them twice, and the checks."""
        return self.clips_per_rater * len(self.models) + 1 + self.checks


def prepare_study(
    generated: Mapping[str, str | Path],
    out: str | Path,
    *,
    videos: str | Path | None = None,
    clips: int | None = None,
    clips_per_rater: int = 8,
    checks: int = 2,
    seed: int = 0,
    title: str = "Listening test",
    progress: Callable[[int, int], None] | None = None,
) -> StudyKey:
    """Write the page and the key of a listening test.

    Args:
        generated: Model to its folder of ``.wav`` and ``.flac`` files; a folder of recordings may be
            one of them. Clips that all have are used.
        out: Folder that is made: ``site/`` for any static host, and ``key.json``, which must not
            be put there.
        videos: Folder of the videos, under whose pictures the sounds are put (AAC in mp4); None:
            sounds alone.
        clips: How many clips, drawn by ``seed``; None: all.
        clips_per_rater: How many of them each rater hears, at most all.
        checks: Trials that say what to answer, 0 or more.
        seed: Of the drawn clips and the opaque names.
        title: Of the page.
        progress: Called with (done, all) after each sound.

    Raises:
        ConfigurationError: Fewer than two models, or impossible numbers.
        InputError: No common clip, or a video is missing.
        MediaError: A sound or a video cannot be read.
        OutputExistsError: ``out`` exists.
        OutputError: It cannot be written.
    """
    final = Path(out)
    if final.exists():
        raise OutputExistsError(f"{final} exists; choose another folder, or remove it")
    if len(generated) < 2 or clips_per_rater < 1 or checks < 0:
        raise ConfigurationError(
            f"expected at least 2 models, 1 clip per rater and 0 checks, got {len(generated)}, "
            f"{clips_per_rater} and {checks}"
        )
    sounds = {model: _sounds(Path(folder)) for model, folder in generated.items()}
    stems = sorted(set.intersection(*(set(files) for files in sounds.values())))
    if not stems:
        raise InputError(f"no clip has a sound of all of {', '.join(generated)}")
    rng = np.random.default_rng(seed)
    if clips is not None and clips < len(stems):
        stems = sorted(rng.choice(stems, size=clips, replace=False).tolist())
    pictures = None if videos is None else _videos(Path(videos), stems)
    make_folder(final.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=f".pavas-{final.name}-", dir=final.parent) as draft:
            folder = Path(draft) / "study"
            key = _write(
                folder,
                sounds,
                stems,
                pictures,
                clips_per_rater=min(clips_per_rater, len(stems)),
                checks=checks,
                seed=seed,
                title=title,
                progress=progress or (lambda done, total: None),
            )
            folder.replace(final)
    except OSError as err:
        if isinstance(err, PavasError):  # what cannot be read says so itself
            raise
        raise write_failure(final, err) from err
    return key


def _write(
    folder: Path,
    sounds: Mapping[str, Mapping[str, Path]],
    stems: Sequence[str],
    pictures: Mapping[str, Path] | None,
    *,
    clips_per_rater: int,
    checks: int,
    seed: int,
    title: str,
    progress: Callable[[int, int], None],
) -> StudyKey:
    from pavas_sdk.media import mux, read_audio

    media = folder / "site" / "media"
    media.mkdir(parents=True)
    contents = hashlib.sha256()
    items, durations, shown = {}, {}, []
    total = len(stems) * len(sounds)
    for stem in stems:
        group = _opaque(seed, stem)
        for model, files in sounds.items():
            item = _opaque(seed, stem, model)
            audio = read_audio(files[stem])
            contents.update(f"{item} ".encode() + files[stem].read_bytes())
            if pictures is None:
                path = media / f"{item}{files[stem].suffix.lower()}"
                shutil.copyfile(files[stem], path)
            else:
                path = media / f"{item}.mp4"
                mux(pictures[stem], audio, path)
            items[item], durations[item] = (stem, model), round(audio.duration_s, 3)
            shown.append(
                {
                    "id": item,
                    "group": group,
                    "file": f"media/{path.name}",
                    "is_video": pictures is not None,
                    "duration_s": durations[item],
                }
            )
            progress(len(items), total)
    key = StudyKey(
        study=contents.hexdigest()[:16],
        title=title,
        items=items,
        durations_s=durations,
        clips_per_rater=clips_per_rater,
        checks=checks,
        models=tuple(sounds),
    )
    # sorted by opaque names: the order of files and of the list says nothing
    shown.sort(key=lambda one: str(one["id"]))
    page = _page(key, shown)
    (folder / "site" / "index.html").write_text(page, encoding="utf-8")
    (folder / "key.json").write_text(json.dumps(_key_json(key), indent=1) + "\n", encoding="utf-8")
    return key


def _page(key: StudyKey, shown: Sequence[Mapping[str, Any]]) -> str:
    data = {
        "study": key.study,
        "title": key.title,
        "questions": QUESTIONS,
        "items": list(shown),
        "clips_per_rater": key.clips_per_rater,
        "checks": key.checks,
    }
    text = json.dumps(data).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    page = resources.files("pavas_sdk.evaluation.listening").joinpath("page.html")
    return page.read_text("utf-8").replace("{{study}}", text)


def _key_json(key: StudyKey) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "study": key.study,
        "title": key.title,
        "models": list(key.models),
        "clips_per_rater": key.clips_per_rater,
        "checks": key.checks,
        "items": {
            item: {"clip": clip, "model": model, "duration_s": key.durations_s[item]}
            for item, (clip, model) in sorted(key.items.items())
        },
    }


def read_key(path: str | Path) -> StudyKey:
    """Read ``key.json``.

    Raises:
        FormatError: Not such a file.
    """
    data = read_document(path, format_name=FORMAT, newest=FORMAT_VERSION, what="key of a study")
    try:
        return StudyKey(
            study=str(data["study"]),
            title=str(data["title"]),
            items={k: (str(v["clip"]), str(v["model"])) for k, v in data["items"].items()},
            durations_s={k: float(v["duration_s"]) for k, v in data["items"].items()},
            clips_per_rater=int(data["clips_per_rater"]),
            checks=int(data["checks"]),
            models=tuple(str(model) for model in data["models"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise FormatError(f"{path} is no whole key of a study: {err!r}") from err


def _opaque(seed: int, *words: str) -> str:
    return hashlib.sha256("\n".join([str(seed), *words]).encode()).hexdigest()[:12]


def _sounds(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    return {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in _SOUNDS}


def _videos(folder: Path, stems: Sequence[str]) -> dict[str, Path]:
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}")
    found = {p.stem: p for p in sorted(folder.iterdir()) if p.suffix.lower() in _VIDEOS}
    missing = [stem for stem in stems if stem not in found]
    if missing:
        raise InputError(
            f"{len(missing)} clips have no video in {folder}, such as {missing[0]}; complete it, or "
            "leave --videos out for sounds alone"
        )
    return found
