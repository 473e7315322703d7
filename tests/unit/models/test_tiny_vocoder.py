"""GriffinLimVocoder: the level that the mel spectrogram asks for, always the same."""

import numpy as np
import pytest
import torch

from pavas_sdk.errors import InputError
from pavas_sdk.models import MEL_16K, GriffinLimVocoder, MelSpectrogram

RATE = 16000


def rings(duration_s: float = 1.0, times=(0.2, 0.6), levels_db=(-12.0, -32.0)) -> torch.Tensor:
    time = np.arange(int(duration_s * RATE)) / RATE
    wave = 1e-4 * np.random.default_rng(0).normal(size=time.size)
    for start, level in zip(times, levels_db, strict=True):
        since = np.maximum(time - start, 0.0)
        tone = sum(np.sin(2 * np.pi * hz * since) for hz in (310.0, 820.0, 2100.0))
        wave += 10 ** (level / 20) * tone * np.exp(-30.0 * since) * (time >= start)
    return torch.tensor(wave, dtype=torch.float32)[None]


@pytest.fixture(scope="module")
def vocoder():
    return GriffinLimVocoder(iterations=12)


@pytest.fixture(scope="module")
def analyse():
    return MelSpectrogram(MEL_16K)


def test_levels_and_spectrum_come_back(vocoder, analyse):
    wave = rings()
    mel = analyse(wave)
    out = vocoder(mel)
    assert out.shape == (1, 1, mel.shape[2] * 256)
    for start in (0.2, 0.6):
        part = slice(int((start - 0.01) * RATE), int((start + 0.15) * RATE))
        ratio = out[0, 0, part].square().sum() / wave[0, part].square().sum()
        assert abs(10 * np.log10(float(ratio))) < 1.5
    assert float((analyse(out[:, 0]) - mel).abs().mean()) < 0.11


def test_a_batch_is_its_items_to_the_bit(vocoder, analyse):
    mel = analyse(torch.cat([rings(0.5, (0.1,), (-10.0,)), rings(0.5, (0.3,), (-25.0,))]))
    together = vocoder(mel)
    for row in range(2):
        assert torch.equal(vocoder(mel[row : row + 1])[0], together[row])


def test_the_same_mel_gives_the_same_sound(vocoder, analyse):
    mel = analyse(rings(0.5, (0.1,), (-10.0,)))
    assert torch.equal(vocoder(mel), vocoder(mel))


def test_louder_by_ten_decibels_is_louder_by_ten_decibels(vocoder, analyse):
    mel = analyse(rings(0.5, (0.1,), (-20.0,)))
    soft, loud = vocoder(mel), vocoder(mel + 0.5)
    gain = 10 * np.log10(float(loud.square().sum() / soft.square().sum()))
    assert gain == pytest.approx(10.0, abs=0.2)


def test_inverted_magnitudes_are_positive_and_fit(vocoder, analyse):
    mel = analyse(rings())
    spectrum = vocoder.magnitudes(mel)
    assert float(spectrum.min()) >= 0.0
    rebuilt = (vocoder.mel.mel_basis @ spectrum).log10()
    assert float((rebuilt - mel).abs().mean()) < 0.05


def test_silence_stays_silent(vocoder):
    assert float(vocoder(torch.full((1, 80, 20), -5.0)).abs().max()) < 1e-3


def test_nothing_is_stored_in_its_file(vocoder, tmp_path, analyse):
    vocoder.save_pretrained(tmp_path)
    files = list(tmp_path.glob("*.safetensors"))
    assert sum(file.stat().st_size for file in files) < 1000
    loaded = GriffinLimVocoder.from_pretrained(tmp_path)
    mel = analyse(rings(0.3, (0.1,), (-10.0,)))
    assert torch.equal(loaded(mel), vocoder(mel))


@pytest.mark.parametrize("shape", [(80, 20), (1, 79, 20), (1, 80, 3)])
def test_wrong_shapes(vocoder, shape):
    with pytest.raises(InputError, match="80, 4 frames or more"):
        vocoder(torch.zeros(shape))
