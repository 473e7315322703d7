"""Supervised training of the tiny visual encoder: what things are, how large, and where."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.training.encoders import (
    StoreClasses,
    encoder_optimizer,
    exposed,
    optimizer_step,
    training_device,
)
from pavas_sdk.training.targets import class_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pavas_sdk.models import TinyVisualEncoder
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.store import ClipStore

__all__ = ["train_visual_encoder"]

logger = logging.getLogger(__name__)


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
    names = StoreClasses(store)
    width, pooled = encoder.config.patch_dim, encoder.config.pooled_dim
    heads = nn.ModuleDict(
        {
            "cover": nn.Linear(width, 1),
            "material": nn.Linear(width, len(names.materials)),
            "size": nn.Linear(width, 1),
            "surface": nn.Linear(pooled, len(names.surfaces)),
            "action": nn.Linear(pooled, len(names.actions)),
        }
    )
    device = training_device()
    encoder.to(device)
    heads.to(device)
    optimizer, schedule = encoder_optimizer([encoder, heads], training)
    losses = []
    encoder.train()
    for step in range(training.steps):
        rng = np.random.default_rng([training.seed, step])
        chosen = rng.choice(np.asarray(clips), size=training.batch)
        examples = [
            _visual_example(store, int(clip), names, training.frames, rng, device)
            for clip in chosen
        ]
        loss = _visual_loss(encoder, heads, examples)
        losses.append(optimizer_step(loss, optimizer, schedule, [encoder, heads]))
        if step % 50 == 0:
            logger.info("visual encoder step %d loss %.4f", step, float(np.mean(losses[-50:])))
    encoder.cpu().eval().requires_grad_(False)
    return losses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _VisualExample:
    """Some frames of a clip and what is to be seen in them.

    Attributes:
        pixels: (t, 3, S, S).
        masks: (K, t, P, P), covered shares.
        materials: (K,), class, -100 where unknown.
        log_sizes: (K,), ln(metres), NaN where unknown.
        surface: Class.
        action: Class.
    """

    pixels: Tensor
    masks: Tensor
    materials: Tensor
    log_sizes: Tensor
    surface: int
    action: int


def _visual_example(
    store: ClipStore,
    clip: int,
    names: StoreClasses,
    frames: int,
    rng: np.random.Generator,
    device: torch.device,
) -> _VisualExample:
    fact = store.facts[clip]
    times = np.sort(rng.choice(store.config.frames, size=frames, replace=False))
    pictures = np.asarray(store.get("frames", clip)[times])
    grid = np.asarray(store.get("masks", clip)[:, times]).astype(np.float32) / 255.0
    if rng.random() < 0.5:
        pictures, grid = pictures[:, :, ::-1], grid[..., ::-1]
    objects = store.config.max_objects
    materials = np.full(objects, -100)
    log_sizes = np.full(objects, np.nan, dtype=np.float32)
    for k, name in enumerate(fact["materials"]):
        materials[k] = class_index(names.materials, name)
        log_sizes[k] = np.log(fact["sizes_m"][k] or np.nan)
    return _VisualExample(
        pixels=exposed(pictures.copy(), rng, device).movedim(-1, -3),
        masks=torch.tensor(grid.copy()),
        materials=torch.tensor(materials),
        log_sizes=torch.tensor(log_sizes),
        surface=class_index(names.surfaces, fact["surface"]),
        action=class_index(names.actions, fact["action"]),
    )


def _visual_loss(
    encoder: TinyVisualEncoder, heads: nn.ModuleDict, examples: Sequence[_VisualExample]
) -> Tensor:
    device = next(heads.parameters()).device
    features = encoder.encode_image(torch.cat([example.pixels for example in examples]))
    patches = features.patches.reshape(
        len(examples), -1, *features.patches.shape[1:]
    )  # (B, t, P, P, D)
    mask = torch.stack([example.masks for example in examples]).to(device)  # (B, K, t, P, P)
    cover = heads["cover"](patches)[..., 0]
    loss = F.binary_cross_entropy_with_logits(cover, mask.sum(dim=1).clamp(max=1.0))
    area = mask.sum(dim=(3, 4))
    means = torch.einsum("bktpq,btpqd->bktd", mask, patches) / area[..., None].clamp(min=1e-3)
    seen = area > 0.02
    materials = torch.stack([example.materials for example in examples]).to(device)
    material = materials[:, :, None].expand(seen.shape)
    known = seen & (material >= 0)
    loss = loss + 0.5 * F.cross_entropy(heads["material"](means[known]), material[known])
    log_sizes = torch.stack([example.log_sizes for example in examples]).to(device)
    size = log_sizes[:, :, None].expand(seen.shape)
    known = seen & torch.isfinite(size)
    loss = loss + 0.3 * F.smooth_l1_loss(heads["size"](means[known])[:, 0], size[known] + 3.0)
    frames = mask.shape[2]
    surface = torch.tensor([example.surface for example in examples], device=device)
    surface = surface.repeat_interleave(frames)
    action = torch.tensor([example.action for example in examples], device=device)
    action = action.repeat_interleave(frames)
    loss = loss + 0.3 * F.cross_entropy(heads["surface"](features.pooled), surface)
    return loss + 0.3 * F.cross_entropy(heads["action"](features.pooled), action)
