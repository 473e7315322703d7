"""Training features on disk, and batches of them that depend on (seed, step) alone.

Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.training.datasets.batch import BatchObjects, PaddedObjects, TrainingBatch
    from pavas_sdk.training.datasets.feature_set import FeatureSet
    from pavas_sdk.training.datasets.layout import SetDescription, SetLayout
    from pavas_sdk.training.datasets.level import LevelPolicy
    from pavas_sdk.training.datasets.loader import BatchLoader
    from pavas_sdk.training.datasets.memory_maps import MemoryMapSet
    from pavas_sdk.training.datasets.mixture import BatchOrder, Mixture
    from pavas_sdk.training.datasets.opening import open_features
    from pavas_sdk.training.datasets.rows import ClipObjects, RowBuffers, RowSource
    from pavas_sdk.training.datasets.statistics import latent_statistics
    from pavas_sdk.training.datasets.writer import (
        FeatureRow,
        shard_folder,
        write_description,
        write_feature_shard,
        write_texts,
    )

_EXPORTS = {
    "batch": ["BatchObjects", "PaddedObjects", "TrainingBatch"],
    "feature_set": ["FeatureSet"],
    "layout": ["SetDescription", "SetLayout"],
    "level": ["LevelPolicy"],
    "loader": ["BatchLoader"],
    "memory_maps": ["MemoryMapSet"],
    "mixture": ["BatchOrder", "Mixture"],
    "opening": ["open_features"],
    "rows": ["ClipObjects", "RowBuffers", "RowSource"],
    "statistics": ["latent_statistics"],
    "writer": [
        "FeatureRow",
        "shard_folder",
        "write_description",
        "write_feature_shard",
        "write_texts",
    ],
}

__all__ = [
    "BatchLoader",
    "BatchObjects",
    "BatchOrder",
    "ClipObjects",
    "FeatureRow",
    "FeatureSet",
    "LevelPolicy",
    "MemoryMapSet",
    "Mixture",
    "PaddedObjects",
    "RowBuffers",
    "RowSource",
    "SetDescription",
    "SetLayout",
    "TrainingBatch",
    "latent_statistics",
    "open_features",
    "shard_folder",
    "write_description",
    "write_feature_shard",
    "write_texts",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
