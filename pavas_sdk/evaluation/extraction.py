"""Runs metric extractors over files: only what is not kept yet, in batches, with a plan of the time.

Memory holds one network and a few batches, whatever the number of files.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import ContractError, InputError
from pavas_sdk.evaluation.feature_store import FeatureStore, feature_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.interfaces import MetricExtractor

__all__ = ["Extraction", "MediaItem", "digest_of_file"]

_PENDING_BATCHES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaItem:
    """One thing to hear or see.

    Attributes:
        source: A file, or a caption.
        digest: Of the file's contents, or of the caption.
        length_s: Longer sound is cut here, seconds; None: not.
        beside: The video that goes with a sound, for extractors that compare both.
    """

    source: Path | str
    digest: str
    length_s: float | None = None
    beside: MediaItem | None = None


def digest_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's contents."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(slots=True, eq=False)
class Extraction:
    """One extractor with its kept features.

    Attributes:
        name: Qualified name of the extractor.
        extractor: The extractor.
        folder: Of kept features.
        batch_size: Clips that the network gets at once.
        beside: The extraction of the videos, for an extractor that compares sound with pictures.
        refused: Key to reason, of items that are too short for the network, and of unreadable videos.
    """

    name: str
    extractor: MetricExtractor
    folder: Path
    batch_size: int = 4
    beside: Extraction | None = None
    refused: dict[str, str] = field(default_factory=dict)
    _store: FeatureStore | None = None

    @property
    def store(self) -> FeatureStore:
        """The kept features."""
        if self._store is None:
            self._store = FeatureStore(self.folder, self.name, self.identity())
        return self._store

    def identity(self) -> str:
        """Digest of everything but the files that determines what comes out."""
        parts = [self.name, self.extractor.version, self.extractor.config.to_json()]
        parts += [self.extractor.weights_digest()]
        parts += [None if self.beside is None else self.beside.identity()]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def key(self, item: MediaItem) -> str:
        """Return the key of an item's features."""
        beside = None if self.beside is None or item.beside is None else item.beside.digest
        return feature_key(item.digest, item.length_s, beside)

    def missing(self, items: Sequence[MediaItem]) -> list[MediaItem]:
        """Return the items that are not kept, each once."""
        by_key = {self.key(item): item for item in items}
        known = self.store.known(by_key, self.extractor.outputs[0])
        return [item for key, item in by_key.items() if key not in known | self.refused.keys()]

    def features(self, items: Sequence[MediaItem], name: str) -> list[NDArray[np.float32] | None]:
        """Return one output of kept items, in their order; None where an item was refused."""
        return self.store.read([self.key(item) for item in items], name)

    def run(
        self, items: Sequence[MediaItem], done: Callable[[int], None] = lambda count: None
    ) -> float:
        """Hear what is not kept.

        Args:
            items: What to hear.
            done: Called with the number of items after each batch.

        Returns:
            Seconds that it took.

        Raises:
            MediaError: A sound cannot be read.
            WeightsError: Weights are missing or damaged.
            ContractError: The extractor does not keep its contract.
            OutputError: The features cannot be kept.
        """
        started = time.monotonic()
        waiting: dict[Any, list[tuple[MediaItem, NDArray[Any], NDArray[Any] | None]]]
        waiting = defaultdict(list)
        for item in items:
            beside = self._beside(item)
            if self.key(item) in self.refused:
                done(1)
                continue
            try:
                prepared = self.extractor.prepare(self._open(item), length_s=item.length_s)
            except InputError as err:
                # A sound that cannot be read has failed before, and is an error here. A video is the
                # same for all models: nobody gains when it is left out.
                if type(err) is not InputError and self.extractor.medium != "video":
                    raise
                self.refused[self.key(item)] = str(err)
                done(1)
                continue
            shape = (prepared.shape, None if beside is None else beside.shape)
            waiting[shape].append((item, prepared, beside))
            if len(waiting[shape]) == self.batch_size:
                done(self._extract(waiting.pop(shape)))
            elif sum(map(len, waiting.values())) >= _PENDING_BATCHES * self.batch_size:
                largest = max(waiting, key=lambda shape: len(waiting[shape]))
                done(self._extract(waiting.pop(largest)))
        for batch in waiting.values():
            done(self._extract(batch))
        return time.monotonic() - started

    def _open(self, item: MediaItem) -> Any:
        from pavas_sdk.media import open_video, read_audio

        if self.extractor.medium == "text":
            return str(item.source)
        return (read_audio if self.extractor.medium == "audio" else open_video)(item.source)

    def _beside(self, item: MediaItem) -> NDArray[np.float32] | None:
        if self.beside is None:
            return None
        assert item.beside is not None
        key = self.beside.key(item.beside)
        found = self.beside.store.get(key, self.beside.extractor.outputs[0])
        if found is None:
            self.refused[self.key(item)] = self.beside.refused.get(key, "its video was not seen")
        return found

    def _extract(self, batch: list[tuple[MediaItem, NDArray[Any], NDArray[Any] | None]]) -> int:
        extractor = self.extractor
        beside = [entry[2] for entry in batch if entry[2] is not None]
        found = extractor.extract(
            np.stack([entry[1] for entry in batch]), beside=np.stack(beside) if beside else None
        )
        _check(self.name, extractor.outputs, found, len(batch))
        self.store.put(
            {
                self.key(item): {name: found[name][row] for name in extractor.outputs}
                for row, (item, _, _) in enumerate(batch)
            }
        )
        return len(batch)


def _check(
    name: str, outputs: tuple[str, ...], found: Mapping[str, NDArray[Any]], count: int
) -> None:
    wrong = [
        output
        for output in outputs
        if output not in found
        or found[output].shape[:1] != (count,)
        or not np.isfinite(found[output]).all()
    ]
    if wrong:
        raise ContractError(
            f"metric_extractor {name} returned no finite {', '.join(wrong)} for each of {count} clips"
        )
