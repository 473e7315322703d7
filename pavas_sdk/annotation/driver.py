"""The one loop that hands items to workers and replaces those that die."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation.work import typed_error
from pavas_sdk.errors import ComponentFailedError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pavas_sdk.annotation.workers import Event, Workers

__all__ = ["DriverConfig", "ItemReport", "run_items"]

_TICK_S = 0.5
_TRIES = 2  # an item that killed so many workers is given up


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverConfig:
    """How a job is run; none of it changes a result.

    Attributes:
        workers: How many at once.
        time_limit_s: A worker that takes longer for one item is ended; None: no limit.
        max_failure_rate: The job stops when more than this share has failed ...
        judged_after: ... of at least so many items.
    """

    workers: int = 1
    time_limit_s: float | None = 600.0
    max_failure_rate: float = 0.2
    judged_after: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemReport:
    """What became of one item, or of one try.

    Attributes:
        item: The item.
        status: "ok", "empty", "failed", or "retried": a worker died on it, and it is tried again.
        attempt: 1 for the first try.
        worker: Number of the worker.
        started_s: When, seconds since 1970.
        seconds: How long it took.
        facts: Of `Work.run`.
        failure: Of a failed or retried one.
    """

    item: Mapping[str, Any]
    status: str
    attempt: int
    worker: int
    started_s: float
    seconds: float
    facts: Mapping[str, Any] = field(default_factory=dict)
    failure: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Task:
    """An item in hand."""

    item: Mapping[str, Any]
    attempt: int
    started: bool = False
    started_s: float = 0.0
    clock_s: float = 0.0


class _Driver:
    def __init__(
        self,
        items: Sequence[Mapping[str, Any]],
        workers: Workers,
        config: DriverConfig,
        give_up: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
        tell: Callable[[ItemReport], None],
    ) -> None:
        self._todo = deque(_Task(item, 1) for item in items)
        self._workers = workers
        self._config = config
        self._give_up = give_up
        self._tell = tell
        self._starting: set[int] = set()
        self._idle: set[int] = set()
        self._busy: dict[int, _Task] = {}
        self._lost_at_start = 0
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        while self._todo or self._busy:
            self._staff()
            while self._idle and self._todo:
                worker, task = self._idle.pop(), self._todo.popleft()
                task.clock_s, task.started_s = time.monotonic(), time.time()
                self._busy[worker] = task
                self._workers.send(worker, task.item)
            event = self._workers.wait(_TICK_S)
            if event is not None:
                self._hear(event)
            self._end_slow_ones()

    def _staff(self) -> None:
        wanted = min(self._config.workers, len(self._todo) + len(self._busy))
        while len(self._starting) + len(self._idle) + len(self._busy) < wanted:
            self._starting.add(self._workers.spawn())

    def _hear(self, event: Event) -> None:
        worker = event.worker
        if event.kind == "ready":
            self._lost_at_start = 0
            self._starting.discard(worker)
            self._idle.add(worker)
        elif event.kind == "refused":
            raise typed_error(event.value)
        elif event.kind == "started":
            self._busy[worker].started = True
        elif event.kind == "done":
            self._finish(worker, event.value)
        else:
            self._bury(worker, event.value)

    def _finish(self, worker: int, outcome: Mapping[str, Any]) -> None:
        task = self._busy.pop(worker)
        if outcome["status"] == "stopped":
            raise typed_error(outcome["failure"])
        self._idle.add(worker)
        self._report(task, worker, str(outcome["status"]), outcome["facts"], outcome["failure"])

    def _bury(self, worker: int, why: Mapping[str, Any]) -> None:
        """A worker is gone: its item, if it had begun, is blamed; a second time, given up."""
        self._idle.discard(worker)
        if worker in self._starting:
            self._starting.discard(worker)
            self._lost_at_start += 1
            if self._lost_at_start > 2 + self._config.workers:
                trace = "; ".join(why.get("trace", ())[-3:])
                raise ComponentFailedError(
                    f"workers die before they are ready: {why.get('message')}"
                    + (f": {trace}" if trace else "")
                )
            return
        task = self._busy.pop(worker, None)
        if task is None:
            return
        if not task.started:
            self._todo.appendleft(task)
            return
        failure = {"error": "WorkerDied", "slot": None, **why}
        if task.attempt < _TRIES:
            self._report(task, worker, "retried", {}, failure)
            # behind the others: what is wrong with it must not hold them up
            self._todo.append(_Task(task.item, task.attempt + 1))
            return
        failure["message"] = f"worker died twice on it: {why.get('message')}"
        self._give_up(task.item, failure)
        self._report(task, worker, "failed", {}, failure)

    def _end_slow_ones(self) -> None:
        limit = self._config.time_limit_s
        if limit is None:
            return
        for worker, task in list(self._busy.items()):
            if time.monotonic() - task.clock_s > limit:
                self._workers.kill(worker)
                task.started = True
                self._bury(worker, {"message": f"it took longer than {limit:g} s", "trace": []})

    def _report(
        self,
        task: _Task,
        worker: int,
        status: str,
        facts: Mapping[str, Any],
        failure: Mapping[str, Any],
    ) -> None:
        self._tell(
            ItemReport(
                item=task.item,
                status=status,
                attempt=task.attempt,
                worker=worker,
                started_s=task.started_s,
                seconds=time.monotonic() - task.clock_s,
                facts=facts,
                failure=failure,
            )
        )
        if status == "retried":
            return
        self._counts[status] += 1
        judged, failed = sum(self._counts.values()), self._counts["failed"]
        rate = self._config.max_failure_rate
        if judged >= self._config.judged_after and failed > rate * judged:
            raise InputError(
                f"{failed} of {judged} failed, more than {rate:.0%}; the last one: "
                f"{failure.get('message') or 'see the failures table'}. Mend what is wrong, or "
                "allow more with --max-failure-rate; what is done is kept"
            )


def run_items(
    items: Sequence[Mapping[str, Any]],
    workers: Workers,
    *,
    config: DriverConfig,
    give_up: Callable[[Mapping[str, Any], Mapping[str, Any]], None],
    tell: Callable[[ItemReport], None],
) -> None:
    """Have every item done once, by whichever worker is free; workers are closed at the end.

    An item that raises fails alone. One whose worker dies is tried once more, then given up.

    Args:
        items: Plain JSON values.
        workers: Who does them.
        config: How.
        give_up: Keeps that an item failed whose workers died.
        tell: Hears what became of each item and try.

    Raises:
        OutputError: Results cannot be written: nothing more is begun.
        InputError: Too many items fail.
        ComponentFailedError: Workers die before they are ready.
        PavasError: A worker cannot work, as it says.
    """
    try:
        _Driver(items, workers, config, give_up, tell).run()
    finally:
        workers.close()
