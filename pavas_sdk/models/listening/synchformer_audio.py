"""The audio half of Synchformer: overlapping short segments of sound to features.

Iashin et al., Synchformer: Efficient Synchronization from Sparse Cues (ICASSP 2024); its trunk is the
Audio Spectrogram Transformer (Gong et al. 2021). State-dict names are those of the released
``synchformer_state_dict.pth`` below ``afeat_extractor.``.
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
from pavas_sdk.models.listening.filterbanks import hertz_triangles
from pavas_sdk.models.synchformer import SpatialPooling
from pavas_sdk.models.weights import StreamedWeights

__all__ = ["SynchformerAudio"]

_RATE_HZ = 16000
_SEGMENT, _STEP = 10240, 5120
_N_FFT, _WINDOW, _HOP = 1024, 400, 160
_BANDS, _FRAMES = 128, 66
_MEAN, _TWO_STD = -4.2677393, 2 * 4.5689974
_PATCH, _STRIDE = 16, 10
_EPS = 1e-12


class SelfAttention(nn.Module):
    """Queries, keys and values by maps of their own."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query = nn.Linear(dim, dim)
        self.key = nn.Linear(dim, dim)
        self.value = nn.Linear(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        q, k, v = (
            map_(x).unflatten(2, (self.num_heads, -1)).transpose(1, 2)
            for map_ in (self.query, self.key, self.value)
        )
        attended: Tensor = F.scaled_dot_product_attention(q, k, v)
        return attended.transpose(1, 2).flatten(2)


class Dense(nn.Module):
    """A linear map under the name ``dense``."""

    def __init__(self, dim_in: int, dim_out: int) -> None:
        super().__init__()
        self.dense = nn.Linear(dim_in, dim_out)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., dim_in) to (..., dim_out)."""
        return cast("Tensor", self.dense(x))


class Layer(nn.Module):
    """Attention and MLP, each on normalised input, residual."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"attention": SelfAttention(dim, num_heads), "output": Dense(dim, dim)}
        )
        self.intermediate = Dense(dim, mlp_dim)
        self.output = Dense(mlp_dim, dim)
        self.layernorm_before = nn.LayerNorm(dim, eps=_EPS)
        self.layernorm_after = nn.LayerNorm(dim, eps=_EPS)

    def forward(self, x: Tensor) -> Tensor:
        """Map tokens (B, N, D) to the same shape."""
        attended = self.attention["attention"](self.layernorm_before(x))
        x = x + self.attention["output"](attended)
        return x + cast("Tensor", self.output(F.gelu(self.intermediate(self.layernorm_after(x)))))


class PatchProjection(nn.Module):
    """Overlapping squares of the spectrogram to vectors."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(1, dim, _PATCH, stride=_STRIDE)

    def forward(self, mel: Tensor) -> Tensor:
        """Map (B, 1, bands, frames) to tokens (B, 72, D), frequency by frequency."""
        return cast("Tensor", self.projection(mel)).flatten(2).transpose(1, 2)


class Embeddings(nn.Module):
    """Two tokens, the patches, and a position for each."""

    def __init__(self, dim: int, places: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.distillation_token = nn.Parameter(torch.zeros(1, 1, dim))
        self.position_embeddings = nn.Parameter(torch.zeros(1, 2 + places, dim))
        self.patch_embeddings = PatchProjection(dim)

    def forward(self, mel: Tensor) -> Tensor:
        """Map (B, 1, bands, frames) to (B, 74, D)."""
        tokens = self.patch_embeddings(mel)
        first = torch.cat([self.cls_token, self.distillation_token], dim=1)
        x = torch.cat([first.expand(tokens.shape[0], -1, -1), tokens], dim=1)
        return x + self.position_embeddings


class SpectrogramTransformer(nn.Module):
    """The Audio Spectrogram Transformer without its head."""

    def __init__(self, dim: int, num_heads: int, depth: int, mlp_dim: int, places: int) -> None:
        super().__init__()
        self.embeddings = Embeddings(dim, places)
        layers = nn.ModuleList(Layer(dim, num_heads, mlp_dim) for _ in range(depth))
        self.encoder = nn.ModuleDict({"layer": layers})
        self.layernorm = nn.LayerNorm(dim, eps=_EPS)

    def forward(self, mel: Tensor) -> Tensor:
        """Map (B, 1, bands, frames) to (B, 74, D)."""
        x = self.embeddings(mel)
        for layer in cast("nn.ModuleList", self.encoder["layer"]):
            x = layer(x)
        return cast("Tensor", self.layernorm(x))


class SynchformerAudio(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Sound at 16 kHz to features of overlapping segments of 0.64 s, every 0.32 s.

    Args:
        hidden_dim: Width D, also of a feature.
        num_heads: Attention heads.
        depth: Layers.
        mlp_dim: Inner width of the MLPs.
        segments_per_batch: How many segments are computed at once; bounds memory.

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
        segments_per_batch: int = 24,
    ) -> None:
        super().__init__()
        if hidden_dim % num_heads:
            raise ConfigurationError(f"{num_heads} heads do not divide a width of {hidden_dim}")
        self.rows = (_BANDS - _PATCH) // _STRIDE + 1
        places = self.rows * ((_FRAMES - _PATCH) // _STRIDE + 1)
        self.ast = SpectrogramTransformer(hidden_dim, num_heads, depth, mlp_dim, places)
        self.freq_attn_agg = SpatialPooling(hidden_dim, num_heads, mlp_dim)

    @staticmethod
    def segment_count(samples: int) -> int:
        """Return how many whole segments so many samples hold."""
        return max(0, (samples - _SEGMENT) // _STEP + 1)

    def log_mel(self, samples: Tensor) -> Tensor:
        """Return scaled logarithms of samples (B, n), (B, segments, 1, 128, 66)."""
        segments = samples.unfold(1, _SEGMENT, _STEP)
        window = torch.hann_window(_WINDOW, device=samples.device)
        spectrum = torch.stft(
            segments.flatten(0, 1),
            _N_FFT,
            _HOP,
            win_length=_WINDOW,
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        bins = np.linspace(0.0, _RATE_HZ / 2, _N_FFT // 2 + 1)
        triangles = hertz_triangles(_BANDS, 0.0, _RATE_HZ / 2, bins)
        matrix = torch.from_numpy(triangles).float().to(samples.device)
        bands = (matrix @ power + 1e-6).log()
        # the frame that fills up is 0 *after* the logarithm: far louder than silence
        bands = F.pad(bands, (0, _FRAMES - bands.shape[2]))
        scaled: Tensor = ((bands - _MEAN) / _TWO_STD).unflatten(0, segments.shape[:2])
        return scaled[:, :, None]

    def forward(self, samples: Tensor) -> Tensor:
        """Return features (B, segments, 6, D) of sound (B, n) at 16 kHz.

        Raises:
            InputError: Another shape, or less than one segment.
        """
        if samples.ndim != 2 or self.segment_count(samples.shape[1]) < 1:
            raise InputError(
                f"sound of shape {tuple(samples.shape)}, expected (clips, samples) with at least "
                f"{_SEGMENT} samples at {_RATE_HZ} Hz"
            )
        mel = self.log_mel(samples)
        parts = mel.flatten(0, 1).split(self.config.segments_per_batch)
        joined = torch.cat([self.encode(part) for part in parts])
        features: Tensor = joined.unflatten(0, mel.shape[:2])
        return features

    def encode(self, mel: Tensor) -> Tensor:
        """Map spectrograms of segments (S, 1, 128, 66) to features (S, 6, D)."""
        tokens = self.ast(mel)[:, 2:].unflatten(1, (self.rows, -1))  # (S, 12, 6, D)
        by_time = tokens.transpose(1, 2)
        pooled: Tensor = self.freq_attn_agg(by_time.flatten(0, 1))
        return cast("Tensor", pooled.unflatten(0, by_time.shape[:2]))
