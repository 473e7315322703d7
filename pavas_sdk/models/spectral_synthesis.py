"""Sound from spectra of short frames: sinusoids of any frequency, noise, overlap-add.

A frame is centred on its hop and weighted twice by Hann's window: once by the spectra that come
in, which are those of windowed frames, and once before it is added. Sinusoids are drawn as the
main lobe of the window around their frequency (Rodet and Depalle, "Spectral envelopes and inverse
FFT synthesis", AES 1992), so that a frequency between two bins is a pure tone.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["frame_noise", "overlap_add", "tone_spectrum"]

# Bins on either side of a tone that are drawn; what is left out is 65 dB down.
_REACH = 4


def tone_spectrum(
    amplitude: Tensor, frequency_bins: Tensor, phase_turns: Tensor, *, bins: int
) -> Tensor:
    """Return the complex spectra (B, T, bins) of frames that hold sinusoids.

    Args:
        amplitude: Peak amplitudes, (B, T, M).
        frequency_bins: Frequencies in bins of the transform, (B, T, M).
        phase_turns: Phases in the middle of the frame, in turns, (B, T, M).
        bins: F, half the frame's length plus one.
    """
    below = torch.floor(frequency_bins.detach())
    # a thousandth of a bin off the bins themselves, where the lobe below is 0 / 0
    between = (frequency_bins - below).clamp(1e-3, 1.0 - 1e-3)
    steps = torch.arange(1 - _REACH, _REACH + 1, device=amplitude.device)
    # Hann's lobe is sin(pi x) / (2 pi x (1 - x^2)); from bin to bin the sine changes its sign,
    # and so does the spectrum, as a frame starts half a length before its middle.
    offset = steps - between[..., None]
    parity = 1.0 - 2.0 * (below.long() % 2)
    # half the frame's length: an amplitude is shared by two sides
    scale = amplitude * (bins - 1) * torch.sin(torch.pi * between) / (-2.0 * torch.pi) * parity
    lobe = scale[..., None] / (offset * (1.0 - offset.square()))
    turn = 2.0 * torch.pi * phase_turns
    places = below.long()[..., None] + steps
    real, imaginary = lobe * torch.cos(turn)[..., None], lobe * torch.sin(turn)[..., None]
    # What falls below zero is the mirror image of what a negative frequency puts there.
    imaginary = torch.where(places < 0, -imaginary, imaginary)
    # At zero both images meet: twice the real part, and an imaginary part that is ignored.
    real = torch.where(places == 0, 2.0 * real, real)
    places = places.abs().flatten(2)
    zero = amplitude.new_zeros(*amplitude.shape[:2], bins + _REACH + 1)
    places = places.clamp(max=bins + _REACH)
    spectrum = torch.complex(
        zero.scatter_add(2, places, real.flatten(2)),
        zero.scatter_add(2, places, imaginary.flatten(2)),
    )
    return spectrum[..., :bins]


def frame_noise(noise: Tensor, window: Tensor, hop_length: int) -> Tensor:
    """Return the spectra (B, T, F) of white noise (B, (T - 1) * hop + n)."""
    frames = noise.unfold(-1, window.shape[0], hop_length) * window
    spectrum: Tensor = torch.fft.rfft(frames, dim=-1)
    return spectrum


def overlap_add(spectrum: Tensor, window: Tensor, hop_length: int) -> Tensor:
    """Return the sound (B, T * hop) of spectra (B, T, F) of windowed frames.

    Args:
        spectrum: Of frames that were weighted by ``window``.
        window: (n,), n a multiple of twice the hop.
        hop_length: Samples from frame to frame.
    """
    n_fft = window.shape[0]
    count = spectrum.shape[1]
    frames = torch.fft.irfft(spectrum, n=n_fft, dim=-1) * window
    length = (count - 1) * hop_length + n_fft
    border = (n_fft - hop_length) // 2
    sound = _fold(frames, length, hop_length)
    weight = _fold(window.square().expand(1, count, -1), length, hop_length)
    return (sound / weight.clamp(min=1e-3))[:, border : length - border]


def _fold(frames: Tensor, length: int, hop_length: int) -> Tensor:
    return F.fold(
        frames.transpose(1, 2),
        output_size=(1, length),
        kernel_size=(1, frames.shape[2]),
        stride=(1, hop_length),
    )[:, 0, 0]
