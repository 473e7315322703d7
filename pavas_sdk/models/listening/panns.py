"""PANNs Cnn14 at 16 kHz: what a sound is, among the 527 classes of AudioSet.

Kong et al., PANNs: Large-Scale Pretrained Audio Neural Networks for Audio Pattern Recognition (2020).
State-dict names are those of the released file ``Cnn14_16k_mAP=0.438.pth``; the DFT kernels and the
mel matrix that it also holds follow from formulas and are computed here.
"""

from __future__ import annotations

from typing import cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.models.mel import MelConfig, mel_filters
from pavas_sdk.models.weights import StreamedWeights

__all__ = ["Cnn14"]

_MEL = MelConfig(
    sample_rate_hz=16000,
    n_fft=512,
    hop_length=160,
    mel_bins=64,
    min_hz=50.0,
    max_hz=8000.0,
    logarithm="log10",
)
_FLOOR = 1e-10


class ConvBlock(nn.Module):
    """Two 3 x 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, channels_in: int, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, padding=1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, channels_in, F, M) to (B, channels, F, M)."""
        # in place: nothing else needs what batch norm gives, and the maps are large
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(cast("Tensor", self.bn2(self.conv2(x))), inplace=True)


class Cnn14(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Audio tagger of sound at 16 kHz; any length of at least 0.31 s.

    Args:
        widths: Channels of the blocks; all but the last halve time and pitch.
        num_classes: Classes.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved folders

    sample_rate_hz = _MEL.sample_rate_hz

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        widths: tuple[int, ...] = (64, 128, 256, 512, 1024, 2048),
        num_classes: int = 527,
    ) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(_MEL.mel_bins)
        self.block_count = len(widths)
        for index, channels in enumerate(widths):
            before = widths[index - 1] if index else 1
            self.add_module(f"conv_block{index + 1}", ConvBlock(before, channels))
        self.fc1 = nn.Linear(widths[-1], widths[-1])
        self.fc_audioset = nn.Linear(widths[-1], num_classes)

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return decibels of samples (B, n), (B, 1, n // 160 + 1, 64)."""
        # not a buffer: networks are built on the meta device, where a formula would be lost
        filters = torch.from_numpy(mel_filters(_MEL)).to(samples.device)
        window = torch.hann_window(_MEL.n_fft, device=samples.device)
        spectrum = torch.stft(
            samples,
            _MEL.n_fft,
            _MEL.hop_length,
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        bands = (filters @ power).transpose(1, 2)
        return (10.0 * bands.clamp_min(_FLOOR).log10())[:, None]

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (B, 2048), 0 or more, and logits (B, 527) of sound (B, n) at 16 kHz.

        Raises:
            InputError: Another shape, or too short for the network.
        """
        shortest = _MEL.hop_length * 2 ** (self.block_count - 1) - _MEL.hop_length
        if samples.ndim != 2 or samples.shape[1] < max(shortest, _MEL.n_fft):
            raise InputError(
                f"sound of shape {tuple(samples.shape)}, expected (clips, samples) with at least "
                f"{shortest} samples at {_MEL.sample_rate_hz} Hz"
            )
        # batch norm over the bands, which stand where it looks for channels
        x = self.bn0(self.log_mel(samples).transpose(1, 3)).transpose(1, 3)
        for index in range(1, self.block_count + 1):
            x = self.get_submodule(f"conv_block{index}")(x)
            if index < self.block_count:
                x = F.avg_pool2d(x, 2)
        x = x.mean(dim=3)
        x = x.amax(dim=2) + x.mean(dim=2)
        features = F.relu(self.fc1(x))
        return features, self.fc_audioset(features)
