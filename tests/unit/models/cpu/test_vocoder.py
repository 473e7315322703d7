"""The vocoder's kernels give what its plain operations give."""

import numpy as np
import pytest
import torch

from pavas_sdk.models import BigVGAN
from pavas_sdk.models.bigvgan import OversampledActivation, oversampling_filter
from pavas_sdk.models.cpu import vocoder as vocoder_module
from pavas_sdk.models.cpu import vocoder_kernels

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
    monkeypatch.setattr(vocoder_module, "_MIN_PRODUCT", 0)
    monkeypatch.setattr(vocoder_module, "_MIN_SAMPLES", 0)


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
def test_equals_the_plain_network(vocoder, by_tiles, generator, monkeypatch, frames, threads):
    mel = torch.randn(2, 6, frames, generator=generator)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.no_grad():
            got, alone = vocoder(mel), vocoder(mel[1:])
            monkeypatch.setenv("PAVAS_CPU_KERNELS", "0")
            want = vocoder(mel)
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
        run = vocoder_module.CPUVocoder(vocoder)
        got = run._convolve_by_tiles(conv, act, x, x)
        want = conv(act(x[None]))[0] + x
    assert relative(got, want) < 2e-5  # tiles add up in another order
