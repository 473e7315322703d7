"""From annotated clips to a folder of training features: frozen encoders, latents, masked sums."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation import JobFolder
from pavas_sdk.data.documents import read_object
from pavas_sdk.data.files import make_folder, write_text
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.training.clip_features import ClipEncoding
from pavas_sdk.training.datasets import (
    SetDescription,
    SetLayout,
    shard_folder,
    write_description,
    write_texts,
)
from pavas_sdk.training.datasets.writer import has_texts, shard_meta
from pavas_sdk.training.prepare_plan import PrepareConfig, plan_preparation
from pavas_sdk.training.prepare_shards import load_encoders, make_shards

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pavas_sdk.annotation import EngineConfig, ItemReport, JobProgress
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.training.datasets.level import LevelPolicy
    from pavas_sdk.training.prepare_plan import PreparePlan

__all__ = ["PrepareConfig", "PrepareReport", "prepare"]

_TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What a finished folder holds.

    Attributes:
        rows: Clips with features.
        failures: Clips that could not be encoded: "clip_id", "error", "message".
        not_annotated: Clips of the work list that failed or are not done in the annotation.
        level: The level policy, with its gain.
        clipped: Clips among the rows that were recorded clipped; they are used as they are.
    """

    rows: int
    failures: tuple[Mapping[str, Any], ...]
    not_annotated: int
    level: LevelPolicy
    clipped: tuple[str, ...] = ()


def prepare(
    data: str | Path,
    out: str | Path,
    config: PrepareConfig,
    *,
    pipe: PavasPipeline | None = None,
    engine: EngineConfig | None = None,
    device: str = "cpu",
    tell: Callable[[ItemReport, JobProgress], None] | None = None,
) -> PrepareReport:
    """Make the features of all annotated clips; shards that are there are not made again.

    Args:
        data: Folder of `pavas annotate`.
        out: Folder for the features.
        config: What they depend on.
        pipe: The pipeline of ``config.model``, loaded already; used by this process alone.
        engine: Who works, shard by shard; this process by default.
        device: torch device of the encoders.
        tell: Hears of every shard that is finished.

    Raises:
        InputError: No clip is annotated, or too many cannot be encoded.
        ConfigurationError: The folder holds features of other settings or clips, or clips are not
            all of one length.
        OutputError: The folder cannot be written: a full disk. Finished shards are kept.
    """
    folder, source = Path(out), JobFolder(data)
    make_folder(folder)
    loaded = pipe if pipe is not None else load_encoders(config.model, device)
    plan = plan_preparation(source, config, loaded)
    _start(folder, plan)
    _write_texts(folder, loaded, plan)
    make_shards(folder, source, plan, loaded if pipe is not None else None, engine, device, tell)
    return _finish(folder, plan)


def _start(folder: Path, plan: PreparePlan) -> None:
    path = folder / "prepare.json"
    document = {"settings": dict(plan.settings), "layout": _layout_json(plan.layout)}
    if not path.exists():
        write_text(path, json.dumps(document, indent=2) + "\n")
        return
    known = read_object(path).get("settings", {})
    wrong = [
        f"{name} was {known.get(name)!r}, is {value!r}"
        for name, value in plan.settings.items()
        if known.get(name) != value
    ]
    if wrong:
        raise ConfigurationError(
            f"{folder} holds features of other settings or clips: {'; '.join(wrong)}. Use another "
            "folder with -o, or delete this one"
        )


def _layout_json(layout: SetLayout) -> dict[str, Any]:
    return {name: getattr(layout, name) for name in SetLayout.__slots__}


def _write_texts(folder: Path, pipe: PavasPipeline, plan: PreparePlan) -> None:
    if has_texts(folder, plan.texts):
        return
    encoding = ClipEncoding(pipe, plan.layout, plan.level)

    def rows() -> Iterator[Any]:
        for first in range(0, len(plan.texts), _TEXTS_AT_ONCE):
            yield from encoding.encode_texts(list(plan.texts[first : first + _TEXTS_AT_ONCE]))

    write_texts(folder, plan.texts, rows())


def _finish(folder: Path, plan: PreparePlan) -> PrepareReport:
    rows, failures, clipped = 0, [], []
    for number in range(len(plan.shards())):
        meta = shard_meta(shard_folder(folder, number))
        assert meta is not None
        rows += int(meta["rows"])
        failures += meta["failures"]
        clipped += [str(c["id"]) for c in meta["clips"] if c.get("clipped_recording")]
    write_text(
        folder / "failures.jsonl", "".join(json.dumps(f) + "\n" for f in failures), overwrite=True
    )
    if rows == 0:
        raise InputError(
            f"no clip could be encoded; the first: {failures[0]['message']}; all reasons are in "
            f"{folder / 'failures.jsonl'}"
        )
    description = SetDescription(
        layout=plan.layout,
        model=str(plan.settings["model"]),
        encoders=plan.settings["encoders"],
        level=plan.level.to_json(),
        rows=rows,
        annotation={"job": plan.settings["annotation"]},
    )
    write_description(folder, description)
    return PrepareReport(
        rows=rows,
        failures=tuple(failures),
        not_annotated=plan.not_annotated,
        level=plan.level,
        clipped=tuple(clipped),
    )
