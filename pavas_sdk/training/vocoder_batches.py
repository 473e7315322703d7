"""Batches for a vocoder: crops of sound, and mel frames as they will come out of a flow network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from pavas_sdk.models import LinearMelCodec, MelSpectrogram
    from pavas_sdk.training.vocoder_sounds import SoundBank

__all__ = ["CONTEXT_FRAMES", "draw_crops", "seen_mel", "sound_mels"]

CONTEXT_FRAMES = 4  # heard on both sides of a crop, so that its first frames are true ones
_TRIES = 3
_EVEN_SHARE = 0.3  # of the crops, drawn from anywhere; others are the loudest of three
_GAIN_DB = (-30.0, 12.0)
_MAX_PEAK = 0.98


def draw_crops(
    bank: SoundBank, *, batch: int, samples: int, context: int, seed: int, step: int
) -> NDArray[np.float32]:
    """Return crops (B, samples + 2 * context), each with a gain of its own.

    Args:
        bank: Sounds.
        batch: B.
        samples: Length.
        context: Further samples on both sides.
        seed: With ``step``, all that the draw depends on.
        step: Of the training.
    """
    rng = np.random.default_rng([seed, step])
    length = samples + 2 * context
    crops = np.empty((batch, length), dtype=np.float32)
    for place in range(batch):
        row = int(rng.integers(len(bank)))
        tries = 1 if rng.random() < _EVEN_SHARE else _TRIES
        starts = rng.integers(0, bank.samples - length + 1, size=tries)
        found = [bank.get(row, int(start), length) for start in starts]
        crop = max(found, key=lambda part: float(np.square(part).sum()))
        gain = 10.0 ** (rng.uniform(*_GAIN_DB) / 20.0)
        peak = float(np.abs(crop).max())
        crops[place] = crop * min(gain, _MAX_PEAK / max(peak, 1e-9))
    return crops


def seen_mel(
    mel: Tensor, codec: LinearMelCodec | None, spread: Tensor | None, rng: np.random.Generator
) -> Tensor:
    """Return mel frames (B, M, T) as a flow network would give them.

    A quarter stays exact; the others go through the codec, half of these with smooth errors of
    their latents, and some are blurred in time.

    Args:
        mel: Of true sound.
        codec: Without it everything stays exact.
        spread: Standard deviation of its channels, (C,).
        rng: Where everything is drawn from.
    """
    if codec is None or spread is None:
        return mel
    batch = mel.shape[0]
    latents = codec.encode(mel).mode()
    # errors of the network go on for some latents; about a third of the spread at most
    coarse = rng.standard_normal((batch, latents.shape[1], 2 + latents.shape[2] // 2))
    error = F.interpolate(_tensor(coarse, mel), size=latents.shape[2], mode="linear")
    size = np.exp(rng.uniform(np.log(0.02), np.log(0.3), batch)) * (rng.random(batch) < 0.5)
    latents = latents + error * spread[:, None] * _tensor(size[:, None, None], mel)
    through = codec.decode(latents)
    blurred = F.avg_pool1d(through, 3, stride=1, padding=1, count_include_pad=False)
    share = rng.random(batch) * (rng.random(batch) < 0.25)
    through = torch.lerp(through, blurred, _tensor(share[:, None, None], mel))
    exact = torch.from_numpy(rng.random(batch) < 0.25).to(mel.device)
    return torch.where(exact[:, None, None], mel[..., : through.shape[2]], through)


def _tensor(values: NDArray[np.float64], like: Tensor) -> Tensor:
    return torch.from_numpy(values.astype(np.float32)).to(like.device)


@torch.no_grad()
def sound_mels(bank: SoundBank, mel: MelSpectrogram, *, every: int = 1) -> Iterator[Tensor]:
    """Yield the mel spectrogram (1, M, T) of each ``every``-th sound."""
    for row in range(0, len(bank), every):
        yield mel(torch.from_numpy(bank.get(row))[None])
