"""From annotated clips to a folder of training features: frozen encoders, latents, masked sums."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation import (
    Annotation,
    DriverConfig,
    EngineConfig,
    JobFolder,
    JobProgress,
    WorkSpec,
    make_workers,
    run_items,
)
from pavas_sdk.annotation.job_folder import job_hash
from pavas_sdk.data.documents import read_object
from pavas_sdk.data.files import make_folder, write_text
from pavas_sdk.errors import ConfigurationError, InputError, OutputError, PavasError
from pavas_sdk.training.clip_features import ClipEncoding, encoder_digests, layout_of
from pavas_sdk.training.datasets import (
    SetDescription,
    SetLayout,
    shard_folder,
    write_description,
    write_feature_shard,
    write_texts,
)
from pavas_sdk.training.datasets.level import LevelPolicy, constant_level
from pavas_sdk.training.datasets.writer import shard_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pavas_sdk.annotation import ClipEntry, ItemReport
    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.training.datasets import FeatureRow

__all__ = ["PrepareConfig", "PrepareReport", "ShardWork", "prepare"]

_TEXTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """What the features depend on.

    Attributes:
        model: Preset, folder or Hub repository of the pipeline whose encoders are used.
        level: "constant", "reference" or "none"; see `LevelPolicy`.
        level_from: Folder of features whose level is taken over, in place of ``level``: clips for
            validation get the gain of the training set.
        split: Only clips of this split; None: all.
        max_objects: Objects kept per clip; those seen most.
        shard_size: Clips per shard.
    """

    model: str
    level: str = "constant"
    split: str | None = None
    max_objects: int = 4
    shard_size: int = 1024
    level_from: str | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Numbers that are impossible.
        """
        if self.max_objects < 1 or self.shard_size < 1:
            raise ConfigurationError(
                "max_objects and shard_size must be above 0, got "
                f"{self.max_objects} and {self.shard_size}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What a finished folder holds.

    Attributes:
        rows: Clips with features.
        failures: Clips that could not be encoded: "clip_id", "error", "message".
        not_annotated: Clips of the work list that failed or are not done in the annotation.
        level: The level policy, with its gain.
    """

    rows: int
    failures: tuple[Mapping[str, Any], ...]
    not_annotated: int
    level: LevelPolicy


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
    plan = _plan(source, config, loaded)
    _start(folder, plan)
    _write_texts(folder, loaded, plan)
    _make_shards(folder, source, plan, loaded if pipe is not None else None, engine, device, tell)
    return _finish(folder, plan)


def load_encoders(model: str, device: str) -> PavasPipeline:
    """Return a pipeline for its encoders, ready on its device.

    Raises:
        PavasError: There is no such model, or it cannot be loaded.
        ConfigurationError: The device cannot be used.
    """
    from pavas_sdk.pipelines import PavasPipeline

    pipe: PavasPipeline = PavasPipeline.from_pretrained(
        model, physics_estimator=None, conditioning_adapter=None
    )
    try:
        pipe.to(device)
    except (RuntimeError, AssertionError) as err:
        raise ConfigurationError(
            f"--device {device} cannot be used here: {err}; leave it out to use the CPU"
        ) from err
    return pipe


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Everything that is decided before the first clip is encoded.

    Attributes:
        clips: Names, sorted.
        texts: Distinct labels; the first is the empty one, which nobody uses.
        level: With the gain.
        layout: Sizes.
        not_annotated: Clips left out.
        settings: What must be the same when a run is taken up again.
    """

    clips: tuple[str, ...]
    texts: tuple[str, ...]
    level: LevelPolicy
    layout: SetLayout
    not_annotated: int
    settings: Mapping[str, Any]
    shard_size: int

    def shards(self) -> list[tuple[str, ...]]:
        size = self.shard_size
        return [self.clips[first : first + size] for first in range(0, len(self.clips), size)]


def _plan(source: JobFolder, config: PrepareConfig, pipe: PavasPipeline) -> _Plan:
    job = source.config()
    duration_s = job.get("duration_s")
    if duration_s is None:
        raise ConfigurationError(
            "the clips are not cut to one length, which training needs; annotate them with "
            "--duration 8"
        )
    listed = [c for c in source.clips() if config.split is None or c.split == config.split]
    usable = [clip for clip in listed if source.status(clip.clip_id) in ("ok", "empty")]
    if not usable:
        raise InputError(
            f"no clip of {source.root} is annotated"
            + (f" in the split {config.split!r}" if config.split else "")
            + "; run pavas annotate first, and see its failures.jsonl"
        )
    level = _level(source, config, usable)
    texts = ("", *sorted({clip.label for clip in usable} - {""}))
    layout = layout_of(pipe, float(duration_s), max_objects=config.max_objects)
    names = tuple(clip.clip_id for clip in usable)
    settings = {
        "model": config.model,
        "encoders": encoder_digests(pipe),
        "level": level.to_json(),
        "max_objects": config.max_objects,
        "shard_size": config.shard_size,
        "annotation": job_hash(job),
        "clips": hashlib.sha256("\n".join(names).encode()).hexdigest(),
        "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
    }
    return _Plan(
        clips=names,
        texts=texts,
        level=level,
        layout=layout,
        not_annotated=len(listed) - len(usable),
        settings=settings,
        shard_size=config.shard_size,
    )


def _level(source: JobFolder, config: PrepareConfig, usable: Iterable[ClipEntry]) -> LevelPolicy:
    if config.level_from is not None:
        known = SetDescription.load(Path(config.level_from)).level
        if not known:
            raise ConfigurationError(
                f"{config.level_from} does not say its level; give --level in place of --level-from"
            )
        return LevelPolicy(**known)
    if config.level != "constant":
        return LevelPolicy(policy=config.level)  # type: ignore[arg-type]  # checked by the class
    return constant_level(_peak(source, clip.clip_id) for clip in usable)


def _peak(source: JobFolder, clip_id: str) -> float:
    sound = source.result(clip_id).get("sound")
    return float(sound["peak"]) if sound else 0.0


def _start(folder: Path, plan: _Plan) -> None:
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


def _write_texts(folder: Path, pipe: PavasPipeline, plan: _Plan) -> None:
    if (folder / "texts.npy").exists():
        return
    encoding = ClipEncoding(pipe, plan.layout, plan.level)

    def rows() -> Iterator[Any]:
        for first in range(0, len(plan.texts), _TEXTS_AT_ONCE):
            yield from encoding.encode_texts(list(plan.texts[first : first + _TEXTS_AT_ONCE]))

    write_texts(folder, plan.texts, rows())


def _make_shards(
    folder: Path,
    source: JobFolder,
    plan: _Plan,
    pipe: PavasPipeline | None,
    engine: EngineConfig | None,
    device: str,
    tell: Callable[[ItemReport, JobProgress], None] | None,
) -> None:
    items = [
        {"clip_id": f"shard {number}", "number": number, "clips": list(clips)}
        for number, clips in enumerate(plan.shards())
        if shard_meta(shard_folder(folder, number)) is None
    ]
    progress = JobProgress(len(items), unit="shards")
    settings = {
        "data": str(source.root.absolute()),
        "out": str(folder.absolute()),
        "model": plan.settings["model"],
        "level": plan.level.to_json(),
        "device": device,
    }
    spec = WorkSpec(factory=f"{ShardWork.__module__}:{ShardWork.__name__}", config=settings)

    def hear(report: ItemReport) -> None:
        if report.status == "failed":
            raise InputError(f"{report.item['clip_id']}: {report.failure.get('message')}")
        if report.status != "retried":
            progress.add(report.status)
        if tell is not None:
            tell(report, progress)

    engine = engine or EngineConfig()
    if pipe is not None or engine == EngineConfig():
        work = ShardWork(**settings, pipe=pipe)
        for item in items:
            facts = work.run(item)
            report = _report(item, facts)
            hear(report)
        return
    if items:
        token = JobFolder(folder).write_token()
        workers = make_workers(spec, engine, token=token, logs=folder / "logs")
        limits = DriverConfig(
            workers=max(1, engine.workers), time_limit_s=None, max_failure_rate=1.0
        )
        run_items(items, workers, config=limits, give_up=_nothing, tell=hear)


def _nothing(item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
    """A shard that is given up is told by the loop; nothing of it is kept."""


def _report(item: Mapping[str, Any], facts: Mapping[str, Any]) -> ItemReport:
    from pavas_sdk.annotation import ItemReport

    return ItemReport(
        item=item, status="ok", attempt=1, worker=0, started_s=0.0, seconds=0.0, facts=facts
    )


def _finish(folder: Path, plan: _Plan) -> PrepareReport:
    rows, failures = 0, []
    for number in range(len(plan.shards())):
        meta = shard_meta(shard_folder(folder, number))
        assert meta is not None
        rows += int(meta["rows"])
        failures += meta["failures"]
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
        rows=rows, failures=tuple(failures), not_annotated=plan.not_annotated, level=plan.level
    )


class ShardWork:
    """Makes shards; see `pavas_sdk.annotation.work.Work`.

    Args:
        data: Folder of the annotation.
        out: Folder of the features, which `prepare` has begun.
        model: Whose encoders.
        level: `LevelPolicy.to_json`.
        device: torch device.
        pipe: The model, loaded already.
    """

    def __init__(
        self,
        data: str,
        out: str,
        model: str,
        level: Mapping[str, Any],
        device: str = "cpu",
        pipe: PavasPipeline | None = None,
    ) -> None:
        self._source = JobFolder(data)
        self._folder = Path(out)
        layout = SetLayout(**read_object(self._folder / "prepare.json")["layout"])
        texts = json.loads((self._folder / "texts.json").read_text(encoding="utf-8"))
        self._texts = {text: place for place, text in enumerate(texts)}
        pipe = load_encoders(model, device) if pipe is None else pipe
        self._layout = layout
        self._encoding = ClipEncoding(pipe, layout, LevelPolicy(**level))

    def run(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Encode the clips of a shard and write it.

        Raises:
            OutputError: It cannot be written.
        """
        failures: list[dict[str, Any]] = []
        rows = write_feature_shard(
            shard_folder(self._folder, int(item["number"])),
            self._rows(item["clips"], failures),
            self._layout,
            failures=failures,
        )
        return {"status": "ok", "rows": rows, "failures": len(failures)}

    def failed(self, item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
        """Keep nothing: the driver tells."""

    def _rows(self, clips: Sequence[str], failures: list[dict[str, Any]]) -> Iterator[FeatureRow]:
        for name in clips:
            try:
                annotation = Annotation.load(self._source, name)
                label = annotation.clip.label
                row = self._encoding.row(annotation, self._texts[label] if label else -1)
            except OutputError:
                raise
            except PavasError as err:
                failures.append({"clip_id": name, "error": type(err).__name__, "message": str(err)})
                continue
            yield row
