"""The loop: batches in, checkpoints, averages, validations and a log out."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data.files import make_folder
from pavas_sdk.errors import ConfigurationError, FormatError
from pavas_sdk.training.checkpoint import (
    CHECKPOINT_NAME,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from pavas_sdk.training.datasets.loader import BatchLoader
from pavas_sdk.training.fixed_validation import validation_losses
from pavas_sdk.training.flow_draws import draw_rows
from pavas_sdk.training.run_log import RunLog
from pavas_sdk.training.stored_averages import mix_stored, store_average
from pavas_sdk.training.training_run import TrainingRun, make_accelerator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pavas_sdk.training.datasets.batch import TrainingBatch
    from pavas_sdk.training.datasets.mixture import Mixture
    from pavas_sdk.training.flow_draws import FlowDraws
    from pavas_sdk.training.objective import FlowObjective
    from pavas_sdk.training.run_config import RunConfig
    from pavas_sdk.training.training_run import Update

__all__ = ["RunResult", "train_objective"]

logger = logging.getLogger(__name__)
_REPORT_EVERY = 50
_TRACKERS = ("tensorboard", "wandb", "trackio")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a training ended.

    Attributes:
        steps: Finished steps, of this call and earlier ones.
        finished: Whether those are all; else a checkpoint waits.
        loss: Mean of the last report, NaN when there is none.
        skipped: Steps that were not finite.
        validation: Last figures of `validation_losses`.
        is_main_process: Whether this process is the first: the one that writes.
    """

    steps: int
    finished: bool
    loss: float
    skipped: int
    validation: Mapping[str, float]
    is_main_process: bool = True


def train_objective(
    objective: FlowObjective,
    config: RunConfig,
    folder: str | Path,
    clips: Mixture,
    *,
    validation: Mixture | None = None,
    resume: bool = False,
    until_step: int | None = None,
    tracker: str | None = None,
    facts: Mapping[str, Any] | None = None,
    on_report: Callable[[Mapping[str, Any]], None] | None = None,
) -> RunResult:
    """Train in place what requires a gradient; at the end it holds the final average.

    Stopping at a checkpoint and going on is the straight run to the bit, on one kind of machine
    and with the same micro-batches: batches and draws depend on (seed, step, row) alone. Other
    numbers of processes and other micro-batches give the same up to rounding.

    Args:
        objective: Backbone and adapter.
        config: Numbers.
        folder: For checkpoint, averages, log, curve and page.
        clips: To train on.
        validation: Others, for a loss with fixed draws.
        resume: Go on from the checkpoint in ``folder``.
        until_step: Stop, with a checkpoint, after this step.
        tracker: "tensorboard", "wandb" or "trackio", through accelerate.
        facts: Shown on the page and kept in the checkpoint.
        on_report: Called with each entry of the log.

    Raises:
        ConfigurationError: accelerate or the tracker is missing, or there is a checkpoint of an
            earlier run and ``resume`` is off.
        FormatError: The checkpoint is of another run or other clips, or features cannot be read.
        OutputError: The folder cannot be written.
        PavasError: Too many steps in a row were not finite.
    """
    folder = Path(folder)
    make_folder(folder)
    if has_checkpoint(folder) and not resume:
        raise ConfigurationError(
            f"{folder / CHECKPOINT_NAME} is there from an earlier run; pass resume=True (--resume) "
            "to go on from it, or give another folder (--out)"
        )
    accelerator = _with_tracker(tracker, folder)
    run = TrainingRun(objective, config, accelerator=accelerator)
    if resume:
        _check_clips(load_checkpoint(folder, run), facts or {}, folder)
    loop = _Loop(run, folder, validation, dict(facts or {}), on_report)
    if tracker is not None:
        accelerator.init_trackers(folder.name, config={"run": str(config.to_json())})
    stop = config.steps if until_step is None else min(until_step, config.steps)
    loader = BatchLoader(clips, batch=config.batch, seed=config.seed)
    objective.train()
    steps = loader.steps(
        run.step,
        stop,
        process=accelerator.process_index,
        processes=accelerator.num_processes,
        micro_batch=config.micro_batch,
    )
    for parts in steps:
        update = run.update(_with_draws(parts, config), count=len(parts), total_rows=config.batch)
        loop.after(update, last=run.step == stop)
    finished = run.step >= config.steps
    if finished:
        loop.finish()
    if tracker is not None:
        accelerator.end_training()
    objective.eval()
    return RunResult(
        steps=run.step,
        finished=finished,
        loss=loop.loss,
        skipped=run.skipped,
        validation=loop.validation_figures,
        is_main_process=loop.main,
    )


def _check_clips(document: Mapping[str, Any], facts: Mapping[str, Any], folder: Path) -> None:
    """Refuse other clips than a run was begun with, as far as their number tells."""
    before, now = document.get("facts", {}).get("clips"), facts.get("clips")
    if None not in (before, now) and before != now:
        raise FormatError(
            f"the run in {folder} was begun with {before} clips, repeats counted, and now there are "
            f"{now}; go on with the same features and repeats, or train in another folder"
        )


def _with_draws(
    parts: list[TrainingBatch], config: RunConfig
) -> Iterator[tuple[TrainingBatch, FlowDraws]]:
    for part in parts:
        yield (
            part,
            draw_rows(
                config.seed,
                part.step,
                part.positions.tolist(),
                (part.mean.shape[1], part.mean.shape[2]),
                time_logit_mean=config.time_logit_mean,
                time_logit_std=config.time_logit_std,
            ),
        )


def _with_tracker(tracker: str | None, folder: Path) -> Any:
    if tracker is None:
        return make_accelerator()
    # accelerate leaves a tracker that is not installed out without a word
    if tracker not in _TRACKERS or find_spec(tracker) is None:
        raise ConfigurationError(
            f"the tracker {tracker!r} cannot be used: there are {', '.join(_TRACKERS)}, and the "
            f"package must be installed: pip install {tracker}"
        )
    return make_accelerator(log_with=tracker, project_dir=str(folder))


class _Loop:
    """What happens beside the steps."""

    def __init__(
        self,
        run: TrainingRun,
        folder: Path,
        validation: Mixture | None,
        facts: dict[str, Any],
        on_report: Callable[[Mapping[str, Any]], None] | None,
    ) -> None:
        self.run = run
        self.folder = folder
        self.validation = validation
        self.facts = facts
        self.on_report = on_report
        self.main = bool(run.accelerator.is_main_process)
        self.log = RunLog(folder, step=run.step) if self.main else None
        self.loss = float("nan")
        self.validation_figures: dict[str, float] = {}
        self._recent: list[Update] = []
        self._began = self._saved = time.monotonic()
        self._first = run.step

    def after(self, update: Update, *, last: bool) -> None:
        """Report, validate, store averages and save where it is time."""
        run, config = self.run, self.run.config
        self._recent.append(update)
        step = run.step
        if step % _REPORT_EVERY == 0 or last:
            self._report(update)
        for average in run.averages:
            if (
                self.main
                and not update.skipped
                and average.updates % config.average.keep_every == 0
            ):
                store_average(self.folder, average)
        if step % config.validate_every == 0 or last:
            self._validate()
        due = step % config.save_every == 0 or self._is_late()
        if due or last:
            self._save()

    def finish(self) -> None:
        """Store the last averages and hand out the final one."""
        run, config = self.run, self.run.config
        if self.main:
            for average in run.averages:
                store_average(self.folder, average)
        run.accelerator.wait_for_everyone()
        sigma = config.average.final_sigma_rel
        if sigma is not None and run.averages and run.averages[0].updates:
            for name, value in mix_stored(self.folder, sigma_rel=sigma).items():
                run.trainable[name].data.copy_(value)
        self._draw()

    def _is_late(self) -> bool:
        return time.monotonic() - self._saved > self.run.config.save_every_s

    def _save(self) -> None:
        if self.main:
            save_checkpoint(self.folder, self.run, {"facts": self.facts})
            self._draw()
        self.run.accelerator.wait_for_everyone()
        self._saved = time.monotonic()

    def _report(self, update: Update) -> None:
        good = [entry.loss for entry in self._recent if not entry.skipped]
        self.loss = float(np.mean(good)) if good else float("nan")
        done = self.run.step - self._first
        entry = {
            "step": self.run.step,
            "loss": self.loss,
            "grad_norm": update.grad_norm,
            "learning_rate": update.learning_rate,
            "skipped": self.run.skipped,
            "steps_per_s": done / max(1e-9, time.monotonic() - self._began),
        }
        self._recent.clear()
        self._add(entry)

    def _validate(self) -> None:
        if self.validation is None:
            return
        config = self.run.config
        self.validation_figures = validation_losses(
            self.run.objective,
            self.validation,
            rows=config.batch,
            seed=config.seed,
            device=self.run.accelerator.device,
            micro_batch=config.micro_batch or min(config.batch, 16),
        )
        self._add({"step": self.run.step, **self.validation_figures})

    def _add(self, entry: Mapping[str, Any]) -> None:
        # JSON has no NaN
        kept = {
            k: v if not isinstance(v, float) or np.isfinite(v) else None for k, v in entry.items()
        }
        if self.log is not None:
            self.log.add(kept)
        self.run.accelerator.log({k: v for k, v in kept.items() if v is not None}, self.run.step)
        if self.main and self.on_report is not None:
            self.on_report(kept)
        logger.info("%s", kept)

    def _draw(self) -> None:
        if self.log is not None:
            self.log.draw({**self.facts, **self.run.config.to_json()})
