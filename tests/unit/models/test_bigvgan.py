import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.mmaudio_vocoder import MMAudioVocoder
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import BigVGAN, build_bigvgan
from pavas_sdk.models.bigvgan import OversampledActivation, oversampling_filter
from pavas_sdk.models.cpu import vocoder as vocoder_cpu
from pavas_sdk.models.cpu import vocoder_kernels
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


@pytest.fixture
def by_tiles(monkeypatch):
    """Convolutions of any size go by tiles."""
    monkeypatch.setattr(vocoder_cpu, "_MIN_PRODUCT", 0)
    monkeypatch.setattr(vocoder_cpu, "_MIN_SAMPLES", 0)


def relative(got, want):
    return ((got - want).norm() / want.norm()).item()


@pytest.mark.parametrize("length", [1, 2, 5, 1023, 1024, 1025, 2500])
def test_compiled_activation_equals_torch(generator, length):
    act = OversampledActivation(3)
    with torch.no_grad():
        act.act.alpha.normal_(generator=generator)
        act.act.beta.normal_(generator=generator)
        x = 20.0 * torch.randn(3, length, generator=generator)
        want = act.double()(x.double()[None])[0].float()
        alpha = (act.act.alpha.exp() / torch.pi).float().numpy()
        weight = act.act.weight().float().numpy()
    taps = oversampling_filter().numpy()
    out = np.empty((3, length), np.float32)
    vocoder_kernels.activate(x.numpy(), alpha, weight, 2 * taps, taps, out, 0, 3)
    torch.testing.assert_close(torch.from_numpy(out), want, rtol=0, atol=2e-4)


@pytest.mark.parametrize("frames", [1, 3, 40])
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled_path_equals_the_plain_one(vocoder, by_tiles, generator, frames, threads):
    mel = torch.randn(2, 6, frames, generator=generator)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            assert vocoder_cpu.can_run(vocoder, mel)
            got, want = vocoder(mel), vocoder.forward_plain(mel)
            alone = vocoder(mel[1:])
    finally:
        torch.set_num_threads(before)
    assert got.shape == (2, 1, 8 * frames)
    assert relative(got, want) < 1e-5
    assert torch.equal(got[1:], alone), "a batch of two equals two alone"


@pytest.mark.parametrize("size", [3, 5, 7, 11])
@pytest.mark.parametrize("dilation", [1, 2, 3, 5])
@pytest.mark.parametrize("length", [1, 7, 33])
def test_convolution_by_tiles(generator, size, dilation, length):
    torch.manual_seed(0)  # of the biases
    weight = torch.randn(4, 4, size, generator=generator)
    x = torch.randn(4, length, generator=generator)
    vocoder = BigVGAN(**SMALL)
    conv = torch.nn.Conv1d(4, 4, size, dilation=dilation, padding=(size - 1) * dilation // 2)
    act = OversampledActivation(4)
    with torch.no_grad():
        conv.weight.copy_(weight)
        run = vocoder_cpu.CPUVocoder(vocoder)
        got = run._convolve_by_tiles(conv, act, x, x)
        want = conv(act(x[None]))[0] + x
    assert relative(got, want) < 2e-5  # tiles add up in another order


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


def test_second_version_equals_the_one_of_diffusers(generator):
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
        want = theirs(mel).sample
        assert relative(ours(mel), want) < 1e-5
        assert relative(ours.forward_plain(mel), want) < 1e-5


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
