import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.models import MEL_16K, MEL_44K, MelSpectrogram

FRONT_END = MelSpectrogram(MEL_16K)


def tone(frequency_hz, samples=16000, rate=16000, amplitude=0.5):
    return amplitude * torch.sin(2 * math.pi * frequency_hz * torch.arange(samples) / rate)[None]


def test_against_a_transform_written_out(generator):
    wave = (0.3 * torch.randn(1, 3000, generator=generator)).clamp(-1, 1)
    padded = np.pad(wave[0].double().numpy(), 384, mode="reflect")
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack([padded[i * 256 : i * 256 + 1024] * window for i in range(3000 // 256)])
    magnitude = np.sqrt(np.abs(np.fft.rfft(frames)) ** 2 + 1e-9)
    want = np.log10(np.maximum(magnitude @ FRONT_END.mel_basis.double().numpy().T, 1e-5)).T
    np.testing.assert_allclose(FRONT_END(wave)[0].numpy(), want, atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(samples=st.integers(400, 5000))
def test_frames_are_samples_over_hop_rounded_down(samples):
    assert FRONT_END(torch.zeros(2, samples)).shape == (2, 80, samples // 256)


def test_silence_is_near_the_floor():
    assert FRONT_END(torch.zeros(1, 4000)).max() < -3
    assert FRONT_END(torch.zeros(1, 4000)).min() >= -5


def test_samples_are_clamped():
    loud = tone(440, amplitude=3.0)
    assert torch.equal(FRONT_END(loud), FRONT_END(loud.clamp(-1, 1)))


def test_a_tone_lands_in_its_band_and_ten_times_louder_is_one_more():
    quiet, loud = (FRONT_END(tone(1000, amplitude=a)) for a in (0.05, 0.5))
    band = loud[0].mean(1).argmax().item()
    weights = FRONT_END.mel_basis[band]
    assert weights[64] > 0, "bin 64 of 1024 at 16 kHz is 1000 Hz"
    assert (loud - quiet)[0, band, 4:-4].mean().item() == pytest.approx(1.0, abs=0.01)


def test_the_44k_front_end_uses_the_natural_logarithm():
    front_end = MelSpectrogram(MEL_44K)
    wave = tone(1000, samples=44100, rate=44100)
    louder = front_end(wave * math.e / 2)
    difference = (louder - front_end(wave / 2))[0]
    band = louder[0].mean(1).argmax().item()
    assert difference[band, 4:-4].mean().item() == pytest.approx(1.0, abs=0.01)
    assert louder.shape == (1, 128, 86)


def test_low_precision_input_is_computed_in_float32():
    wave = tone(300).to(torch.bfloat16)
    assert FRONT_END(wave).dtype == torch.float32
    assert torch.equal(FRONT_END(wave), FRONT_END(wave.float()))


def test_gradients_flow():
    wave = tone(300, samples=2000).requires_grad_()
    FRONT_END(wave).sum().backward()
    assert wave.grad.abs().max() > 0


def test_tables_are_no_state():
    assert FRONT_END.state_dict() == {}


@pytest.mark.parametrize("shape", [(100,), (1, 384), (1, 1, 4000)])
def test_waveforms_that_do_not_fit(shape):
    with pytest.raises(InputError, match="more than 384 samples"):
        FRONT_END(torch.zeros(shape))
