"""A whole annotation job: what is left is handed out, what happens is kept."""

from __future__ import annotations

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation.annotating import AnnotationConfig, AnnotationWork
from pavas_sdk.annotation.driver import DriverConfig, ItemReport, run_items
from pavas_sdk.annotation.engines import EngineConfig, make_workers
from pavas_sdk.annotation.job_folder import JobFolder
from pavas_sdk.annotation.progress import JobProgress
from pavas_sdk.annotation.stages import STAGES, Stage, stage_path
from pavas_sdk.annotation.work import WorkSpec
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pavas_sdk.annotation.clips import ClipEntry

__all__ = ["JobReport", "annotate"]

_FACTORY = f"{AnnotationWork.__module__}:{AnnotationWork.__name__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class JobReport:
    """What a folder holds after a run.

    Attributes:
        total: Clips on the work list.
        ok: Annotated.
        empty: Annotated; nothing moves in them.
        failed: Failed, with a reason each in ``failures.jsonl``.
        this_run: Clips that this run finished.
        seconds: How long it took.
    """

    total: int
    ok: int
    empty: int
    failed: int
    this_run: int
    seconds: float

    @property
    def left(self) -> int:
        """Clips that are not done."""
        return self.total - self.ok - self.empty - self.failed


def annotate(
    clips: Sequence[ClipEntry],
    out: str | Path,
    config: AnnotationConfig,
    *,
    engine: EngineConfig | None = None,
    retry_failed: bool = False,
    limit: int | None = None,
    device: str = "cpu",
    cache: str | Path | None = None,
    stage: Stage | None = None,
    licences: Sequence[str] = (),
    tell: Callable[[ItemReport, JobProgress], None] | None = None,
) -> JobReport:
    """Annotate clips into a folder; what is done there already is not done again.

    The files are the same from any engine and any number of workers.

    Args:
        clips: Put on the folder's work list; none: those that are on it.
        out: The folder.
        config: What the results depend on.
        engine: Who works; this process by default.
        retry_failed: Do failed clips again.
        limit: Do at most so many clips now.
        device: torch device of the estimators.
        cache: Folder of estimates made earlier, read and filled.
        stage: Do this stage alone, of clips of which the one before is done; see
            `pavas_sdk.annotation.stages`.
        licences: Noted in the folder: of the models.
        tell: Hears of every clip that is finished.

    Raises:
        ConfigurationError: The folder holds results of another configuration, or another driver
            works on it.
        InputError: Ids that stand there twice, or too many failures.
        OutputError: Results cannot be written: a full disk. What was done is kept.
        ComponentError: Plugins are missing.
    """
    engine = engine or EngineConfig()
    folder = JobFolder(out)
    with folder.locked():
        digest = folder.start(config.to_json(), licences)
        whole = folder.add_clips(clips)
        folder.sweep()
        status = {clip.clip_id: folder.status(clip.clip_id) for clip in whole}
        if retry_failed:
            for name in [name for name, found in status.items() if found == "failed"]:
                folder.forget(name)
                status[name] = None
        todo = [clip for clip in whole if status[clip.clip_id] is None]
        if stage is not None:
            todo = _of_stage(todo, folder, stage)
        todo = todo[:limit]
        progress = JobProgress(len(whole), Counter(s for s in status.values() if s))
        run = _Run(folder, digest, progress, tell)
        try:
            if todo:
                settings: dict[str, Any] = {
                    "folder": str(folder.root.absolute()),
                    "digest": digest,
                    "device": device,
                    "cache": None if cache is None else str(Path(cache).absolute()),
                }
                if stage is not None:
                    settings["stage"] = stage
                run.work_off(todo, WorkSpec(factory=_FACTORY, config=settings), engine)
        finally:
            report = run.report()
    return report


def _of_stage(clips: Sequence[ClipEntry], folder: JobFolder, stage: Stage) -> list[ClipEntry]:
    """Return the clips of which the stage before is done, and this one is not.

    Raises:
        InputError: The stage before was not run at all.
    """
    stages = folder.root / "stages"
    place = STAGES.index(stage)
    before = None if place == 0 else STAGES[place - 1]
    ready = [
        clip
        for clip in clips
        if before is None or stage_path(stages, before, clip.clip_id).is_file()
    ]
    if clips and not ready:
        raise InputError(
            f"no clip is ready for the stage {stage}; run pavas annotate --stage {before} first"
        )
    if stage == "geometry":
        return ready
    return [clip for clip in ready if not stage_path(stages, stage, clip.clip_id).is_file()]


class _Run:
    """One run of a job, as its driver keeps it."""

    def __init__(
        self,
        folder: JobFolder,
        digest: str,
        progress: JobProgress,
        tell: Callable[[ItemReport, JobProgress], None] | None,
    ) -> None:
        self._folder = folder
        self._digest = digest
        self._progress = progress
        self._tell = tell
        self._before = progress.done

    def work_off(self, todo: Sequence[ClipEntry], spec: WorkSpec, engine: EngineConfig) -> None:
        workers = make_workers(
            spec, engine, token=self._folder.write_token(), logs=self._folder.root / "logs"
        )
        run_items(
            [clip.to_json() for clip in todo],
            workers,
            config=DriverConfig(
                workers=max(1, engine.workers),
                time_limit_s=engine.time_limit_s,
                max_failure_rate=engine.max_failure_rate,
            ),
            give_up=self._give_up,
            tell=self._hear,
        )

    def report(self) -> JobReport:
        """Write ``failures.jsonl`` and ``report.json``, and return what they say."""
        counts = self._progress.counts
        seconds = self._progress.elapsed_s
        found = JobReport(
            total=self._progress.total,
            ok=counts["ok"],
            empty=counts["empty"],
            failed=counts["failed"],
            this_run=self._progress.done - self._before,
            seconds=round(seconds, 3),
        )
        failures = []
        for clip in self._folder.clips():
            if self._folder.status(clip.clip_id) == "failed":
                why = self._folder.result(clip.clip_id)["failure"]
                failures.append({"clip_id": clip.clip_id, "path": clip.path, **why})
        self._folder.write_lines("failures.jsonl", failures)
        values = {name: getattr(found, name) for name in JobReport.__slots__}
        write_text(
            self._folder.root / "report.json",
            json.dumps({**values, "left": found.left}, indent=2) + "\n",
            overwrite=True,
        )
        return found

    def _give_up(self, item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
        # what a dying interpreter says differs from run to run; it is kept with the attempt
        kept = {"error": failure["error"], "message": failure["message"], "slot": None, "trace": []}
        self._folder.write_result(
            str(item["clip_id"]), "failed", self._digest, {"clip": dict(item), "failure": kept}
        )

    def _hear(self, report: ItemReport) -> None:
        self._folder.note(
            "attempts.jsonl",
            {
                "clip_id": report.item["clip_id"],
                "status": report.status,
                "attempt": report.attempt,
                "driver": os.getpid(),
                "worker": report.worker,
                "started_s": round(report.started_s, 3),
                "seconds": round(report.seconds, 3),
                "failure": dict(report.failure) or None,
            },
        )
        if report.status == "staged":
            self._progress.staged += 1
        elif report.status != "retried":
            self._progress.add(report.status)
        if self._tell is not None:
            self._tell(report, self._progress)
