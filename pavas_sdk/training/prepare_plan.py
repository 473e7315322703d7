"""What a preparation will do: which clips, texts, sizes and level, decided before any work."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation.job_folder import job_hash
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.training.clip_features import encoder_digests, layout_of
from pavas_sdk.training.datasets import SetDescription, SetLayout
from pavas_sdk.training.datasets.level import LevelPolicy, constant_level

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pavas_sdk.annotation import ClipEntry, JobFolder
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["PrepareConfig", "PreparePlan", "plan_preparation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareConfig:
    """What the features depend on.

    Attributes:
        model: Preset, folder or Hub repository of the pipeline whose encoders are used.
        level: "constant", "reference" or "none"; see `LevelPolicy`.
        level_from: Folder of features whose level is taken over, in place of ``level``: clips for
            validation get the gain of the training set.
        split: Only clips of this split; None: all.
        max_objects: Objects kept per clip; those seen most.
        shard_size: Clips per shard.
    """

    model: str
    level: str = "constant"
    split: str | None = None
    max_objects: int = 4
    shard_size: int = 1024
    level_from: str | None = None

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Numbers that are impossible.
        """
        if self.max_objects < 1 or self.shard_size < 1:
            raise ConfigurationError(
                "max_objects and shard_size must be above 0, got "
                f"{self.max_objects} and {self.shard_size}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparePlan:
    """Everything that is decided before the first clip is encoded.

    Attributes:
        clips: Names, sorted.
        texts: Distinct labels; the first is the empty one, which nobody uses.
        level: With the gain.
        layout: Sizes.
        not_annotated: Clips left out.
        settings: What must be the same when a run is taken up again.
        shard_size: Clips per shard.
    """

    clips: tuple[str, ...]
    texts: tuple[str, ...]
    level: LevelPolicy
    layout: SetLayout
    not_annotated: int
    settings: Mapping[str, Any]
    shard_size: int

    def shards(self) -> list[tuple[str, ...]]:
        """Return the clips of each shard."""
        size = self.shard_size
        return [self.clips[first : first + size] for first in range(0, len(self.clips), size)]


def plan_preparation(source: JobFolder, config: PrepareConfig, pipe: PavasPipeline) -> PreparePlan:
    """Decide what will be done with the finished clips of an annotation.

    Args:
        source: The annotation.
        config: What the features depend on.
        pipe: Whose encoders.

    Raises:
        InputError: No clip is annotated.
        ConfigurationError: Clips are not all of one length, or there is no level to take over.
    """
    job = source.config()
    duration_s = job.get("duration_s")
    if duration_s is None:
        raise ConfigurationError(
            "the clips are not cut to one length, which training needs; annotate them with "
            "--duration 8"
        )
    listed = [c for c in source.clips() if config.split is None or c.split == config.split]
    usable = [clip for clip in listed if source.status(clip.clip_id) in ("ok", "empty")]
    if not usable:
        raise InputError(
            f"no clip of {source.root} is annotated"
            + (f" in the split {config.split!r}" if config.split else "")
            + "; run pavas annotate first, and see its failures.jsonl"
        )
    level = _level(source, config, usable)
    texts = ("", *sorted({clip.label for clip in usable} - {""}))
    layout = layout_of(pipe, float(duration_s), max_objects=config.max_objects)
    names = tuple(clip.clip_id for clip in usable)
    settings = {
        "model": config.model,
        "encoders": encoder_digests(pipe),
        "level": level.to_json(),
        "max_objects": config.max_objects,
        "shard_size": config.shard_size,
        "annotation": job_hash(job),
        "clips": hashlib.sha256("\n".join(names).encode()).hexdigest(),
        "texts": hashlib.sha256("\n".join(texts).encode()).hexdigest(),
    }
    return PreparePlan(
        clips=names,
        texts=texts,
        level=level,
        layout=layout,
        not_annotated=len(listed) - len(usable),
        settings=settings,
        shard_size=config.shard_size,
    )


def _level(source: JobFolder, config: PrepareConfig, usable: Iterable[ClipEntry]) -> LevelPolicy:
    if config.level_from is not None:
        known = SetDescription.load(Path(config.level_from)).level
        if not known:
            raise ConfigurationError(
                f"{config.level_from} does not say its level; give --level in place of --level-from"
            )
        return LevelPolicy(**known)
    if config.level != "constant":
        return LevelPolicy(policy=config.level)  # type: ignore[arg-type]  # checked by the class
    return constant_level(_peak(source, clip.clip_id) for clip in usable)


def _peak(source: JobFolder, clip_id: str) -> float:
    sound = source.result(clip_id).get("sound")
    return float(sound["peak"]) if sound else 0.0
