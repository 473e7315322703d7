"""Workers on this machine: processes that read items from their input, one JSON object a line.

Each is a fresh interpreter, so that it needs nothing of the driver's: no guard in the caller's
script, no state that was copied. It ends when its input does, so none outlives a killed driver.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation.workers import Event

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.annotation.work import WorkSpec

__all__ = ["InProcessWorker", "LocalWorkers"]

_TAIL_LINES = 20
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class LocalWorkers:
    """Processes on this machine.

    Args:
        spec: What they do.
        logs: Folder for what they write to stderr, one file each; None: nowhere.
        gpus: Values of ``CUDA_VISIBLE_DEVICES`` to give out in turn; empty: it is left alone.
    """

    def __init__(
        self, spec: WorkSpec, *, logs: Path | None = None, gpus: tuple[str, ...] = ()
    ) -> None:
        self._spec = spec
        self._logs = logs
        self._gpus = gpus
        self._events: queue.Queue[Event] = queue.Queue()
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._count = 0
        if logs is not None:
            logs.mkdir(parents=True, exist_ok=True)

    def spawn(self) -> int:
        """Start a process."""
        number = self._count
        self._count += 1
        log = None if self._logs is None else self._logs / f"worker-{os.getpid()}-{number}.txt"
        with contextlib.ExitStack() as stack:
            stderr: Any = subprocess.DEVNULL
            if log is not None:
                stderr = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(
                [sys.executable, "-m", "pavas_sdk.annotation.worker_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                encoding="utf-8",
                env=self._environment(number),
                start_new_session=True,  # Ctrl-C is the driver's to answer
            )
        self._processes[number] = process
        self._write(number, self._spec.to_json())
        threading.Thread(
            target=self._listen, args=(number, process, log), name=f"pavas-{number}", daemon=True
        ).start()
        return number

    def send(self, worker: int, item: Mapping[str, Any]) -> None:
        """Give a worker one item."""
        self._write(worker, dict(item))

    def wait(self, timeout_s: float) -> Event | None:
        """Return what happened next."""
        try:
            while True:
                event = self._events.get(timeout=max(0.0, timeout_s))
                if event.worker in self._processes:
                    if event.kind == "died":
                        del self._processes[event.worker]
                    return event
        except queue.Empty:
            return None

    def kill(self, worker: int) -> None:
        """End a process."""
        process = self._processes.pop(worker, None)
        if process is not None:
            process.kill()
            process.wait()

    def close(self) -> None:
        """End all processes."""
        for worker in list(self._processes):
            self.kill(worker)

    def pid(self, worker: int) -> int:
        """Return the process id of a worker."""
        return self._processes[worker].pid

    def _write(self, worker: int, message: Mapping[str, Any]) -> None:
        stream = self._processes[worker].stdin
        assert stream is not None
        with contextlib.suppress(OSError, ValueError):  # dead or let go: the listener tells
            stream.write(json.dumps(message) + "\n")
            stream.flush()

    def _listen(self, number: int, process: subprocess.Popen[str], log: Path | None) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # cut off by a kill
                told = json.loads(line)
                self._events.put(Event(worker=number, kind=told["kind"], value=told["value"]))
        code = process.wait()
        process.stdout.close()
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        why = f"signal {-code}" if code < 0 else f"exit code {code}"
        value = {"message": f"its worker died ({why})", "trace": _tail(log)}
        self._events.put(Event(worker=number, kind="died", value=value))
        if log is not None and log.exists() and log.stat().st_size == 0:
            log.unlink(missing_ok=True)

    def _environment(self, number: int) -> dict[str, str]:
        variables = {name: str(self._spec.threads) for name in _THREAD_VARIABLES}
        if self._gpus:
            variables["CUDA_VISIBLE_DEVICES"] = self._gpus[number % len(self._gpus)]
        return {**os.environ, **variables, "PYTHONUNBUFFERED": "1"}


class InProcessWorker:
    """The driver's own process as the only worker: for debugging, and where nothing else is.

    Args:
        spec: What it does.
    """

    def __init__(self, spec: WorkSpec) -> None:
        self._spec = spec
        self._work: Any = None
        self._events: deque[Event] = deque()

    def spawn(self) -> int:
        """Make the work here."""
        from pavas_sdk.annotation.work import build_work

        self._work = build_work(self._spec.to_json())
        self._events.append(Event(worker=0, kind="ready"))
        return 0

    def send(self, worker: int, item: Mapping[str, Any]) -> None:
        """Do the item at once."""
        from pavas_sdk.annotation.work import attempt

        self._events.append(Event(worker=worker, kind="started"))
        outcome = attempt(self._work, item).to_json()
        self._events.append(Event(worker=worker, kind="done", value=outcome))

    def wait(self, timeout_s: float) -> Event | None:
        """Return what happened next."""
        del timeout_s
        return self._events.popleft() if self._events else None

    def kill(self, worker: int) -> None:
        """Do nothing: it would be the driver."""

    def close(self) -> None:
        """Let go of the work."""
        self._work = None


def _tail(log: Path | None) -> list[str]:
    if log is None:
        return []
    with contextlib.suppress(OSError), log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 8192))
        return stream.read().decode("utf-8", "replace").splitlines()[-_TAIL_LINES:]
    return []
