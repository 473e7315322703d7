"""Training of the impact detector's second head: how fast what hits is."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.training.encoders import (
    encoder_optimizer,
    exposed,
    optimizer_step,
    training_device,
)
from pavas_sdk.training.impact_detector import changed_pictures, check_picture_size
from pavas_sdk.training.targets import audible_contacts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.models import TinyImpactDetector
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.store import ClipStore

__all__ = ["impact_speeds", "train_impact_speeds"]

logger = logging.getLogger(__name__)
_SAME_MOMENT_S = 0.03


def impact_speeds(store: ClipStore, clip: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the moments of a clip's audible impacts, seconds, and their speeds, m/s.

    The speed is the one whose kinetic energy is lost, sqrt(2 E / m), of the body that loses most within
    30 ms. Impacts of what is not among the clip's objects are left out.

    Args:
        store: Of clips.
        clip: Which.
    """
    facts = store.facts[clip]
    take = facts["takes"][0]
    times, energy = np.asarray(take["times_s"]), np.asarray(take["energy_change_j"])
    masses = dict(zip(facts["object_ids"], store.get("mass_kg", clip)[0], strict=False))
    found = []
    for time_s in audible_contacts(times, energy):
        near = np.flatnonzero(np.abs(times - time_s) < _SAME_MOMENT_S)
        most = int(near[np.argmax(energy[near])])
        mass_kg = float(masses.get(take["object_ids"][most], float("nan")))
        if np.isfinite(mass_kg):
            found.append((float(time_s), float(np.sqrt(2.0 * energy[most] / mass_kg))))
    pairs = np.asarray(found, dtype=np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def train_impact_speeds(
    detector: TinyImpactDetector, store: ClipStore, clips: ArrayLike, training: EncoderTraining
) -> list[float]:
    """Teach the detector how fast what hits is; all but that head stays as it is.

    Pictures are changed as for the detector, but for their tempo, which would change speeds.

    Args:
        detector: That already sees when something hits.
        store: Of clips.
        clips: Which of them.
        training: Numbers.

    Returns:
        The loss of every step with an impact in it: mean error of log10 of the speeds (smooth L1).

    Raises:
        InputError: The store keeps frames of another size than the detector takes.
    """
    check_picture_size(detector, store)
    device = training_device()
    detector.to(device).eval().requires_grad_(False)
    head = detector.speed_head.train().requires_grad_(True)
    optimizer, schedule = encoder_optimizer([head], training)
    rate_hz = detector.config.frame_rate_hz * detector.config.features_per_frame
    losses = []
    for step in range(training.steps):
        rng = np.random.default_rng([training.seed, step])
        chosen = rng.choice(np.asarray(clips), size=training.batch)
        rows = [
            _example(detector, store, int(clip), training.frames, rate_hz, rng) for clip in chosen
        ]
        with torch.no_grad():
            features = detector.encoder.encode_frames(torch.stack([row[0] for row in rows]))
        made = detector.log10_speeds(features)
        places = [(at, slot) for at, row in enumerate(rows) for slot in row[1]]
        wanted = torch.tensor([value for row in rows for value in row[2]], device=device)
        if places:
            at, slot = zip(*places, strict=True)
            loss = F.smooth_l1_loss(made[list(at), list(slot)], wanted, beta=0.3)
        else:
            loss = 0.0 * made.sum()  # the schedule goes on
        value = optimizer_step(loss, optimizer, schedule, [head])
        if places:
            losses.append(value)
        if step % 50 == 0 and losses:
            logger.info("impact speeds step %d loss %.4f", step, float(np.mean(losses[-50:])))
    detector.cpu().eval().requires_grad_(False)
    return losses


def _example(
    detector: TinyImpactDetector,
    store: ClipStore,
    clip: int,
    frames: int,
    rate_hz: float,
    rng: np.random.Generator,
) -> tuple[Tensor, list[int], list[float]]:
    """Changes of neighbouring frames, (T, 3, S, S); the features with an impact; log10 of speeds."""
    count = store.config.frames
    span = min(frames, count)
    first = int(rng.integers(0, count - span + 1))
    pictures = exposed(
        np.asarray(store.get("grey", clip))[first : first + span], rng, detector.device
    )
    times_s, speeds_m_s = impact_speeds(store, clip)
    slots = np.floor((times_s - first / store.config.frame_rate_hz) * rate_hz).astype(np.int64)
    inside = (slots >= 0) & (slots < span * detector.config.features_per_frame)
    changes = detector.encoder.changes(changed_pictures(pictures, rng))
    wanted = np.log10(np.maximum(speeds_m_s[inside], 1e-3))
    return changes, [int(slot) for slot in slots[inside]], [float(value) for value in wanted]
