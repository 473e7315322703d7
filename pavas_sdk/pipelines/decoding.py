"""Latents to mel spectrogram to waveform, a piece at a time so that memory stays flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.components import onload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.pipelines.arguments import AnySound
    from pavas_sdk.pipelines.components import Codec, Vocoder

__all__ = ["Decoder", "check_finite", "plan_pieces", "sound_as"]

# Neighbouring pieces are decoded with this much in common, and joined within it.
_CONTEXT_LATENTS = 16
# Length of the cross-fade at a join, in mel frames.
_FADE_FRAMES = 2


@dataclass(frozen=True, slots=True)
class Decoder:
    """A codec and a vocoder.

    Attributes:
        vae: Decodes latents (B, C, N) to mel (B, M, N * frames_per_latent).
        vocoder: Mel (B, M, T) to waveform (B, 1, T * hop_length).
        hop_length: Samples per mel frame.
        frames_per_latent: Mel frames per latent.
        piece_latents: Longer latents are decoded in pieces of this length.
    """

    vae: Codec
    vocoder: Vocoder
    hop_length: int
    frames_per_latent: int
    piece_latents: int

    def mel(self, latents: Tensor) -> Tensor:
        """Return the mel spectrogram (M, T) of latents (1, N, C), pieces laid end to end."""
        parts = []
        pieces = plan_pieces(latents.shape[1], self.piece_latents, _CONTEXT_LATENTS)
        for index, (start, stop) in enumerate(pieces):
            mel = self._mel(latents[:, start:stop])[0]
            left = 0 if index == 0 else (pieces[index - 1][1] - start) // 2
            right = 0 if index + 1 == len(pieces) else stop - pieces[index + 1][0]
            right -= right // 2
            end = mel.shape[1] - right * self.frames_per_latent
            parts.append(mel[:, left * self.frames_per_latent : end])
        return torch.cat(parts, dim=1)

    def samples(self, latents: Tensor) -> NDArray[np.float32]:
        """Return the waveform (channels, N * frames_per_latent * hop_length) of (1, N, C).

        Pieces overlap and are joined where their overlap is quietest, by a short cross-fade: a
        vocoder that invents phases would otherwise lose level in a long fade.
        """
        total = latents.shape[1] * self.frames_per_latent * self.hop_length
        out: NDArray[np.float32] | None = None
        done = 0
        for start, wave in self._waves(latents):
            if out is None:
                out = np.zeros((wave.shape[0], total), dtype=np.float32)
                out[:, : wave.shape[1]] = wave
            else:
                _join(out, wave, start, done, _FADE_FRAMES * self.hop_length)
            done = start + wave.shape[1]
        assert out is not None
        return out

    def _waves(self, latents: Tensor) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Yield the first sample and the waveform (channels, samples) of each piece."""
        per_latent = self.frames_per_latent * self.hop_length
        for start, stop in plan_pieces(latents.shape[1], self.piece_latents, _CONTEXT_LATENTS):
            mel = self._mel(latents[:, start:stop])
            wave = self.vocoder(mel.to(self.vocoder.dtype))[0].float().cpu().numpy()
            yield start * per_latent, wave[:, : (stop - start) * per_latent]

    def _mel(self, latents: Tensor) -> Tensor:
        onload(self.vae)
        return self.vae.decode(latents.transpose(1, 2).to(self.vae.dtype))


def plan_pieces(total: int, piece: int, overlap: int) -> tuple[tuple[int, int], ...]:
    """Return (start, stop) of pieces of at most ``piece`` that overlap by ``overlap``.

    The last one is as long as the others: it begins earlier instead of being short.
    """
    if total <= piece:
        return ((0, total),)
    overlap = min(overlap, piece // 2)
    starts = list(range(0, total - piece, piece - overlap))
    return (*((start, start + piece) for start in starts), (total - piece, total))


def _join(
    out: NDArray[np.float32], wave: NDArray[np.float32], start: int, done: int, fade: int
) -> None:
    """Continue ``out`` (filled up to ``done``) with ``wave``, which begins at sample ``start``."""
    shared = done - start
    fade = min(fade, shared)
    energy = (out[:, start:done] ** 2 + wave[:, :shared] ** 2).sum(axis=0)
    # The first and last quarter are left out: a piece is least exact at its ends.
    low, high = shared // 4, max(shared // 4 + 1, shared - shared // 4 - fade)
    sums = np.concatenate([[0.0], np.cumsum(energy, dtype=np.float64)])
    at = low + int(np.argmin(sums[low + fade : high + fade] - sums[low:high]))
    ramp = (np.arange(fade, dtype=np.float32) + 0.5) / fade
    out[:, start + at : start + at + fade] *= 1.0 - ramp
    out[:, start + at : start + at + fade] += ramp * wave[:, at : at + fade]
    out[:, start + at + fade : start + wave.shape[1]] = wave[:, at + fade :]


def check_finite(numbers: Tensor, dtype: torch.dtype) -> None:
    """Refuse numbers that are none, from which a codec makes anything.

    Raises:
        InputError: There is NaN or infinity among them.
    """
    if bool(torch.isfinite(numbers).all()):
        return
    name = str(dtype).removeprefix("torch.")
    raise InputError(
        f"the model's numbers became NaN or infinite (it computes in {name}): try a smaller "
        "guidance_scale, dtype float32, or weights that are whole"
    )


def sound_as(sound: Audio | Tensor, output_type: str) -> AnySound:
    """Return a decoded sound as ``output_type`` wants it: an array, a tensor, or as it is."""
    if isinstance(sound, Audio) and output_type == "np":
        return sound.samples.copy()
    if isinstance(sound, Audio) and output_type == "pt":
        return torch.from_numpy(sound.samples.copy())
    return sound
