"""The part of a folder evaluation that needs networks: which can run, and hearing what is not kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    MissingPluginError,
    WeightsError,
)
from pavas_sdk.evaluation.extraction import Extraction, MediaItem, digest_of_file
from pavas_sdk.evaluation.inception import SPLITS
from pavas_sdk.evaluation.network_metrics import NETWORK_METRICS, NetworkMetric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["NetworkEvaluation", "features_folder"]


def features_folder() -> Path:
    """Return where features are kept when nothing is said: ``metric_features`` in the cache folder."""
    from pavas_sdk.interfaces import cache_folder

    return cache_folder() / "metric_features"


def _silent(*_: Any) -> None:
    pass


@dataclass(kw_only=True, eq=False)
class NetworkEvaluation:
    """What the networks hear in folders.

    Attributes:
        clips: Names of the clips, sorted.
        sounds: By model ("reference" first), then by clip: the file, None for a failed clip.
        lengths_s: By clip: where sounds and videos are cut.
        videos: File by clip; missing clips have no video.
        captions: Text by clip.
        device: For torch, such as "cuda"; None: the CPU.
        batch_size: Clips that a network gets at once.
        cache: Folder of kept features.
        say: Gets lines about plan and time.
        progress: Called with (done, all) sounds after each batch.
    """

    clips: Sequence[str]
    sounds: Mapping[str, Mapping[str, Path | None]]
    lengths_s: Mapping[str, float | None]
    videos: Mapping[str, Path] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    device: str | None = None
    batch_size: int = 4
    cache: Path = field(default_factory=features_folder)
    say: Callable[[str], None] = _silent
    progress: Callable[[int, int], None] = _silent

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: The batch size is below 1.
        """
        if self.batch_size < 1:
            raise ConfigurationError(f"batch_size must be 1 or more, got {self.batch_size}")
        self._extractions: dict[str, Extraction] = {}
        self._digests: dict[Path, str] = {}
        self._left_out: dict[str, dict[str, str]] = {}

    # -- which can run -------------------------------------------------------------------------

    def not_run(self, names: Sequence[str]) -> dict[str, str]:
        """Return metric to reason, for those that cannot run here."""
        reasons = {}
        for name in names:
            metric = NETWORK_METRICS[name]
            reason = self._lacking(metric)
            if reason is None:
                try:
                    for extractor in self.extractors_of(metric):
                        self.extraction(extractor).extractor.check_ready()
                except ComponentNotFoundError:
                    package = metric.plugin or "pavas-sdk"
                    reason = f"it is not installed; type: pip install {package}"
                except (WeightsError, MissingPluginError) as err:
                    reason = str(err)
            if reason is not None:
                reasons[name] = reason
        return reasons

    def _lacking(self, metric: NetworkMetric) -> str | None:
        if metric.form == "desync" or metric.name == "ib":
            if not self.videos:
                return "no folder of videos was given (--videos)"
        elif metric.form == "cosine" and not self.captions:
            return "no captions were given (--captions)"
        if metric.form == "inception" and len(self.clips) < SPLITS:
            return f"it needs {SPLITS} clips or more, there are {len(self.clips)}"
        if metric.form == "frechet" and len(self.clips) < 2:
            return "it needs 2 clips or more"
        return None

    def extractors_of(self, metric: NetworkMetric) -> list[str]:
        """Return the extractors that a metric needs, those first that others build on."""
        names = [metric.other] if metric.other else []
        beside = self.extraction(metric.extractor).extractor.beside
        return [*([beside] if beside else []), *names, metric.extractor]

    def extraction(self, name: str) -> Extraction:
        """Return the extractor of a qualified name, with its kept features.

        Raises:
            ComponentNotFoundError: It is not installed.
        """
        if name not in self._extractions:
            from pavas_sdk.registry import default_registry

            extractor = default_registry().create("metric_extractor", name)
            if self.device is not None:
                extractor.to(self.device)
            self._extractions[name] = Extraction(
                name=name,
                extractor=extractor,
                folder=self.cache,
                batch_size=self.batch_size,
                beside=self.extraction(extractor.beside) if extractor.beside else None,
            )
        return self._extractions[name]

    def described(self, names: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Return the extractors of metrics by name: distribution, version, licence, weights."""
        from pavas_sdk.registry import default_registry

        order = dict.fromkeys(
            name for metric in names for name in self.extractors_of(NETWORK_METRICS[metric])
        )
        found = {}
        for name in order:
            entry = default_registry().get("metric_extractor", name)
            extractor = self.extraction(name).extractor
            found[name] = {
                "distribution_version": entry.version,
                "version": extractor.version,
                "licence": entry.licence,
                "weights_sha256": extractor.weights_digest(),
            }
        return found

    # -- hearing -------------------------------------------------------------------------------

    def hear(self, names: Sequence[str]) -> None:
        """Extract all that the metrics need and that is not kept, after saying how long it takes.

        The first batch of every extractor is timed; the plan is made of that.

        Raises:
            PavasError: See `Extraction.run`.
        """
        order = dict.fromkeys(
            extractor for name in names for extractor in self.extractors_of(NETWORK_METRICS[name])
        )
        todo = {}
        for name in order:
            extraction = self.extraction(name)
            missing = extraction.missing(self._items(extraction))
            if missing:
                todo[name] = missing
        total, finished = sum(map(len, todo.values())), 0
        if not total:
            return

        def done(count: int) -> None:
            nonlocal finished
            finished += count
            self.progress(finished, total)

        planned_s, first_of = 0.0, {}
        for name, items in todo.items():
            extraction = self.extraction(name)
            # one more than a batch costs nothing here and would be timed without the loading
            first_of[name] = items[: self.batch_size]
            extraction.run(first_of[name][:1], done)
            rest = first_of[name][1:]
            seconds = extraction.run(rest, done) if rest else 0.0
            each_s = seconds / max(1, len(rest))
            planned_s += each_s * (len(items) - len(first_of[name]))
            if len(todo) > 1:
                extraction.extractor.unload()
        left = total - finished
        if left:
            self.say(
                f"{total} clips to hear by {len(todo)} networks, {left} are left: about "
                f"{_span(planned_s)} on {self.device or 'cpu'}; interrupted, the same command goes on"
            )
        for name, items in todo.items():
            extraction = self.extraction(name)
            extraction.run(items[len(first_of[name]) :], done)
            extraction.extractor.unload()

    def _items(self, extraction: Extraction) -> list[MediaItem]:
        medium = extraction.extractor.medium
        if medium == "video":
            return [item for clip in self.clips if (item := self.video(clip)) is not None]
        if medium == "text":
            return [item for clip in self.clips if (item := self.caption(clip)) is not None]
        return [
            item
            for model in self.sounds
            for clip in self.clips
            if (item := self.sound(extraction, model, clip)) is not None
        ]

    def sound(self, extraction: Extraction, model: str, clip: str) -> MediaItem | None:
        """Return a model's sound of a clip; None where it failed, or its video is missing."""
        path = self.sounds[model][clip]
        beside = self.video(clip) if extraction.beside is not None else None
        if path is None or (extraction.beside is not None and beside is None):
            return None
        return MediaItem(
            source=path,
            digest=self._digest(path),
            length_s=self.lengths_s[clip],
            beside=beside,
        )

    def video(self, clip: str) -> MediaItem | None:
        """Return the video of a clip; None where there is none."""
        path = self.videos.get(clip)
        if path is None:
            return None
        return MediaItem(source=path, digest=self._digest(path), length_s=self.lengths_s[clip])

    def caption(self, clip: str) -> MediaItem | None:
        """Return the caption of a clip; None where there is none."""
        text = self.captions.get(clip)
        if text is None:
            return None
        return MediaItem(source=text, digest=hashlib.sha256(text.encode()).hexdigest())

    def _digest(self, path: Path) -> str:
        if path not in self._digests:
            self._digests[path] = digest_of_file(path)
        return self._digests[path]


def _span(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 90 * 60 else f"{seconds / 3600:.1f} h"
