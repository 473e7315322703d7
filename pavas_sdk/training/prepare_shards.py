"""Shards of features: made one after the other, or by the workers of an engine."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation import (
    Annotation,
    DriverConfig,
    EngineConfig,
    ItemReport,
    JobFolder,
    JobProgress,
    WorkSpec,
    make_workers,
    run_items,
)
from pavas_sdk.data.documents import read_object
from pavas_sdk.errors import (
    ConfigurationError,
    FormatError,
    InputError,
    OutputError,
    PavasError,
)
from pavas_sdk.training.clip_features import ClipEncoding
from pavas_sdk.training.datasets import SetLayout, shard_folder, write_feature_shard
from pavas_sdk.training.datasets.feature_set import check_shard
from pavas_sdk.training.datasets.level import LevelPolicy
from pavas_sdk.training.datasets.writer import shard_meta

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pavas_sdk.pipelines import PavasPipeline
    from pavas_sdk.training.datasets import FeatureRow
    from pavas_sdk.training.prepare_plan import PreparePlan

__all__ = ["ShardWork", "load_encoders", "make_shards"]

logger = logging.getLogger(__name__)


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


def make_shards(
    folder: Path,
    source: JobFolder,
    plan: PreparePlan,
    pipe: PavasPipeline | None,
    engine: EngineConfig | None,
    device: str,
    tell: Callable[[ItemReport, JobProgress], None] | None,
) -> None:
    """Make the shards that are missing; see `pavas_sdk.training.prepare.prepare`.

    Args:
        folder: Of the features, begun: ``prepare.json`` and the texts are there.
        source: The annotation.
        plan: What is to be done.
        pipe: The model, loaded already, or None; used by this process alone.
        engine: Who works; this process by default.
        device: torch device of the encoders.
        tell: Hears of every shard that is finished.

    Raises:
        InputError: A shard failed as a whole.
        OutputError: The folder cannot be written.
    """
    items = [
        {"clip_id": f"shard {number}", "number": number, "clips": list(clips)}
        for number, clips in enumerate(plan.shards())
        if not _is_whole(shard_folder(folder, number), plan.layout)
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


def _is_whole(folder: Path, layout: SetLayout) -> bool:
    """Whether a shard is finished; one that was damaged since is forgotten, and said."""
    if shard_meta(folder) is None:
        return False
    try:
        check_shard(folder, layout)
    except FormatError as err:
        logger.warning("%s is made again: %s", folder, err)
        (folder / "meta.json").unlink()
        return False
    return True


def _report(item: Mapping[str, Any], facts: Mapping[str, Any]) -> ItemReport:
    from pavas_sdk.annotation import ItemReport

    return ItemReport(
        item=item, status="ok", attempt=1, worker=0, started_s=0.0, seconds=0.0, facts=facts
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
