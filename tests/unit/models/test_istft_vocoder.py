"""IstftVocoder: levels that the mel spectrogram asks for even before training, always the same."""

import pytest
import torch

from pavas_sdk.errors import InputError
from pavas_sdk.models import MEL_48K, IstftVocoder, LinearMelCodec, MelConfig, MelSpectrogram

SMALL = {"hidden_dim": 16, "depth": 1, "fine_dim": 8, "fine_depth": 1}
ANALYSE = MelSpectrogram(MEL_48K)


@pytest.fixture(scope="module")
def vocoder():
    torch.manual_seed(0)
    return IstftVocoder(**SMALL).eval()


def noise(seconds: float = 0.5, level: float = 0.02) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return level * torch.randn(1, int(seconds * 48000) // 768 * 768, generator=generator)


def test_the_sound_is_as_long_as_its_frames(vocoder):
    mel = ANALYSE(noise())
    assert vocoder(mel).shape == (1, 1, mel.shape[2] * 768)


def test_untrained_levels_are_near_what_is_asked_for(vocoder):
    mel = ANALYSE(noise())
    parts = vocoder.describe(mel)
    # log10 of 0.02, and half of the energy as tones
    assert parts.log10_noise.mean().item() == pytest.approx(-1.85, abs=0.1)
    time = torch.arange(24576) / 48000
    band = 60
    hz = float(vocoder.lower_hz[band] + 0.5 * vocoder.width_hz[band])
    parts = vocoder.describe(ANALYSE(0.1 * torch.sin(2 * torch.pi * hz * time)[None]))
    assert parts.log10_tone[0, 60, band].item() == pytest.approx(-1.15, abs=0.1)
    assert parts.frequency_hz[0, 60, band].item() == pytest.approx(hz, rel=0.01)


@pytest.mark.parametrize("hz", [1500.0, 3111.0, 8111.0, 12000.0])
def test_an_untrained_network_finds_the_pitch_of_a_tone(vocoder, hz):
    time = torch.arange(24576) / 48000
    parts = vocoder.describe(ANALYSE(0.1 * torch.sin(2 * torch.pi * hz * time)[None]))
    band = int((vocoder.lower_hz <= hz).sum()) - 1
    off_hz = parts.frequency_hz[0, 60, band].item() - hz
    assert abs(off_hz) < 0.15 * vocoder.width_hz[band].item()  # a guess would be 0.25 off


def test_ten_decibels_more_are_ten_decibels_more(vocoder):
    # the untrained network adds next to nothing of its own to the levels
    mel = ANALYSE(noise())
    soft, loud = vocoder(mel), vocoder(mel + 0.5)
    gain_db = 10 * torch.log10(loud.square().sum() / soft.square().sum())
    assert gain_db.item() == pytest.approx(10.0, abs=0.3)


def test_silence_stays_silent(vocoder):
    assert vocoder(torch.full((1, 80, 20), -5.0)).abs().max() < 1e-3


def test_a_batch_is_its_items(vocoder):
    mel = torch.cat([ANALYSE(noise()), ANALYSE(noise(level=0.001))])
    together = vocoder(mel)
    for row in range(2):
        torch.testing.assert_close(
            vocoder(mel[row : row + 1])[0], together[row], rtol=1e-4, atol=1e-5
        )


def test_the_same_mel_gives_the_same_sound(vocoder):
    mel = ANALYSE(noise())
    assert torch.equal(vocoder(mel), vocoder(mel))


def test_a_longer_spectrogram_starts_like_a_shorter_one(vocoder):
    mel = ANALYSE(noise(1.0))
    long, short = vocoder(mel), vocoder(mel[..., :40])
    stop = 24 * 768  # what lies further is seen from the end
    torch.testing.assert_close(long[..., :stop], short[..., :stop], rtol=1e-4, atol=1e-6)


def test_saved_and_loaded_it_is_the_same(vocoder, tmp_path):
    vocoder.save_pretrained(tmp_path)
    loaded = IstftVocoder.from_pretrained(tmp_path)
    mel = ANALYSE(noise())
    assert torch.equal(loaded(mel), vocoder(mel))


def test_half_precision_only_rounds_the_network(vocoder, tmp_path):
    vocoder.save_pretrained(tmp_path)
    half = IstftVocoder.from_pretrained(tmp_path, torch_dtype=torch.bfloat16)
    mel = ANALYSE(noise())
    sound = half(mel.bfloat16())
    assert sound.dtype == torch.float32
    level_db = 10 * torch.log10(sound.square().sum() / vocoder(mel).square().sum())
    assert abs(level_db.item()) < 0.5


def test_the_default_is_small():
    parameters = sum(parameter.numel() for parameter in IstftVocoder().parameters())
    assert 1.5e6 < parameters < 1.8e6


def test_natural_logarithms_give_the_same_sound(vocoder):
    natural = IstftVocoder(logarithm="ln", **SMALL).eval()
    natural.load_state_dict(vocoder.state_dict())
    mel = ANALYSE(noise())
    torch.testing.assert_close(
        natural(mel * torch.log(torch.tensor(10.0))), vocoder(mel), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("shape", [(80, 20), (1, 128, 20), (1, 80, 3)])
def test_wrong_shapes(vocoder, shape):
    with pytest.raises(InputError, match="80, 4 frames or more"):
        vocoder(torch.zeros(shape))


def test_hops_that_cannot_be_divided():
    with pytest.raises(InputError, match=r"multiple of 2 .* got 760"):
        IstftVocoder(hop_length=760)


def test_a_codec_knows_its_spectrograms(tmp_path):
    codec = LinearMelCodec.for_mel(MEL_48K, latent_channels=8)
    codec.save_pretrained(tmp_path)
    assert LinearMelCodec.from_pretrained(tmp_path).mel_config == MEL_48K
    assert isinstance(LinearMelCodec().mel_config, MelConfig)
    assert LinearMelCodec().mel_config.sample_rate_hz == 16000
