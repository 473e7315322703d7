import pytest
import torch
from diffusers.models.autoencoders.mmaudio_vocoder import MMAudioVocoder
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import BigVGAN, build_bigvgan
from pavas_sdk.models.bigvgan import OversampledActivation
from pavas_sdk.released.tensor_names import bigvgan_tensors

SMALL = {
    "mel_bins": 6,
    "initial_channels": 32,
    "upsample_rates": (4, 2),
    "upsample_kernel_sizes": (8, 4),
}


@pytest.fixture
def vocoder(generator, randomise):
    return randomise(BigVGAN(**SMALL))


def relative(got, want):
    return ((got - want).norm() / want.norm()).item()


def test_gradients_take_the_plain_path(vocoder, generator):
    mel = torch.randn(1, 6, 5, generator=generator, requires_grad=True)
    vocoder(mel).square().sum().backward()
    assert mel.grad.abs().sum() > 0
    assert all(p.grad is not None for p in vocoder.parameters())


def test_bfloat16_runs(vocoder, generator):
    mel = torch.randn(1, 6, 12, generator=generator)
    with torch.no_grad():
        want = vocoder(mel)
        got = vocoder.to(torch.bfloat16)(mel.bfloat16())
    assert got.dtype == torch.bfloat16
    assert relative(got.float(), want) < 0.1


@pytest.mark.parametrize("kernels", ["1", "0"])
def test_second_version_equals_the_one_of_diffusers(generator, monkeypatch, kernels):
    """Another implementation of the 44.1 kHz structure, with plain operations."""
    sizes = {"upsample_rates": (4, 2), "upsample_kernel_sizes": (8, 4)}
    theirs = MMAudioVocoder(num_mels=6, upsample_initial_channel=32, **sizes)
    with torch.no_grad():
        for parameter in theirs.parameters():
            parameter.normal_(std=0.2, generator=generator)
    ours = BigVGAN(
        mel_bins=6, initial_channels=32, final_activation="clamp", final_bias=False, **sizes
    )
    ours.load_state_dict({k: v.read() for k, v in bigvgan_tensors(theirs.state_dict()).items()})
    mel = torch.randn(1, 6, 30, generator=generator)
    with torch.no_grad():
        monkeypatch.setenv("PAVAS_CPU_KERNELS", kernels)
        assert relative(ours(mel), theirs(mel).sample) < 1e-5


def test_saved_and_loaded(vocoder, generator, tmp_path):
    mel = torch.randn(1, 6, 9, generator=generator)
    vocoder.save_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(BigVGAN.from_pretrained(tmp_path)(mel), vocoder(mel))


def test_released_sizes():
    with torch.device("meta"):
        assert build_bigvgan("16k").hop_length == 256
        assert build_bigvgan("44k").hop_length == 512
    with pytest.raises(ConfigurationError, match="known: 16k, 44k"):
        build_bigvgan("48k")


@pytest.mark.parametrize(
    "wrong",
    [
        {"upsample_rates": (4,)},
        {"upsample_kernel_sizes": (7, 4)},
        {"initial_channels": 30},
        {"block_kernel_sizes": (4,)},
        {"final_activation": "relu"},
    ],
)
def test_impossible_sizes(wrong):
    with pytest.raises(ConfigurationError):
        BigVGAN(**{**SMALL, **wrong})


def test_wrong_mel(vocoder):
    with pytest.raises(InputError, match=r"expected \(batch, 6, frames\)"):
        vocoder(torch.zeros(1, 5, 4))


def test_activation_does_not_alias(generator):
    """A high tone makes less of a lower tone than the plain snake would."""
    time = torch.arange(4096) / 4096
    tone = torch.sin(2 * torch.pi * 1500 * time)[None, None]  # its double, 3000, would fold to 1096
    act = OversampledActivation(1)
    with torch.no_grad():
        spectrum = torch.fft.rfft(act(tone)[0, 0]).abs()
        folded = torch.fft.rfft(act.act(tone)[0, 0]).abs()
    assert spectrum[1096] < 0.5 * folded[1096]
    assert F.mse_loss(act(torch.zeros(1, 1, 8)), torch.zeros(1, 1, 8)) == 0
