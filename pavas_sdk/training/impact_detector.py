"""Supervised training of the impact detector: the synchronisation encoder learns to look at any video.

Its pictures are changed more than those of the encoders, which see no video but through the same
window: recorded clips differ from simulated ones in size, tilt, tempo, shake, sharpness and noise.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.models import TinyImpactDetector
from pavas_sdk.training.encoders import (
    encoder_optimizer,
    exposed,
    optimizer_step,
    training_device,
)
from pavas_sdk.training.targets import audible_contacts, onset_slots

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from pavas_sdk.models import TinySyncEncoder
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.store import ClipStore

__all__ = ["changed_pictures", "check_picture_size", "detector_of", "train_impact_detector"]

logger = logging.getLogger(__name__)
_SIZES = (
    "image_size",
    "stem_stride",
    "widths",
    "hidden_dim",
    "dilations",
    "feature_dim",
    "features_per_frame",
    "frame_rate_hz",
)
_HIT_WEIGHT = 2.0  # of a slot with an impact, of which there are few


def detector_of(sync: TinySyncEncoder, *, seed: int) -> TinyImpactDetector:
    """Return a detector of an encoder's sizes, with its weights and a new last layer.

    Args:
        sync: A trained synchronisation encoder, which stays as it is.
        seed: Of the last layer.
    """
    torch.manual_seed(seed)
    detector: TinyImpactDetector = TinyImpactDetector(
        **{name: sync.config[name] for name in _SIZES}
    )
    detector.encoder.load_state_dict(sync.state_dict())
    return detector


def train_impact_detector(
    detector: TinyImpactDetector, store: ClipStore, clips: ArrayLike, training: EncoderTraining
) -> list[float]:
    """Teach the detector when something audible hits, to 10 ms.

    Args:
        detector: With the weights that it starts from: those of a trained synchronisation encoder.
        store: Of clips.
        clips: Which of them.
        training: Numbers.

    Returns:
        The loss of every step.

    Raises:
        InputError: The store keeps frames of another size than the detector takes.
    """
    check_picture_size(detector, store)
    device = training_device()
    detector.to(device).train()
    optimizer, schedule = encoder_optimizer([detector], training)
    weight = torch.tensor(_HIT_WEIGHT, device=device)
    losses = []
    for step in range(training.steps):
        rng = np.random.default_rng([training.seed, step])
        chosen = rng.choice(np.asarray(clips), size=training.batch)
        rows = [_example(detector, store, int(clip), training.frames, rng) for clip in chosen]
        logits = detector(torch.stack([changes for changes, _ in rows]))
        wanted = torch.stack([slots for _, slots in rows]).to(device)
        loss = F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=weight)
        losses.append(optimizer_step(loss, optimizer, schedule, [detector]))
        if step % 50 == 0:
            logger.info("impact detector step %d loss %.4f", step, float(np.mean(losses[-50:])))
    detector.cpu().eval().requires_grad_(False)
    return losses


def check_picture_size(detector: TinyImpactDetector, store: ClipStore) -> None:
    """Check that the clips show what the detector takes.

    Raises:
        InputError: The store keeps frames of another size than the detector takes.
    """
    if detector.config.image_size != store.config.grey_size:
        raise InputError(
            f"the clips keep brightness frames of {store.config.grey_size} px, the detector takes "
            f"{detector.config.image_size}; make them with StoreConfig(grey_size="
            f"{detector.config.image_size})"
        )


def _example(
    detector: TinyImpactDetector,
    store: ClipStore,
    clip: int,
    frames: int,
    rng: np.random.Generator,
) -> tuple[Tensor, Tensor]:
    """Changes of neighbouring frames, (T, 3, S, S), and which slots hold an impact."""
    config = detector.config
    count = store.config.frames
    tempo = float(np.exp(rng.uniform(-0.35, 0.35)))  # frames of the clip per frame shown
    span = min(frames, math.floor((count - 1) / tempo))
    first = float(rng.uniform(0, count - 1 - (span - 1) * tempo))
    chosen = np.rint(first + tempo * np.arange(span)).astype(np.int64)
    pictures = exposed(np.asarray(store.get("grey", clip))[chosen], rng, detector.device)
    take = store.facts[clip]["takes"][0]
    hits_s = audible_contacts(take["times_s"], take["energy_change_j"])
    shown_s = (hits_s - first / store.config.frame_rate_hz) / tempo
    features = span * config.features_per_frame
    rate_hz = config.frame_rate_hz * config.features_per_frame
    slots = onset_slots(shown_s, features, rate_hz, config.slots).reshape(-1)
    changes = detector.encoder.changes(changed_pictures(pictures, rng))
    missing = frames - span  # a quick tempo needs more frames than the clip has: it ends at rest
    if missing > 0:
        still = torch.zeros_like(changes[:1])
        still[:, 0] = changes[-1:, 0]
        changes = torch.cat([changes, still.expand(missing, -1, -1, -1)])
        slots = np.pad(slots, (0, missing * config.features_per_frame * config.slots))
    return changes, torch.tensor(slots, dtype=torch.float32)


def changed_pictures(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Return pictures as another camera would have taken them, (T, S, S).

    All of a clip alike: mirrored, tilted, nearer or farther, dark for light, blurred, noisy; in one
    clip of three the camera shakes.

    Args:
        pictures: Brightness (T, S, S) in [0, 1].
        rng: Draws the changes.
    """
    count, device = len(pictures), pictures.device
    angle = float(rng.normal(0.0, 0.1))
    zoom = float(np.exp(rng.uniform(-0.5, 0.25)))  # below 1: nearer
    stretch = float(np.exp(rng.normal(0.0, 0.12)))
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    shift = rng.uniform(-1, 1, 2) * max(0.0, 1.0 - zoom) + rng.normal(0.0, 0.05, 2)
    shake = np.zeros((count, 2))
    if rng.random() < 1 / 3:
        steps = rng.normal(0.0, rng.uniform(0.0, 0.012), (count, 2))
        for frame in range(1, count):
            shake[frame] = 0.85 * shake[frame - 1] + steps[frame]
    cos, sin = math.cos(angle) * zoom, math.sin(angle) * zoom
    matrix = torch.empty(count, 2, 3)
    matrix[:, 0] = torch.tensor([mirror * cos * stretch, -sin, 0.0])
    matrix[:, 1] = torch.tensor([mirror * sin, cos / stretch, 0.0])
    matrix[:, :, 2] = torch.from_numpy(shift + shake).float()
    shape = (count, 1, *pictures.shape[1:])
    grid = F.affine_grid(matrix.to(device), list(shape), align_corners=False)
    found = F.grid_sample(pictures[:, None], grid, padding_mode="reflection", align_corners=False)[
        :, 0
    ]
    if rng.random() < 0.2:
        found = 1.0 - found
    if rng.random() < 0.3:
        found = F.avg_pool2d(found[:, None], 3, stride=1, padding=1, count_include_pad=False)[:, 0]
    noise = torch.from_numpy(rng.standard_normal(tuple(found.shape), dtype=np.float32))
    return (found + float(rng.uniform(0.0, 0.02)) * noise.to(device)).clamp(0.0, 1.0)
