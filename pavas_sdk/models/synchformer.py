"""The visual half of Synchformer: overlapping short segments of video to motion features.

Iashin et al., Synchformer: Efficient Synchronization from Sparse Cues (ICASSP 2024); its visual
trunk is Motionformer with divided space-time attention (Patrick et al. 2021, Bertasius et al.
2021). State-dict names are those of the released checkpoint below ``vfeat_extractor.``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models.frame_pixels import cropped_pixels
from pavas_sdk.models.kernels import accelerated
from pavas_sdk.models.layers import Linear, linear
from pavas_sdk.models.weights import StreamedWeights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["Synchformer"]

_EPS = 1e-6
# Of a frame: a duration rounded to milliseconds must not cost one.
_FRAME_TOLERANCE = 0.02


class DividedAttention(nn.Module):
    """Attention of each token within its group and to the class token, which sees all tokens."""

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = Linear(dim, 3 * dim)
        self.proj = Linear(dim, dim)

    @accelerated
    def forward(self, x: Tensor, frames: int, *, over_time: bool) -> Tensor:
        """Map tokens (B, 1 + frames * places, D) to the same shape.

        Args:
            x: The class token, then the tokens of each frame.
            frames: Number of frames.
            over_time: Groups are the tokens of one place; otherwise those of one frame.
        """
        batch, dim = x.shape[0], x.shape[2]
        qkv = self.project(x)
        out = torch.empty_like(x)
        out[:, :1] = self.attend_from_class_token(qkv)
        # the groups, each with the class token among its keys
        grid = qkv[:, 1:].unflatten(1, (frames, -1))  # (B, frames, places, 3, H, d)
        if over_time:
            grid = grid.transpose(1, 2)
        shared = qkv[:, None, :1, 1:].expand(-1, grid.shape[1], -1, -1, -1, -1)
        kv = torch.cat([shared, grid[:, :, :, 1:]], dim=2).flatten(0, 1)
        q = grid[:, :, :, 0].flatten(0, 1).transpose(1, 2)  # (B * groups, H, L, d)
        k, v = kv.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        attended = attended.reshape(batch, grid.shape[1], grid.shape[2], dim)
        if over_time:
            attended = attended.transpose(1, 2)
        out[:, 1:].unflatten(1, (frames, -1)).copy_(attended)
        return cast("Tensor", self.proj(out))

    def project(self, x: Tensor) -> Tensor:
        """Return queries, keys and values of tokens (B, N, D), (B, N, 3, H, d)."""
        qkv: Tensor = self.qkv(x).unflatten(2, (3, self.num_heads, -1))
        return qkv

    @staticmethod
    def attend_from_class_token(qkv: Tensor) -> Tensor:
        """Return what the first token's query finds over all tokens, (B, 1, D)."""
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # (B, H, N, d) each
        attended: Tensor = F.scaled_dot_product_attention(q[:, :, :1], k, v)
        return attended.transpose(1, 2).flatten(2)


class MLP(nn.Module):
    """Two linear maps with an exact GELU between them."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.fc1 = Linear(dim, hidden)
        self.fc2 = Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., D) to the same shape."""
        return cast("Tensor", self.fc2(F.gelu(self.fc1(x))))


class SpaceTimeBlock(nn.Module):
    """Attention over time, then over space, then an MLP, each on normalised input, residual."""

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=_EPS)
        self.attn = DividedAttention(dim, num_heads)
        self.timeattn = DividedAttention(dim, num_heads)
        self.norm2 = nn.LayerNorm(dim, eps=_EPS)
        self.mlp = MLP(dim, mlp_dim)
        self.norm3 = nn.LayerNorm(dim, eps=_EPS)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        """Map tokens (B, 1 + frames * places, D) to the same shape."""
        x = x + self.timeattn(self.norm3(x), frames, over_time=True)
        x = x + self.attn(self.norm1(x), frames, over_time=False)
        return x + cast("Tensor", self.mlp(self.norm2(x)))


class PatchEmbedding(nn.Module):
    """Non-overlapping boxes of frames and pixels to tokens."""

    def __init__(self, dim: int, tubelet_frames: int, patch_size: int) -> None:
        super().__init__()
        size = (tubelet_frames, patch_size, patch_size)
        self.proj = nn.Conv3d(3, dim, size, stride=size)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, 3, T, H, W) to tokens (B, N, D) in the order time, row, column."""
        return cast("Tensor", self.proj(pixels)).flatten(2).transpose(1, 2)


class SpatialPooling(nn.Module):
    """One pre-norm encoder layer whose class token collects the tokens of a frame.

    Only the class token leaves, so only its query, output and MLP are computed.
    """

    def __init__(self, dim: int, num_heads: int, mlp_dim: int) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, dim))
        # used for its parameters and their names; attention itself is computed below
        self.self_attn = nn.MultiheadAttention(dim, num_heads, batch_first=True)
        self.linear1 = Linear(dim, mlp_dim)
        self.linear2 = Linear(mlp_dim, dim)
        self.norm1 = nn.LayerNorm(dim, eps=_EPS)
        self.norm2 = nn.LayerNorm(dim, eps=_EPS)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map (B, P, D) to (B, D)."""
        first = self.cls_token.expand(tokens.shape[0], -1, -1)
        x = self.norm1(torch.cat([first, tokens], dim=1))
        attention = self.self_attn
        dim, heads = attention.embed_dim, attention.num_heads
        weight, bias = attention.in_proj_weight, attention.in_proj_bias
        q = linear(x[:, :1], weight[:dim], bias[:dim]).unflatten(2, (heads, -1))
        kv = linear(x, weight[dim:], bias[dim:]).unflatten(2, (2, heads, -1))
        k, v = kv.permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(q.transpose(1, 2), k, v)
        pooled = first + attention.out_proj(attended.transpose(1, 2).flatten(2))
        pooled = pooled + self.linear2(F.gelu(self.linear1(self.norm2(pooled))))
        return cast("Tensor", pooled[:, 0])


class Synchformer(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Synchronisation encoder: frames at 25 per second to features of overlapping segments.

    A segment has 16 frames and the next one begins 8 frames later; each yields 8 features. They
    are laid end to end, segment after segment, as the backbone was trained: 192 for 8 s.

    Args:
        image_size: Side of the square input in pixels.
        patch_size: Side of a patch in pixels; divides ``image_size``.
        tubelet_frames: Frames of a patch.
        segment_frames: Frames of a segment, a multiple of ``tubelet_frames``.
        step_frames: Frames from one segment to the next.
        hidden_dim: Width D, also of a feature.
        num_heads: Attention heads.
        depth: Blocks.
        mlp_dim: Inner width of the MLPs.
        frame_rate_hz: Frames per second.
        segments_per_batch: How many segments are computed at once; bounds memory. (Kernels of a CPU
            take them one by one.)

    Raises:
        ConfigurationError: Sizes that do not divide each other.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved pipelines

    max_frame_side: int | None = None

    _no_split_modules = ("SpaceTimeBlock", "SpatialPooling")
    _repeated_blocks = ("SpaceTimeBlock",)

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        image_size: int = 224,
        patch_size: int = 16,
        tubelet_frames: int = 2,
        segment_frames: int = 16,
        step_frames: int = 8,
        hidden_dim: int = 768,
        num_heads: int = 12,
        depth: int = 12,
        mlp_dim: int = 3072,
        frame_rate_hz: float = 25.0,
        segments_per_batch: int = 4,
    ) -> None:
        super().__init__()
        if image_size % patch_size or segment_frames % tubelet_frames or hidden_dim % num_heads:
            raise ConfigurationError(
                "patch_size must divide image_size, tubelet_frames segment_frames, and num_heads "
                f"hidden_dim; got {patch_size} / {image_size}, {tubelet_frames} / {segment_frames}, "
                f"{num_heads} / {hidden_dim}"
            )
        places = (image_size // patch_size) ** 2
        self.features_per_segment = segment_frames // tubelet_frames
        self.cls_token = nn.Parameter(torch.zeros(1, 1, hidden_dim))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + places, hidden_dim))
        self.temp_embed = nn.Parameter(torch.zeros(1, self.features_per_segment, hidden_dim))
        self.patch_embed_3d = PatchEmbedding(hidden_dim, tubelet_frames, patch_size)
        self.blocks = nn.ModuleList(
            SpaceTimeBlock(hidden_dim, num_heads, mlp_dim) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(hidden_dim, eps=_EPS)
        self.spatial_attn_agg = SpatialPooling(hidden_dim, num_heads, mlp_dim)

    # -- the interface that the pipeline uses --------------------------------------------------

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz, as many as whole segments use, (T,).

        Empty for less than one segment (0.64 s).
        """
        rate_hz = float(self.config.frame_rate_hz)
        segments = self.segment_count(int(duration_s * rate_hz + _FRAME_TOLERANCE))
        count = self._frames_of(segments) if segments else 0
        return np.arange(count, dtype=np.float64) / rate_hz

    def segment_count(self, frames: int) -> int:
        """Return how many whole segments ``frames`` frames hold."""
        spare = frames - self.config.segment_frames
        return 0 if spare < 0 else spare // self.config.step_frames + 1

    def feature_count(self, frames: int) -> int:
        """Return the number of features of ``frames`` frames; 0 for less than one segment."""
        per_segment: int = self.config.segment_frames // self.config.tubelet_frames
        return self.segment_count(frames) * per_segment

    def _frames_of(self, segments: int) -> int:
        count: int = (segments - 1) * self.config.step_frames + self.config.segment_frames
        return count

    def preprocess(self, video: Video) -> Tensor:
        """Return the frames as float32 (T, 3, S, S) in [-1, 1]: shorter side to S, centre crop."""
        return cropped_pixels(video, self.config.image_size) * 2.0 - 1.0

    def encode(self, pixels: Tensor) -> Tensor:
        """Encode the frames of one clip, (T, 3, S, S), to (segments * features, D).

        Frames after the last whole segment are not used.

        Raises:
            InputError: Another shape, or less than one segment.
        """
        segments = self.segment_count(pixels.shape[0])
        size = self.config.image_size
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (3, size, size) or segments < 1:
            raise InputError(
                f"pixels have shape {tuple(pixels.shape)}, expected (frames, 3, {size}, {size}) "
                f"with at least {self.config.segment_frames} frames"
            )
        windows = pixels.unfold(0, self.config.segment_frames, self.config.step_frames)
        features: Tensor = self.encode_segments(windows.movedim(-1, 1)).flatten(0, 1)
        return features

    @accelerated
    def encode_segments(self, pixels: Tensor) -> Tensor:
        """Encode segments (S, frames, 3, H, W) to features (S, features, D), each on its own."""
        return torch.cat(
            [self._encode(part) for part in pixels.split(self.config.segments_per_batch)]
        )

    def forward(self, pixels: Tensor) -> Tensor:
        """Encode batches of segments, (B, S, frames, 3, H, W) to (B, S, features, D)."""
        features: Tensor = self.encode_segments(pixels.flatten(0, 1))
        return features.reshape(*pixels.shape[:2], *features.shape[1:])

    def _encode(self, pixels: Tensor) -> Tensor:
        x = self.embed(pixels)
        for block in self.blocks:
            x = block(x, self.features_per_segment)
        return self.pool(x)

    def embed(self, pixels: Tensor) -> Tensor:
        """Return the tokens (S, 1 + places, D) of segments (S, frames, 3, H, W)."""
        patches = self.patch_embed_3d(pixels.to(self.dtype).transpose(1, 2))
        positions = self.temp_embed[0][:, None] + self.pos_embed[0, 1:]
        first = (self.cls_token + self.pos_embed[:, :1]).expand(patches.shape[0], -1, -1)
        return torch.cat([first, patches + positions.flatten(0, 1)], dim=1)

    def pool(self, x: Tensor) -> Tensor:
        """Return the features (S, features, D) of tokens that went through the blocks."""
        frames = self.features_per_segment
        tokens = self.norm(x[:, 1:]).reshape(x.shape[0] * frames, -1, x.shape[2])
        pooled = cast("Tensor", self.spatial_attn_agg(tokens))
        return pooled.reshape(-1, frames, pooled.shape[1])
