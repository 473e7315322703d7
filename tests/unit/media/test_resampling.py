"""Another sample rate: the same tone at the same level, as long as before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pavas_sdk.data import Audio
from pavas_sdk.errors import InputError
from pavas_sdk.media import resampled


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000, 96_000])
def test_a_tone_keeps_frequency_level_and_place(rate_hz):
    old = 48_000
    time_s = np.arange(old) / old
    envelope = np.exp(-(((time_s - 0.5) / 0.1) ** 2))
    audio = Audio(samples=0.5 * envelope * np.sin(2 * np.pi * 1000 * time_s), sample_rate_hz=old)
    audio = audio.with_gain(3.0)
    out = resampled(audio, rate_hz)
    times_s = np.arange(rate_hz) / rate_hz
    wanted = np.exp(-(((times_s - 0.5) / 0.1) ** 2)) * np.sin(2 * np.pi * 1000 * times_s)
    np.testing.assert_allclose(out.samples[0], 0.5 * 10 ** (3 / 20) * wanted, atol=1e-4)
    assert out.sample_rate_hz == rate_hz
    assert out.gain_db == audio.gain_db
    assert out.samples.dtype == np.float32


@settings(max_examples=20, deadline=None)
@given(
    samples=st.integers(0, 3000),
    channels=st.integers(1, 3),
    old=st.sampled_from([8_000, 16_000, 44_100]),
    new=st.sampled_from([8_000, 22_050, 48_000]),
)
def test_the_length_is_the_same(samples, channels, old, new):
    out = resampled(Audio(samples=np.zeros((channels, samples)), sample_rate_hz=old), new)
    assert out.samples.shape == (channels, round(samples * new / old))


def test_the_same_rate_is_the_same_sound():
    audio = Audio(samples=np.ones(10), sample_rate_hz=16_000)
    assert resampled(audio, 16_000) is audio


@pytest.mark.parametrize("rate_hz", [0, -1, 1_000_000, True])
def test_impossible_rates_are_refused(rate_hz):
    with pytest.raises(InputError, match="8000 to 384000"):
        resampled(Audio(samples=np.ones(10), sample_rate_hz=16_000), rate_hz)
