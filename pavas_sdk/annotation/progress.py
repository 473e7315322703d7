"""How far a job is: counts, rate, time left."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["JobProgress"]


class JobProgress:
    """Counts clips as they are finished.

    Args:
        total: Clips of the job.
        before: Status of clips that were done earlier, with their numbers.
        clock: Seconds, from any moment.
        unit: What is counted.
    """

    def __init__(
        self,
        total: int,
        before: Counter[str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        unit: str = "clips",
    ) -> None:
        self.total = total
        self.unit = unit
        self.counts: Counter[str] = Counter(before or {})
        self.staged = 0
        """Clips of which this run did one stage."""
        self._before = sum(self.counts.values())
        self._clock = clock
        self._began_s = clock()

    @property
    def done(self) -> int:
        """Clips that are finished, failed ones included."""
        return sum(self.counts.values())

    def add(self, status: str) -> None:
        """Count a finished clip."""
        self.counts[status] += 1

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._began_s

    @property
    def rate_hz(self) -> float:
        """Clips per second of this run; 0 before the first."""
        elapsed = self.elapsed_s
        return (self.done - self._before + self.staged) / elapsed if elapsed > 0 else 0.0

    @property
    def left_s(self) -> float | None:
        """Seconds that the rest will take at this rate; None before the first clip."""
        return (self.total - self.done) / self.rate_hz if self.rate_hz > 0 else None

    def line(self) -> str:
        """Return a line for people."""
        text = f"{self.done} of {self.total} {self.unit}"
        notes = [f"{self.counts[name]} {name}" for name in ("empty", "failed") if self.counts[name]]
        text += f" ({', '.join(notes)})" if notes else ""
        text += f", {self.staged} through this stage" if self.staged else ""
        if self.rate_hz > 0:
            text += f", {self.rate_hz * 60:.1f} {self.unit}/min"
        left = self.left_s
        if left is not None and not self.staged and self.done < self.total:
            text += f", {_span(left)} left"
        return text


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
