"""Supervised training of the tiny encoders; afterwards they stay frozen."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.training.targets import (
    audible_contacts,
    band_levels,
    class_index,
    class_names,
    onset_slots,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pavas_sdk.models import TinySyncEncoder, TinyVisualEncoder
    from pavas_sdk.training.store import ClipStore

__all__ = ["EncoderTraining", "train_sync_encoder", "train_visual_encoder"]

logger = logging.getLogger(__name__)

BANDS = 8
SLOTS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderTraining:
    """Numbers of an encoder's training.

    Attributes:
        steps: Optimiser steps.
        batch: Clips per step.
        frames: Frames per clip and step: neighbours for the sync encoder, drawn at random for the
            visual encoder.
        learning_rate: Peak; warm-up over the first twentieth, then a cosine to zero.
        seed: Of weights, order and augmentation.
    """

    steps: int = 1000
    batch: int = 12
    frames: int = 48
    learning_rate: float = 2e-3
    seed: int = 0


def _optimizer(
    modules: Sequence[nn.Module], training: EncoderTraining
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=training.learning_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, training.learning_rate, total_steps=max(2, training.steps), pct_start=0.05
    )
    return optimizer, schedule


def _exposed(frames: Any, rng: np.random.Generator) -> Tensor:
    """uint8 to float in [0, 1] with a random exposure."""
    pixels = torch.tensor(np.asarray(frames)).float() / 255.0
    gain = float(np.exp(rng.normal(0.0, 0.15)))
    return ((pixels - 0.5) * gain + 0.5 + float(rng.normal(0.0, 0.03))).clamp(0.0, 1.0)


def train_visual_encoder(
    encoder: TinyVisualEncoder, store: ClipStore, clips: ArrayLike, training: EncoderTraining
) -> list[float]:
    """Teach the encoder what objects are made of, how large they are, and where they are.

    Losses: material and size of each masked object, coverage of each cell by moving objects, and
    surface and action from the pooled vector.

    Returns:
        The loss of every step.
    """
    torch.manual_seed(training.seed)
    actions = class_names([fact["action"] for fact in store.facts])
    surfaces = class_names([fact["surface"] for fact in store.facts])
    materials = class_names([name for fact in store.facts for name in fact["materials"]])
    width, pooled = encoder.config.patch_dim, encoder.config.pooled_dim
    heads = nn.ModuleDict(
        {
            "cover": nn.Linear(width, 1),
            "material": nn.Linear(width, len(materials)),
            "size": nn.Linear(width, 1),
            "surface": nn.Linear(pooled, len(surfaces)),
            "action": nn.Linear(pooled, len(actions)),
        }
    )
    optimizer, schedule = _optimizer([encoder, heads], training)
    objects = store.config.max_objects
    losses = []
    encoder.train()
    for step in range(training.steps):
        rng = np.random.default_rng([training.seed, step])
        chosen = rng.choice(np.asarray(clips), size=training.batch)
        pixels, masks, labels, sizes, scene = [], [], [], [], []
        for clip in chosen:
            fact = store.facts[clip]
            times = np.sort(rng.choice(store.config.frames, size=training.frames, replace=False))
            frames = np.asarray(store.get("frames", clip)[times])
            grid = np.asarray(store.get("masks", clip)[:, times]).astype(np.float32) / 255.0
            if rng.random() < 0.5:
                frames, grid = frames[:, :, ::-1], grid[..., ::-1]
            pixels.append(_exposed(frames.copy(), rng).movedim(-1, -3))
            masks.append(torch.tensor(grid.copy()))
            row = np.full(objects, -100)
            size = np.full(objects, np.nan, dtype=np.float32)
            for k, name in enumerate(fact["materials"]):
                row[k] = class_index(materials, name)
                size[k] = np.log(fact["sizes_m"][k] or np.nan)
            labels.append(torch.tensor(row))
            sizes.append(torch.tensor(size))
            scene.append(
                (class_index(surfaces, fact["surface"]), class_index(actions, fact["action"]))
            )
        features = encoder.encode_image(torch.cat(pixels))
        patches = features.patches.reshape(
            len(chosen), -1, *features.patches.shape[1:]
        )  # (B, t, P, P, D)
        mask = torch.stack(masks)  # (B, K, t, P, P)
        cover = heads["cover"](patches)[..., 0]
        loss = F.binary_cross_entropy_with_logits(cover, mask.sum(dim=1).clamp(max=1.0))
        area = mask.sum(dim=(3, 4))
        means = torch.einsum("bktpq,btpqd->bktd", mask, patches) / area[..., None].clamp(min=1e-3)
        seen = area > 0.02
        material = torch.stack(labels)[:, :, None].expand(seen.shape)
        known = seen & (material >= 0)
        loss = loss + 0.5 * F.cross_entropy(heads["material"](means[known]), material[known])
        size_m = torch.stack(sizes)[:, :, None].expand(seen.shape)
        known = seen & torch.isfinite(size_m)
        loss = loss + 0.3 * F.smooth_l1_loss(heads["size"](means[known])[:, 0], size_m[known] + 3.0)
        places = torch.tensor(scene).repeat_interleave(training.frames, dim=0)
        loss = loss + 0.3 * F.cross_entropy(heads["surface"](features.pooled), places[:, 0])
        loss = loss + 0.3 * F.cross_entropy(heads["action"](features.pooled), places[:, 1])
        losses.append(_update(loss, optimizer, schedule, [encoder, heads]))
        if step % 50 == 0:
            logger.info("visual encoder step %d loss %.4f", step, float(np.mean(losses[-50:])))
    encoder.eval().requires_grad_(False)
    return losses


def train_sync_encoder(
    encoder: TinySyncEncoder, store: ClipStore, clips: ArrayLike, training: EncoderTraining
) -> list[float]:
    """Teach the encoder when something hits, to 10 ms, and what the sound's bands do meanwhile.

    Returns:
        The loss of every step.

    Raises:
        InputError: The store keeps frames of another size than the encoder takes.
    """
    if encoder.config.image_size != store.config.grey_size:
        raise InputError(
            f"the clips keep brightness frames of {store.config.grey_size} px, the encoder takes "
            f"{encoder.config.image_size}; make them with StoreConfig(grey_size="
            f"{encoder.config.image_size})"
        )
    torch.manual_seed(training.seed)
    actions = class_names([fact["action"] for fact in store.facts])
    width = encoder.config.feature_dim
    heads = nn.ModuleDict(
        {
            "slots": nn.Linear(width, SLOTS),
            "bands": nn.Linear(width, BANDS),
            "action": nn.Linear(width, len(actions)),
        }
    )
    nn.init.constant_(cast("Tensor", heads["slots"].bias), -3.0)
    optimizer, schedule = _optimizer([encoder, heads], training)
    per_frame = encoder.config.features_per_frame
    rate = encoder.config.frame_rate_hz * per_frame
    span = min(training.frames, store.config.frames)
    losses = []
    encoder.train()
    for step in range(training.steps):
        rng = np.random.default_rng([training.seed, step])
        chosen = rng.choice(np.asarray(clips), size=training.batch)
        inputs, slots, bands, labels = [], [], [], []
        for clip in chosen:
            fact = store.facts[clip]
            first = int(rng.integers(0, store.config.frames - span + 1))
            frames = np.asarray(store.get("grey", clip)[first : first + span])
            if rng.random() < 0.5:
                frames = frames[:, :, ::-1]
            inputs.append(encoder.changes(_exposed(frames.copy(), rng)))
            take = fact["takes"][0]
            hits = audible_contacts(take["times_s"], take["energy_change_j"])
            part = slice(first * per_frame, (first + span) * per_frame)
            count = store.config.frames * per_frame
            slots.append(torch.tensor(onset_slots(hits, count, rate, SLOTS)[part]))
            mel = np.asarray(store.get("mel", clip)[0], dtype=np.float32)
            bands.append(torch.tensor(band_levels(mel, count, BANDS)[part]))
            labels.append(class_index(actions, fact["action"]))
        features = encoder.encode_frames(torch.stack(inputs))
        target = torch.stack(slots)
        logits = heads["slots"](features)
        loss = F.binary_cross_entropy_with_logits(logits, target, pos_weight=torch.tensor(4.0))
        loss = 4.0 * loss + 0.5 * F.mse_loss(heads["bands"](features), torch.stack(bands))
        loss = loss + 0.1 * F.cross_entropy(
            heads["action"](features.mean(dim=1)), torch.tensor(labels)
        )
        losses.append(_update(loss, optimizer, schedule, [encoder, heads]))
        if step % 50 == 0:
            logger.info("sync encoder step %d loss %.4f", step, float(np.mean(losses[-50:])))
    encoder.eval().requires_grad_(False)
    return losses


def _update(
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    modules: Sequence[nn.Module],
) -> float:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    for module in modules:
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    return float(loss.detach())
