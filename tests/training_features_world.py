"""Features whose latents follow the physics: what a small backbone and its adapter can learn."""

from __future__ import annotations

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

# Of the networks of `pavas_sdk.testing.tiny_pipeline`.
LAYOUT = SetLayout(
    latent_length=20,
    latent_dim=8,
    clip_length=8,
    clip_dim=16,
    sync_length=16,
    sync_dim=16,
    text_length=12,
    text_dim=64,
    duration_s=0.64,
    patch_dim=16,
    max_objects=2,
)
TEXTS = 3


def clip_row(number: int, layout: SetLayout = LAYOUT) -> FeatureRow:
    """A hit somewhere in the clip; the heavier, the louder; what is seen does not tell the mass."""
    rng = np.random.default_rng([5, number])
    hit = int(rng.integers(2, layout.clip_length - 2))
    heavy = bool(rng.integers(2))
    mass = np.float32(4.0 if heavy else 0.25)
    latents = 0.3 * rng.normal(size=(layout.latent_length, layout.latent_dim))
    at = (np.arange(layout.latent_length) + 0.5) / layout.latent_length * layout.clip_length - hit
    ring = np.exp(-np.maximum(at, 0)) * (at >= 0)
    latents[:, :4] += (3.0 if heavy else -3.0) * ring[:, None]
    clip = 0.1 * rng.normal(size=(layout.clip_length, layout.clip_dim))
    clip[hit:] += 1.0
    sync = 0.1 * rng.normal(size=(layout.sync_length, layout.sync_dim))
    sync[2 * hit] += 3.0
    features = {
        "mean": latents,
        "std": np.full_like(latents, 0.05),
        "clip_features": clip,
        "sync_features": sync,
    }
    speed = np.full((1, layout.clip_length), 1.0 + rng.random(), dtype=np.float32)
    energy = np.zeros((1, layout.clip_length), dtype=np.float32)
    energy[0, hit] = 0.5 * mass * speed[0, hit] ** 2
    objects = ClipObjects(
        objects=rng.normal(size=(1, layout.clip_length, layout.patch_dim)).astype(layout.dtype),
        visible=np.ones((1, layout.clip_length), dtype=bool),
        mass_kg=np.array([mass], dtype=np.float32),
        speed_m_s=speed,
        impact_energy_j=energy,
    )
    return FeatureRow(
        features={name: value.astype(layout.dtype) for name, value in features.items()},
        text=number % TEXTS,
        objects=objects if layout.patch_dim else None,
        facts={"id": f"clip-{number:03d}", "label": f"text {number % TEXTS}"},
    )


def write_features(folder, count=32, first=0, layout=LAYOUT, model=""):
    """Write a set and return its folder."""
    rows = [clip_row(first + number, layout) for number in range(count)]
    rng = np.random.default_rng(9)
    write_texts(
        folder,
        [f"text {number}" for number in range(TEXTS)],
        rng.normal(size=(TEXTS, layout.text_length, layout.text_dim)).astype(layout.dtype),
    )
    write_feature_shard(shard_folder(folder, 0), rows, layout)
    write_description(
        folder,
        SetDescription(
            layout=layout, model=model, level={"policy": "constant", "gain": 1.0}, rows=count
        ),
    )
    return folder
