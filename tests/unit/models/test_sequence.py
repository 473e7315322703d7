import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import SEQUENCE_16K, SEQUENCE_44K, sequence_for_mode

DURATIONS = st.floats(0.05, 900, allow_nan=False)


def test_eight_seconds():
    assert SEQUENCE_16K.latent_length(8) == 250
    assert SEQUENCE_44K.latent_length(8) == 345
    assert SEQUENCE_16K.audio_samples(8) == 128000
    assert SEQUENCE_44K.audio_samples(8) == 353280
    for sequence in (SEQUENCE_16K, SEQUENCE_44K):
        assert sequence.clip_length(8) == 64
        assert sequence.sync_length(8) == 192


def test_rates():
    assert SEQUENCE_16K.latent_rate_hz == 31.25
    assert SEQUENCE_44K.latent_rate_hz == pytest.approx(43.066, abs=1e-3)
    assert SEQUENCE_16K.samples_per_latent == 512


@given(duration_s=DURATIONS)
@pytest.mark.parametrize("sequence", [SEQUENCE_16K, SEQUENCE_44K], ids=["16k", "44k"])
def test_the_latents_cover_the_duration_and_less_than_one_more(sequence, duration_s):
    extra = sequence.audio_samples(duration_s) - duration_s * sequence.sample_rate_hz
    assert -1e-6 <= extra < sequence.samples_per_latent + 1e-6


@given(duration_s=DURATIONS)
def test_sync_features_come_in_whole_segments(duration_s):
    length = SEQUENCE_16K.sync_length(duration_s)
    assert length % 8 == 0
    frames = 25.0 * duration_s
    segments = 0 if frames < 16 else math.floor((frames - 16) / 8) + 1
    assert length == 8 * segments


@pytest.mark.parametrize(("duration_s", "segments"), [(0.1, 0), (0.63, 0), (0.64, 1), (0.96, 2)])
def test_short_clips_have_no_segment(duration_s, segments):
    assert SEQUENCE_16K.sync_segments(duration_s) == segments


@given(first=DURATIONS, second=DURATIONS)
def test_lengths_never_fall_with_the_duration(first, second):
    short, long = sorted((first, second))
    for length in (
        SEQUENCE_44K.latent_length,
        SEQUENCE_44K.clip_length,
        SEQUENCE_44K.sync_length,
    ):
        assert length(short) <= length(long)


def test_modes():
    assert sequence_for_mode("16k") is SEQUENCE_16K
    assert sequence_for_mode("44k") is SEQUENCE_44K
    with pytest.raises(ConfigurationError, match="unknown codec mode '48k'; known: 16k, 44k"):
        sequence_for_mode("48k")
