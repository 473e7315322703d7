"""Making the sounds of a plan by several workers: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.cli.annotate import JobLines
from pavas_sdk.cli.estimator_options import EstimatorChoice
from pavas_sdk.cli.generate_run import Report, Request, make_all
from pavas_sdk.cli.model_options import AddedWeights
from pavas_sdk.data.claims import ClaimedError
from pavas_sdk.pipelines.result_files import SoundInput

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.annotation import EngineConfig, ItemReport
    from pavas_sdk.pipelines.result_plan import ResultPlan

__all__ = ["GenerateWork", "make_all_by_workers"]


class GenerateWork:
    """Makes sounds; see `pavas_sdk.annotation.work.Work`. The model is loaded once.

    Args:
        out: Folder of the results.
        planning: Keywords of `plan_results`.
        request: `Request` as JSON.
        choice: `EstimatorChoice` as JSON.
        added: `AddedWeights` as JSON.
        model: Preset, folder or Hub repository; None: the default.
        device: torch device.
        dtype: Name of a torch dtype.

    Raises:
        PavasError: The model cannot be loaded.
    """

    def __init__(
        self,
        out: str,
        planning: Mapping[str, Any],
        request: Mapping[str, Any],
        choice: Mapping[str, Any],
        added: Mapping[str, Any],
        model: str | None,
        device: str,
        dtype: str,
    ) -> None:
        from pavas_sdk.cli.generate import load_pipeline

        self._out = Path(out)
        self._planning = dict(planning)
        self._request = Request(**{**request, "cache": _cache(request["cache"])})
        chosen = EstimatorChoice(**{**choice, "cache": _cache(choice["cache"])})
        loras = tuple((str(source), float(weight)) for source, weight in added["loras"])
        weights = AddedWeights(**{**added, "loras": loras})
        self._pipe = load_pipeline(model, device, dtype, chosen, weights)

    def run(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """Make and write the sounds of one input.

        Raises:
            PavasError: It fails.
        """
        from pavas_sdk.pipelines.result_plan import plan_results

        given = dict(item["source"])
        given["path"] = None if given["path"] is None else Path(given["path"])
        planning = {**self._planning, "overwrite": item["overwrite"]}
        plan = plan_results((SoundInput(**given),), self._out, **planning)
        for _, error in plan.refused:
            raise error
        try:
            report = make_all(plan, self._request, lambda: self._pipe, alone=True)
        except ClaimedError:
            return {"status": "ok", "results": [], "kept": [str(item["clip_id"])]}
        return {"status": "ok", "results": report.results, "kept": report.kept}

    def failed(self, item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
        """Keep nothing: an input without results is made by the next run."""


def make_all_by_workers(
    plan: ResultPlan,
    request: Request,
    engine: EngineConfig,
    *,
    out: Path,
    planning: Mapping[str, Any],
    choice: EstimatorChoice,
    added: AddedWeights,
    model: str | None,
    device: str,
    dtype: str,
) -> Report:
    """Make what a plan says by the workers of an engine; what fails, fails alone.

    Args:
        plan: What is to be made.
        request: How.
        engine: By whom.
        out: Folder of the results; every worker must see it.
        planning: Keywords of `plan_results` with which ``plan`` was made.
        choice: The estimator.
        added: Adapter and LoRAs.
        model: See `GenerateWork`.
        device: torch device.
        dtype: Name of a torch dtype.

    Raises:
        PavasError: Workers cannot work, results cannot be written, or too many inputs fail.
    """
    from pavas_sdk.annotation import DriverConfig, JobFolder, WorkSpec, make_workers, run_items
    from pavas_sdk.annotation import JobProgress as Progress

    report = Report(kept=[str(files.source) for files, _ in plan.kept])
    for source, error in plan.refused:
        report.fail(source, str(error))
    items = []
    for files in plan.todo:
        name = str(files.source)
        source = replace(files.source, path=files.source.path and files.source.path.absolute())
        item = {"clip_id": name, "source": _plain(asdict(source)), "overwrite": files.overwrite}
        items.append(item)
    if not items:
        return report
    settings = {
        "out": str(out.absolute()),
        "planning": dict(planning),
        "request": _plain(asdict(request)),
        "choice": _plain(asdict(choice)),
        "added": asdict(added),
        "model": model,
        "device": device,
        "dtype": dtype,
    }
    spec = WorkSpec(factory=f"{GenerateWork.__module__}:{GenerateWork.__name__}", config=settings)
    progress, lines = Progress(len(items), unit="videos"), JobLines()

    def tell(done: ItemReport) -> None:
        if done.status != "retried":
            progress.add(done.status)
        lines(done, progress)
        if done.status == "failed":
            why = str(done.failure.get("message"))
            report.failures.append((str(done.item["clip_id"]), why))
        elif done.status != "retried":
            report.results += done.facts["results"]
            report.kept += done.facts["kept"]

    token = JobFolder(out).write_token()
    try:
        with tempfile.TemporaryDirectory(prefix="pavas-logs-") as logs:
            workers = make_workers(spec, engine, token=token, logs=Path(logs))
            limits = DriverConfig(
                workers=engine.workers,
                time_limit_s=engine.time_limit_s,
                max_failure_rate=engine.max_failure_rate,
            )
            run_items(items, workers, config=limits, give_up=_give_up, tell=tell)
    finally:
        Path(token[0]).unlink(missing_ok=True)
    return report


def _give_up(item: Mapping[str, Any], failure: Mapping[str, Any]) -> None:
    """Keep nothing: the report names it."""


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: str(v.absolute()) if isinstance(v, Path) else v for key, v in values.items()}


def _cache(value: Any) -> bool | Path | None:
    return Path(value) if isinstance(value, str) else value
