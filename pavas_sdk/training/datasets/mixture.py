"""Several sets as one, and the order in which its clips are drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.training.datasets.layout import SetLayout
    from pavas_sdk.training.datasets.rows import RowBuffers, RowSource

__all__ = ["BatchOrder", "Mixture"]


class Mixture:
    """Sets one after another, each as often as said.

    Args:
        sets: The sets.
        repeats: How often each counts, 1 by default. MMAudio repeats VGGSound five times beside
            the audio-text sets (three times for its larger networks).

    Raises:
        InputError: No set, or an empty one.
        ConfigurationError: Sets of different sizes, or repeats that do not fit.
    """

    def __init__(self, sets: Sequence[RowSource], repeats: Sequence[int] | None = None) -> None:
        repeats = [1] * len(sets) if repeats is None else list(repeats)
        if not sets or any(len(part) == 0 for part in sets):
            raise InputError("training needs at least one set with at least one clip")
        if len(repeats) != len(sets) or min(repeats) < 1:
            raise ConfigurationError(f"expected {len(sets)} repeats of 1 or more, got {repeats}")
        self.sets = tuple(sets)
        self.repeats = tuple(repeats)
        # zeros stand for pictures that are missing, so a set with pictures gives their sizes
        first = next((part for part in sets if part.layout.has_video), sets[0]).layout
        for part in sets:
            wrong = first.differences(part.layout)
            if wrong:
                raise ConfigurationError(
                    f"sets of different sizes cannot be mixed: {'; '.join(wrong)}; prepare them "
                    "with one model"
                )
        exact = any(part.layout.dtype == "float32" for part in sets)
        physics = max((part.layout for part in sets), key=lambda layout: layout.patch_dim)
        self.layout: SetLayout = replace(
            first,
            dtype="float32" if exact else "float16",
            patch_dim=physics.patch_dim,
            max_objects=max(part.layout.max_objects for part in sets),
        )
        sizes = [len(part) * count for part, count in zip(sets, repeats, strict=True)]
        self._starts = np.concatenate([[0], np.cumsum(sizes)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def read(self, row: int, into: RowBuffers, place: int) -> None:
        """Put one clip into row ``place`` of a batch."""
        part, at = self._place(row)
        part.read(at, into, place)

    def clip_id(self, row: int) -> str:
        """Return the name of a clip."""
        part, at = self._place(row)
        return part.clip_id(at)

    def reopened(self) -> Mixture:
        """Return a reader of the same sets for another thread."""
        return Mixture([part.reopened() for part in self.sets], self.repeats)

    def _place(self, row: int) -> tuple[RowSource, int]:
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        index = bisect_right(self._starts, row) - 1
        part = self.sets[index]
        return part, (row - int(self._starts[index])) % len(part)


class BatchOrder:
    """Which rows stand in the batch of a step: a function of (seed, step) alone.

    Every epoch is a new permutation; batches run over its end into the next, so that every row is
    seen equally often, whatever the batch. (The reference drops an epoch's last rows instead.)

    Args:
        rows: Rows in all.
        batch: Rows of a batch, all processes together.
        seed: Of the order.

    Raises:
        ConfigurationError: A size that is not above 0.
    """

    def __init__(self, rows: int, batch: int, seed: int) -> None:
        if rows < 1 or batch < 1:
            raise ConfigurationError(f"expected rows and a batch above 0, got {rows} and {batch}")
        self.rows = rows
        self.batch = batch
        self.seed = seed
        self._kept: OrderedDict[int, NDArray[np.int64]] = OrderedDict()

    def at(self, step: int) -> NDArray[np.int64]:
        """Return the rows of a step's batch, (batch,), counted from step 0."""
        first = step * self.batch
        places = np.arange(first, first + self.batch)
        out = np.empty(self.batch, dtype=np.int64)
        for epoch in range(first // self.rows, (first + self.batch - 1) // self.rows + 1):
            here = places // self.rows == epoch
            out[here] = self._epoch(epoch)[places[here] % self.rows]
        return out

    def _epoch(self, epoch: int) -> NDArray[np.int64]:
        order = self._kept.get(epoch)
        if order is None:
            order = np.random.default_rng([self.seed, epoch]).permutation(self.rows)
            while len(self._kept) >= 2:
                self._kept.popitem(last=False)
            self._kept[epoch] = order
        return order
