"""The mel filters are librosa's, without importing it."""

from __future__ import annotations

import subprocess
import sys

import librosa
import numpy as np
import pytest

from pavas_sdk.models.mel import MEL_16K, MEL_44K, MelConfig, mel_filters

ODD = MelConfig(
    sample_rate_hz=22050,
    n_fft=512,
    hop_length=128,
    mel_bins=37,
    min_hz=1200.0,
    max_hz=9000.0,
    logarithm="ln",
)


@pytest.mark.parametrize("config", [MEL_16K, MEL_44K, ODD], ids=["16k", "44k", "odd"])
def test_equal_to_librosa_to_the_bit(config):
    expected = librosa.filters.mel(
        sr=config.sample_rate_hz,
        n_fft=config.n_fft,
        n_mels=config.mel_bins,
        fmin=config.min_hz,
        fmax=config.max_hz,
    )
    np.testing.assert_array_equal(mel_filters(config), expected)


def test_making_filters_does_not_import_librosa():
    code = (
        "import sys; from pavas_sdk.models.mel import MEL_16K, MelSpectrogram; "
        "MelSpectrogram(MEL_16K); sys.exit('librosa' in sys.modules or 'numba' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
