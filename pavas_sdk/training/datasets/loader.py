"""Batches read ahead in threads; which rows they hold depends on (seed, step) alone."""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.datasets.batch import TrainingBatch
from pavas_sdk.training.datasets.mixture import BatchOrder
from pavas_sdk.training.datasets.rows import RowBuffers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.mixture import Mixture

__all__ = ["BatchLoader"]


class BatchLoader:
    """Reads the batches of a run.

    Step s has the same rows whatever the number of processes, the micro-batch, the threads, and
    the step at which a run was taken up again.

    Args:
        mixture: The sets.
        batch: Rows per step, all processes together.
        seed: Of the order.
        threads: Threads that read.
        ahead: Parts read ahead of the loop.

    Raises:
        ConfigurationError: A size that is not above 0.

    Example:
        >>> loader = BatchLoader(Mixture([FeatureSet("data/features")]), batch=512, seed=0)
        >>> for parts in loader.steps(0, 30_000, process=0, processes=1, micro_batch=64):
        ...     for part in parts:
        ...         loss = model(part.to("cuda"))
    """

    def __init__(
        self, mixture: Mixture, *, batch: int, seed: int = 0, threads: int = 2, ahead: int = 4
    ) -> None:
        if threads < 1 or ahead < 1:
            raise ConfigurationError(f"expected threads and ahead above 0, got {threads}, {ahead}")
        self.mixture = mixture
        self.order = BatchOrder(len(mixture), batch, seed)
        self._threads = threads
        self._ahead = ahead
        self._local = threading.local()

    def read(self, step: int, positions: NDArray[np.int64] | None = None) -> TrainingBatch:
        """Return the batch of a step, or the rows at some positions of it.

        Raises:
            FormatError: A file cannot be read.
        """
        positions = np.arange(self.order.batch) if positions is None else positions
        return self._read(step, positions, self.order.at(step)[positions])

    def steps(
        self,
        start: int,
        stop: int,
        *,
        process: int = 0,
        processes: int = 1,
        micro_batch: int | None = None,
    ) -> Iterator[list[TrainingBatch]]:
        """Yield, for each step from ``start`` to before ``stop``, this process's micro-batches.

        Args:
            start: First step.
            stop: One behind the last.
            process: Number of this process, from 0.
            processes: How many share each batch.
            micro_batch: Rows at once; by default all of this process's.

        Raises:
            ConfigurationError: More processes than rows in a batch, or a micro-batch below 1.
            FormatError: A file cannot be read.
        """
        parts = self.shares(process, processes, micro_batch)
        with ThreadPoolExecutor(self._threads, thread_name_prefix="pavas-loader") as pool:
            waiting: deque[Future[TrainingBatch]] = deque()
            todo = ((step, part) for step in range(start, stop) for part in parts)
            try:
                for _ in range(start, stop):
                    found = []
                    for _ in parts:
                        while len(waiting) < self._ahead + 1 and (job := next(todo, None)):
                            rows = self.order.at(job[0])[job[1]]
                            waiting.append(pool.submit(self._read, *job, rows))
                        found.append(waiting.popleft().result())
                    yield found
            finally:
                for future in waiting:
                    future.cancel()

    def shares(
        self, process: int, processes: int, micro_batch: int | None
    ) -> list[NDArray[np.int64]]:
        """Return the positions of each micro-batch of a process.

        Raises:
            ConfigurationError: See `steps`.
        """
        size = self.order.batch
        if not 0 <= process < processes <= size:
            raise ConfigurationError(
                f"process {process} of {processes} cannot share batches of {size}"
            )
        own = np.array_split(np.arange(size), processes)[process]
        if micro_batch is None:
            return [own]
        if micro_batch < 1:
            raise ConfigurationError(f"micro_batch must be above 0, got {micro_batch}")
        return [own[first : first + micro_batch] for first in range(0, own.size, micro_batch)]

    def _read(
        self, step: int, positions: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> TrainingBatch:
        sets = self._own_sets()
        buffers = RowBuffers.of(self.mixture.layout, len(rows))
        for place, row in enumerate(rows):
            sets.read(int(row), buffers, place)
        return TrainingBatch.of(
            buffers, self.mixture.layout, step=step, positions=positions, rows=rows
        )

    def _own_sets(self) -> Mixture:
        """Return this thread's readers."""
        found: Mixture | None = getattr(self._local, "sets", None)
        if found is None:
            found = self._local.sets = self.mixture.reopened()
        return found
