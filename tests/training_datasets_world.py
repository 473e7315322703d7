"""A small folder of features with all kinds of clips."""

import numpy as np

from pavas_sdk.training.datasets import (
    ClipObjects,
    FeatureRow,
    SetDescription,
    SetLayout,
    shard_folder,
    write_description,
    write_feature_shard,
    write_texts,
)

LAYOUT = SetLayout(
    latent_length=5,
    latent_dim=3,
    clip_length=4,
    clip_dim=6,
    sync_length=8,
    sync_dim=2,
    text_length=3,
    text_dim=4,
    duration_s=2.0,
    patch_dim=7,
    max_objects=2,
)


def toy_objects(clip: int, layout: SetLayout = LAYOUT) -> ClipObjects:
    """``clip`` modulo 3 objects; the clip can be told from every number."""
    count, length = clip % 3, layout.clip_length
    speed = np.full((count, length), clip + 0.5, dtype=np.float32)
    speed[:, 0] = np.nan
    return ClipObjects(
        objects=np.full((count, length, layout.patch_dim), clip, dtype=np.float16),
        visible=np.tile(np.arange(length) % 2 == 0, (count, 1)),
        mass_kg=np.arange(count, dtype=np.float32) + clip,
        speed_m_s=speed,
        impact_energy_j=np.zeros((count, length), dtype=np.float32),
    )


def toy_row(clip: int, layout: SetLayout = LAYOUT) -> FeatureRow:
    rng = np.random.default_rng(clip)
    names = ["mean", "std", "clip_features", "sync_features"]
    return FeatureRow(
        features={name: rng.normal(size=layout.shapes()[name]) for name in names},
        text=clip % 2 - 1,  # every other clip has a text
        objects=toy_objects(clip, layout) if layout.patch_dim else None,
        facts={"id": f"clip-{clip}", "peak": 0.5},
    )


def write_set(folder, clips=10, per_shard=4, layout=LAYOUT):
    write_texts(folder, ["a bell"], [np.full((layout.text_length, layout.text_dim), 3.0)])
    for number, first in enumerate(range(0, clips, per_shard)):
        rows = (toy_row(clip, layout) for clip in range(first, min(clips, first + per_shard)))
        write_feature_shard(shard_folder(folder, number), rows, layout)
    write_description(folder, SetDescription(layout=layout, model="toy", rows=clips))
    return folder
