"""CUT3R: one network step per frame, with a state that carries the scene.

Written from a description of the model; the published code was not used. Parameters carry the
names of the released checkpoint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from pavas_cut3r.heads import Heads, RawOutputs
from pavas_cut3r.layers import DecoderBlock, EncoderBlock, layer_norm
from pavas_cut3r.memory import PoseMemory
from pavas_cut3r.positions import image_positions, rotation, state_positions
from pavas_sdk.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["OUTPUTS", "PATCH_SIZE", "Cut3R", "SceneState"]

PATCH_SIZE = 16

OUTPUTS = frozenset({"self", "world", "rgb"})
"""The maps that a step can be asked for; the pose always comes."""


@dataclass(frozen=True, slots=True, eq=False)
class SceneState:
    """What the model remembers of a scene: the same size however many frames it saw.

    Attributes:
        tokens: (B, S, D).
        memory: (B, M, 2D), poses by appearance.
    """

    tokens: Tensor
    memory: Tensor


class PatchEmbed(nn.Module):
    """Squares of 16 x 16 pixels to tokens, row by row."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, PATCH_SIZE, stride=PATCH_SIZE)

    def forward(self, pixels: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, H * W / 256, D)."""
        return cast("Tensor", self.proj(pixels)).flatten(2).transpose(1, 2)


class Cut3R(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """The network behind the released checkpoint ``cut3r_512_dpt_4_64.pth``; defaults are its sizes.

    Head counts of the ray encoder and of the state side cannot be read off the weights' shapes.

    Args:
        encoder_dim: Width of the image encoder.
        encoder_depth: Blocks of the image encoder.
        encoder_heads: Heads of the image encoder.
        ray_encoder_depth: Blocks of the encoder of ray maps.
        ray_encoder_heads: Heads of the encoder of ray maps.
        decoder_dim: Width of the decoder.
        decoder_depth: Blocks of each side of the decoder.
        decoder_heads: Heads of the image side, the pose memory and the pose-modulated blocks.
        state_decoder_heads: Heads of the state side.
        state_tokens: Tokens of the state.
        memory_slots: Slots of the pose memory.
        dpt_layer_dims: Channels of the four levels of each dense head.
        dpt_feature_dim: Channels of their fusion.
        dpt_last_dim: Channels before their last convolution.
        rope_float16_rounding: Round queries and keys of the image encoder to float16 around their
            rotation, as the released code does. It moves points by about 1e-3.

    Raises:
        ConfigurationError: A head width that rotary positions cannot split.

    Example:
        >>> with torch.device("meta"):
        ...     model = Cut3R()
        >>> sum(p.numel() for p in model.parameters())
        793307858
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        encoder_dim: int = 1024,
        encoder_depth: int = 24,
        encoder_heads: int = 16,
        ray_encoder_depth: int = 2,
        ray_encoder_heads: int = 16,
        decoder_dim: int = 768,
        decoder_depth: int = 12,
        decoder_heads: int = 12,
        state_decoder_heads: int = 16,
        state_tokens: int = 768,
        memory_slots: int = 256,
        dpt_layer_dims: Sequence[int] = (96, 192, 384, 768),
        dpt_feature_dim: int = 256,
        dpt_last_dim: int = 128,
        rope_float16_rounding: bool = True,
    ) -> None:
        super().__init__()
        _check_head_widths(
            {
                "encoder": (encoder_dim, encoder_heads),
                "ray encoder": (encoder_dim, ray_encoder_heads),
                "decoder": (decoder_dim, decoder_heads),
                "state decoder": (decoder_dim, state_decoder_heads),
            }
        )
        self.patch_embed = PatchEmbed(3, encoder_dim)
        self.enc_blocks = nn.ModuleList(
            [
                EncoderBlock(encoder_dim, encoder_heads, float16_rounding=rope_float16_rounding)
                for _ in range(encoder_depth)
            ]
        )
        self.enc_norm = layer_norm(encoder_dim)
        self.patch_embed_ray_map = PatchEmbed(6, encoder_dim)
        self.enc_blocks_ray_map = nn.ModuleList(
            [EncoderBlock(encoder_dim, ray_encoder_heads) for _ in range(ray_encoder_depth)]
        )
        self.enc_norm_ray_map = layer_norm(encoder_dim)
        # For sequences that mix pictures and ray maps in one batch; no step here uses them.
        self.masked_img_token = nn.Parameter(torch.zeros(1, encoder_dim))
        self.masked_ray_map_token = nn.Parameter(torch.zeros(1, encoder_dim))
        self.register_tokens = nn.Embedding(state_tokens, encoder_dim)
        self.decoder_embed_state = nn.Linear(encoder_dim, decoder_dim)
        self.decoder_embed = nn.Linear(encoder_dim, decoder_dim)
        self.dec_blocks = nn.ModuleList(
            [DecoderBlock(decoder_dim, decoder_heads) for _ in range(decoder_depth)]
        )
        self.dec_norm = layer_norm(decoder_dim)
        self.dec_blocks_state = nn.ModuleList(
            [DecoderBlock(decoder_dim, state_decoder_heads) for _ in range(decoder_depth)]
        )
        self.dec_norm_state = layer_norm(decoder_dim)
        self.pose_token = nn.Parameter(torch.zeros(1, 1, decoder_dim))
        self.pose_retriever = PoseMemory(memory_slots, encoder_dim, decoder_dim, decoder_heads)
        self.downstream_head = Heads(
            encoder_dim,
            decoder_dim,
            decoder_heads,
            dpt_layer_dims,
            dpt_feature_dim,
            dpt_last_dim,
        )

    def set_block_dtype(self, dtype: torch.dtype) -> None:
        """Cast the blocks of encoders and decoder; norms between them, memory and heads stay.

        Raises:
            ConfigurationError: Neither float32 nor bfloat16.
        """
        if dtype not in (torch.float32, torch.bfloat16):
            raise ConfigurationError(
                f"CUT3R's blocks run in float32 or bfloat16, got {dtype}; its float16 overflows"
            )
        for stack in (
            self.enc_blocks,
            self.enc_blocks_ray_map,
            self.dec_blocks,
            self.dec_blocks_state,
        ):
            stack.to(dtype)

    def set_rope_float16_rounding(self, enabled: bool) -> None:
        """Switch the float16 rounding of the image encoder (see the class) on or off."""
        for block in self.enc_blocks:
            cast("EncoderBlock", block).attn.float16_rounding = enabled
        self.register_to_config(rope_float16_rounding=enabled)

    def initial_state(self, batch_size: int = 1) -> SceneState:
        """Return the state before any frame; it does not depend on the video."""
        tokens = self.decoder_embed_state(self.register_tokens.weight)
        return SceneState(
            tokens=tokens.expand(batch_size, -1, -1),
            memory=self.pose_retriever.mem.expand(batch_size, -1, -1),
        )

    def encode_images(self, pixels: Tensor) -> Tensor:
        """Map pictures (B, 3, H, W) in [-1, 1] to tokens (B, N, De).

        Raises:
            InputError: Sides that are not multiples of 16.
        """
        heads = cast("int", self.config.encoder_heads)
        return self._encode(pixels, self.patch_embed, self.enc_blocks, self.enc_norm, heads)

    def encode_rays(self, rays: Tensor) -> Tensor:
        """Map ray maps (B, 6, H, W), of `pavas_cut3r.ray_map`, to tokens (B, N, De).

        Raises:
            InputError: Sides that are not multiples of 16.
        """
        heads = cast("int", self.config.ray_encoder_heads)
        return self._encode(
            rays, self.patch_embed_ray_map, self.enc_blocks_ray_map, self.enc_norm_ray_map, heads
        )

    def _encode(
        self,
        pixels: Tensor,
        embed: PatchEmbed,
        blocks: Iterable[nn.Module],
        norm: nn.LayerNorm,
        heads: int,
    ) -> Tensor:
        rows, columns = token_grid(pixels.shape[-2], pixels.shape[-1])
        x = embed(pixels.to(embed.proj.weight.dtype))
        positions = image_positions(rows, columns, pose_token=False, device=x.device)
        table = rotation(positions, x.shape[-1] // heads)
        for block in blocks:
            x = block(x.to(_dtype(block)), table)
        return cast("Tensor", norm(x.to(norm.weight.dtype)))

    def step(
        self,
        tokens: Tensor,
        grid: tuple[int, int],
        state: SceneState,
        *,
        first: bool,
        update: bool = True,
        outputs: frozenset[str] = OUTPUTS,
    ) -> tuple[RawOutputs, SceneState]:
        """Decode one frame and return its raw outputs and the state after it.

        Args:
            tokens: What `encode_images` or `encode_rays` returned, (B, N, De).
            grid: Rows and columns of tokens.
            state: The state before this frame.
            first: Whether it is the first frame of a session: nothing is read from memory then.
            update: Whether the state changes; if not, the same state is returned.
            outputs: The maps wanted, of `OUTPUTS`.
        """
        feature = tokens.mean(dim=1, keepdim=True)
        if first:
            pose_query = self.pose_token.expand(tokens.shape[0], -1, -1)
        else:
            pose_query = self.pose_retriever.read(feature, state.memory)
        x = torch.cat([pose_query, self.decoder_embed(tokens)], dim=1)
        levels, new_tokens = self._decode(x, state.tokens, grid, update=update)
        pose_token = levels[-1][:, :1]
        if update:
            state = SceneState(
                tokens=new_tokens,
                memory=self.pose_retriever.write(state.memory, feature, pose_token),
            )
        head_dim = x.shape[-1] // cast("int", self.config.decoder_heads)
        positions = image_positions(*grid, pose_token=False, device=x.device)
        raw = self.downstream_head(
            [tokens, *(level[:, 1:] for level in levels)],
            pose_token,
            grid,
            rotation(positions, head_dim),
            outputs,
        )
        return raw, state

    def _decode(
        self, x: Tensor, state: Tensor, grid: tuple[int, int], *, update: bool
    ) -> tuple[list[Tensor], Tensor]:
        """Run both sides; return the image side at half, three quarters and the end, and the state.

        Both blocks of a level read the previous level's pair: neither sees the other's new value.
        """
        width, dtype = x.shape[-1], x.dtype
        heads, state_heads = self.config.decoder_heads, self.config.state_decoder_heads
        image_at = image_positions(*grid, pose_token=True, device=x.device)
        state_at = state_positions(state.shape[1], device=x.device)
        # (stream, context) rotations of each side, in its own head width
        image_tables = [rotation(at, width // heads) for at in (image_at, state_at)]
        state_tables = [rotation(at, width // state_heads) for at in (state_at, image_at)]
        depth = len(self.dec_blocks)
        kept: dict[int, Tensor] = {}
        blocks = zip(self.dec_blocks, self.dec_blocks_state, strict=True)
        for level, (image_block, state_block) in enumerate(blocks, 1):
            x, state = x.to(_dtype(image_block)), state.to(_dtype(state_block))
            new_x = image_block(x, state, *image_tables)
            if update or level < depth:  # the last state is only there to be kept
                state = state_block(state, x, *state_tables)
            x = new_x
            if level in (depth // 2, 3 * depth // 4):
                kept[level] = x.to(dtype)
        last = self.dec_norm(x.to(dtype))
        levels = [kept[depth // 2], kept[3 * depth // 4], last]
        return levels, self.dec_norm_state(state.to(dtype)) if update else state


def _check_head_widths(sizes: Mapping[str, tuple[int, int]]) -> None:
    """Refuse (width, heads) that rotary positions in two dimensions cannot split."""
    for name, (dim, heads) in sizes.items():
        if dim % heads or dim // heads % 4:
            raise ConfigurationError(
                f"the {name} has width {dim} and {heads} heads; each head must be a multiple "
                "of 4 wide for rotary positions in two dimensions"
            )


def _dtype(module: nn.Module) -> torch.dtype:
    return next(module.parameters()).dtype


def token_grid(height: int, width: int) -> tuple[int, int]:
    """Return rows and columns of tokens of a picture.

    Raises:
        InputError: Sides that are not multiples of 16, or nothing at all.
    """
    if min(height, width) < PATCH_SIZE or height % PATCH_SIZE or width % PATCH_SIZE:
        raise InputError(
            f"CUT3R takes pictures whose sides are multiples of {PATCH_SIZE}, got {width} x "
            f"{height}; pavas_cut3r.preprocess makes such pictures"
        )
    return height // PATCH_SIZE, width // PATCH_SIZE
