"""Tones and noise drawn as spectra of short frames come back as sound."""

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.models.spectral_synthesis import frame_noise, overlap_add, tone_spectrum

N, HOP, RATE = 768, 192, 48000
WINDOW = torch.hann_window(N)


def tone(hz: float, amplitude: float, frames: int = 30, turns: float = 0.0) -> torch.Tensor:
    middles = torch.arange(frames, dtype=torch.float64) * HOP + HOP / 2
    phase = (middles * hz / RATE + turns) % 1.0
    spectrum = tone_spectrum(
        torch.full((1, frames, 1), amplitude),
        torch.full((1, frames, 1), hz * N / RATE),
        phase.float()[None, :, None],
        bins=N // 2 + 1,
    )
    return overlap_add(spectrum, WINDOW, HOP)[0]


@given(hz=st.floats(45.0, 20000.0), turns=st.floats(0.0, 1.0))
def test_a_tone_is_a_pure_cosine_of_its_amplitude_frequency_and_phase(hz, turns):
    sound = tone(hz, 0.5, turns=turns)
    time = torch.arange(sound.numel(), dtype=torch.float64)
    want = 0.5 * torch.cos(2.0 * math.pi * (hz * time / RATE + turns))
    inner = slice(N, -N)
    assert (sound - want)[inner].abs().max() < 4e-3


def test_a_tone_between_two_bins_has_no_jump_at_the_bin():
    below, at, above = (tone((20.0 + shift) * RATE / N, 1.0) for shift in (-1e-4, 0.0, 1e-4))
    assert (below - at).abs().max() < 0.02
    assert (above - at).abs().max() < 0.02


def test_frames_of_noise_add_up_to_the_noise():
    noise = torch.randn(2, 19 * HOP + N, generator=torch.Generator().manual_seed(0))
    sound = overlap_add(frame_noise(noise, WINDOW, HOP), WINDOW, HOP)
    assert sound.shape == (2, 20 * HOP)
    border = (N - HOP) // 2
    torch.testing.assert_close(sound, noise[:, border:-border], rtol=0, atol=1e-5)


def test_frequencies_and_amplitudes_have_gradients():
    frequency = torch.full((1, 4, 1), 20.3, requires_grad=True)
    amplitude = torch.ones(1, 4, 1, requires_grad=True)
    spectrum = tone_spectrum(amplitude, frequency, torch.zeros(1, 4, 1), bins=N // 2 + 1)
    at_bin = spectrum.abs()[..., 20]
    at_bin.sum().backward()
    assert frequency.grad is not None
    assert (frequency.grad < 0).all()  # moving on leaves bin 20
    torch.testing.assert_close(amplitude.grad[..., 0], at_bin.detach())
