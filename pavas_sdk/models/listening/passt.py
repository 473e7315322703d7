"""PaSST: what a sound is, by a transformer over patches of its spectrogram.

Koutini et al., Efficient Training of Audio Transformers with Patchout (2022). State-dict names are
those of the released file ``passt-s-f128-p16-s10-ap.476-swa.pt``.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models.listening.filterbanks import mel_triangles
from pavas_sdk.models.weights import StreamedWeights

__all__ = ["PaSST"]

_RATE_HZ = 32000
_N_FFT, _HOP, _WINDOW = 1024, 320, 800
_BANDS, _MAX_HZ = 128, 15000.0
_SAMPLES = 320000  # 10 s: what the network was trained on, silence included
_PATCH, _STRIDE = 16, 10
_EPS = 1e-6


class Attention(nn.Module):
    """Self-attention with one map for queries, keys and values."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        q, k, v = self.qkv(x).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v)
        return cast("Tensor", self.proj(attended.transpose(1, 2).flatten(2)))


class MLP(nn.Module):
    """Two linear maps with an exact GELU between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to the same shape."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class Block(nn.Module):
    """Attention and MLP, each on normalised input, residual."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=_EPS)
        self.attn = Attention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=_EPS)
        self.mlp = MLP(dim, mlp_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        x = x + self.attn(self.norm1(x))
        return x + cast("Tensor", self.mlp(self.norm2(x)))


class PatchEmbedding(nn.Module):
    """Overlapping squares of the spectrogram to vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, dim, _PATCH, stride=_STRIDE)

    def forward(self, mel: Tensor) -> Tensor:
        """Map (B, 1, bands, frames) to (B, D, 12, times)."""
        return cast("Tensor", self.proj(mel))


class PaSST(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Audio tagger of sound at 32 kHz, heard as exactly 10 s.

    Shorter sound is followed by silence, which the network hears: features of clips of different
    lengths do not compare.

    Args:
        hidden_dim: Width D, also of the features.
        num_heads: Attention heads.
        depth: Blocks.
        mlp_dim: Inner width of the MLPs.
        num_classes: Classes.

    Raises:
        ConfigurationError: ``num_heads`` does not divide ``hidden_dim``.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved folders

    sample_rate_hz = _RATE_HZ

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        hidden_dim: int = 768,
        num_heads: int = 12,
        depth: int = 12,
        mlp_dim: int = 3072,
        num_classes: int = 527,
    ) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise ConfigurationError(f"{num_heads} heads do not divide a width of {hidden_dim}")
        rows = (_BANDS - _PATCH) // _STRIDE + 1
        columns = (_SAMPLES // _HOP - _PATCH) // _STRIDE + 1
        self.cls_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.dist_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.new_pos_embed = nn.Parameter(torch.zeros(1, 2, hidden_dim))
        self.freq_new_pos_embed = nn.Parameter(torch.zeros(1, hidden_dim, rows, 1))
        self.time_new_pos_embed = nn.Parameter(torch.zeros(1, hidden_dim, 1, columns))
        self.patch_embed = PatchEmbedding(hidden_dim)
        self.blocks = nn.ModuleList(Block(hidden_dim, num_heads, mlp_dim) for _ in range(depth))
        self.norm = nn.LayerNorm(hidden_dim, eps=_EPS)
        self.head = nn.Sequential(nn.LayerNorm(hidden_dim), nn.Linear(hidden_dim, num_classes))

    @staticmethod
    def mel_matrix() -> np.ndarray:
        """Return the triangles, (128, 513), float64; the Nyquist bin is 0, some bands are empty."""
        bins = np.linspace(0.0, _RATE_HZ / 2, _N_FFT // 2 + 1)
        triangles = mel_triangles(_BANDS, 0.0, _MAX_HZ, bins)
        triangles[:, -1] = 0.0
        return triangles

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return scaled logarithms of samples (B, n), (B, 128, 1000)."""
        samples = F.pad(samples[:, :_SAMPLES], (0, max(0, _SAMPLES - samples.shape[1])))
        emphasised = samples[:, 1:] - 0.97 * samples[:, :-1]
        window = torch.hann_window(_WINDOW, periodic=False, device=samples.device)
        spectrum = torch.stft(
            emphasised,
            _N_FFT,
            _HOP,
            win_length=_WINDOW,
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        matrix = torch.from_numpy(self.mel_matrix()).float().to(samples.device)
        return ((matrix @ power + 1e-5).log() + 4.5) / 5.0

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (B, D) and logits (B, classes) of sound (B, n) at 32 kHz.

        Raises:
            InputError: Another shape.
        """
        if samples.ndim != 2 or not samples.numel():
            raise InputError(f"sound of shape {tuple(samples.shape)}, expected (clips, samples)")
        patches = self.patch_embed(self.log_mel(samples)[:, None])
        places = patches + self.time_new_pos_embed + self.freq_new_pos_embed
        batch = patches.shape[0]
        first = self.cls_token + self.new_pos_embed[:, :1]
        second = self.dist_token + self.new_pos_embed[:, 1:]
        tokens = places.flatten(2).transpose(1, 2)  # frequency by frequency
        x = torch.cat([first.expand(batch, -1, -1), second.expand(batch, -1, -1), tokens], dim=1)
        for block in self.blocks:
            x = block(x)
        features = self.norm(x)[:, :2].mean(dim=1)
        return features, self.head(features)
