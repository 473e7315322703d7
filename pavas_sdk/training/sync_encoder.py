"""Supervised training of the tiny synchronisation encoder: when something hits."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.training.encoders import (
    StoreClasses,
    encoder_optimizer,
    exposed,
    optimizer_step,
    training_device,
)
from pavas_sdk.training.targets import audible_contacts, band_levels, class_index, onset_slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike

    from pavas_sdk.models import TinySyncEncoder
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.store import ClipStore

__all__ = ["train_sync_encoder"]

logger = logging.getLogger(__name__)

BANDS = 8
SLOTS = 2


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
    actions = StoreClasses(store).actions
    width = encoder.config.feature_dim
    heads = nn.ModuleDict(
        {
            "slots": nn.Linear(width, SLOTS),
            "bands": nn.Linear(width, BANDS),
            "action": nn.Linear(width, len(actions)),
        }
    )
    nn.init.constant_(cast("Tensor", heads["slots"].bias), -3.0)
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
            _sync_example(encoder, store, int(clip), actions, training.frames, rng)
            for clip in chosen
        ]
        loss = _sync_loss(encoder, heads, examples)
        losses.append(optimizer_step(loss, optimizer, schedule, [encoder, heads]))
        if step % 50 == 0:
            logger.info("sync encoder step %d loss %.4f", step, float(np.mean(losses[-50:])))
    encoder.cpu().eval().requires_grad_(False)
    return losses


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _SyncExample:
    """Neighbouring frames of a clip and what is heard meanwhile.

    Attributes:
        changes: What the encoder takes, see `TinySyncEncoder.changes`.
        slots: (J, SLOTS), whether something hits, see `onset_slots`.
        bands: (J, BANDS), see `band_levels`.
        action: Class.
    """

    changes: Tensor
    slots: Tensor
    bands: Tensor
    action: int


def _sync_example(
    encoder: TinySyncEncoder,
    store: ClipStore,
    clip: int,
    actions: Sequence[str],
    frames: int,
    rng: np.random.Generator,
) -> _SyncExample:
    per_frame = encoder.config.features_per_frame
    rate_hz = encoder.config.frame_rate_hz * per_frame
    span = min(frames, store.config.frames)
    fact = store.facts[clip]
    first = int(rng.integers(0, store.config.frames - span + 1))
    pictures = np.asarray(store.get("grey", clip)[first : first + span])
    if rng.random() < 0.5:
        pictures = pictures[:, :, ::-1]
    take = fact["takes"][0]
    hits = audible_contacts(take["times_s"], take["energy_change_j"])
    part = slice(first * per_frame, (first + span) * per_frame)
    count = store.config.frames * per_frame
    mel = np.asarray(store.get("mel", clip)[0], dtype=np.float32)
    return _SyncExample(
        changes=encoder.changes(exposed(pictures.copy(), rng, encoder.device)),
        slots=torch.tensor(onset_slots(hits, count, rate_hz, SLOTS)[part]),
        bands=torch.tensor(band_levels(mel, count, BANDS)[part]),
        action=class_index(actions, fact["action"]),
    )


def _sync_loss(
    encoder: TinySyncEncoder, heads: nn.ModuleDict, examples: Sequence[_SyncExample]
) -> Tensor:
    device = next(heads.parameters()).device
    features = encoder.encode_frames(torch.stack([example.changes for example in examples]))
    target = torch.stack([example.slots for example in examples]).to(device)
    logits = heads["slots"](features)
    weight = torch.tensor(4.0, device=device)
    loss = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight)
    bands = torch.stack([example.bands for example in examples]).to(device)
    loss = 4.0 * loss + 0.5 * F.mse_loss(heads["bands"](features), bands)
    action = torch.tensor([example.action for example in examples], device=device)
    return loss + 0.1 * F.cross_entropy(heads["action"](features.mean(dim=1)), action)
