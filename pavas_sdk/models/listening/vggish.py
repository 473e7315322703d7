"""VGGish: 128 numbers for every 0.96 s of sound.

Hershey et al., CNN Architectures for Large-Scale Audio Classification (2017). State-dict names are
those of the released file ``vggish-10086976.pth``. As in the public evaluation code the last ReLU of
the original is left out, and there is neither PCA nor quantisation after it.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from pavas_sdk.errors import InputError
from pavas_sdk.models.listening.filterbanks import mel_triangles
from pavas_sdk.models.weights import StreamedWeights

__all__ = ["VGGish"]

_RATE_HZ = 16000
_FRAME, _HOP, _N_FFT = 400, 160, 512
_BANDS, _MIN_HZ, _MAX_HZ = 64, 125.0, 7500.0
_FLOOR = 0.01
_PIECE_FRAMES = 96
_SHORTEST = 15600
# Channels, and "pool" between them; the layers are numbered as in the released file.
_LAYERS: tuple[int | str, ...] = (64, "pool", 128, "pool", 256, 256, "pool", 512, 512, "pool")


class VGGish(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Features of pieces of 0.96 s, without overlap; what is left at the end is dropped.

    Args:
        hidden_dim: Width of the two dense layers.
        feature_dim: Numbers per piece.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved folders

    sample_rate_hz = _RATE_HZ

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, *, hidden_dim: int = 4096, feature_dim: int = 128) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for layer in _LAYERS:
            if isinstance(layer, int):
                layers += [nn.Conv2d(channels, layer, 3, padding=1), nn.ReLU(inplace=True)]
                channels = layer
            else:
                layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        flat = channels * (_PIECE_FRAMES // 16) * (_BANDS // 16)
        self.embeddings = nn.Sequential(
            nn.Linear(flat, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, hidden_dim),
            nn.ReLU(),
            nn.Linear(hidden_dim, feature_dim),
        )

    @staticmethod
    def mel_matrix() -> np.ndarray:
        """Return the triangles, (257, 64), float64; the constant bin is 0."""
        triangles = mel_triangles(
            _BANDS, _MIN_HZ, _MAX_HZ, np.linspace(0.0, _RATE_HZ / 2, _N_FFT // 2 + 1)
        )
        triangles[:, 0] = 0.0
        return triangles.T

    @staticmethod
    def piece_count(samples: int) -> int:
        """Return how many pieces a sound of so many samples has."""
        return max(0, (samples - _FRAME) // _HOP + 1) // _PIECE_FRAMES

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return natural logarithms of samples (B, n), (B, pieces, 96, 64), made in float64."""
        pieces = self.piece_count(samples.shape[1])
        frames = samples.double().unfold(1, _FRAME, _HOP)[:, : pieces * _PIECE_FRAMES]
        window = torch.hann_window(_FRAME, dtype=torch.float64, device=samples.device)
        magnitude = torch.fft.rfft(frames * window, n=_N_FFT).abs()
        matrix = torch.from_numpy(self.mel_matrix()).to(samples.device)
        bands: Tensor = torch.log(magnitude @ matrix + _FLOOR).float()
        return cast("Tensor", bands.unflatten(1, (pieces, _PIECE_FRAMES)))

    def forward(self, samples: Tensor) -> Tensor:
        """Return features (B, pieces, 128) of sound (B, n) at 16 kHz; below 0.975 s no piece.

        Raises:
            InputError: Another shape.
        """
        if samples.ndim != 2:
            raise InputError(f"sound of shape {tuple(samples.shape)}, expected (clips, samples)")
        if samples.shape[1] < _SHORTEST:
            return samples.new_zeros(samples.shape[0], 0, self.config.feature_dim)
        bands = self.log_mel(samples)
        # channels last in memory, too: the convolutions are faster so, and the original flattens so
        x = self.features(bands.flatten(0, 1)[..., None].permute(0, 3, 1, 2))
        x = x.permute(0, 2, 3, 1).flatten(1)
        return cast("Tensor", self.embeddings(x).unflatten(0, bands.shape[:2]))
