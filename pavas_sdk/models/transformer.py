"""The flow network of MMAudio: three streams with joint attention, then audio alone.

State-dict names are those of the released checkpoints.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.loaders.peft import PeftAdapterMixin
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.data.file_modes import as_the_umask_says
from pavas_sdk.data.timing import nearest_exact_index
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.interfaces.conditioning_adapter import ModulationSite
from pavas_sdk.models.blocks import (
    FULL_PARAMS,
    QUERY_PARAMS,
    FinalLayer,
    JointBlock,
    LastJointBlock,
    QueryStream,
    StreamBlock,
)
from pavas_sdk.models.conditions import Conditions
from pavas_sdk.models.embeddings import RotaryTables, TimeEmbedding
from pavas_sdk.models.kernels import accelerated
from pavas_sdk.models.layers import ChannelLastConv, ConvGatedMLP, GatedMLP, Linear
from pavas_sdk.models.lora import check_saveable
from pavas_sdk.models.weights import StreamedWeights

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MMAudioTransformer"]

Activation = Literal["selu", "silu"]
_ACTIVATIONS: dict[str, type[nn.Module]] = {"selu": nn.SELU, "silu": nn.SiLU}


def _projection(first: nn.Module, activation: Activation | None, mlp: nn.Module) -> nn.Sequential:
    between = [] if activation is None else [_ACTIVATIONS[activation]()]
    return nn.Sequential(first, *between, mlp)


class MMAudioTransformer(StreamedWeights, ModelMixin, PeftAdapterMixin, ConfigMixin):  # type: ignore[misc]
    """Predicts the flow velocity of audio latents from visual, synchronisation and text features.

    Any sequence length works: positions are rotary and lengths are read from the arguments.
    A new network has zero modulation and a zero output layer, as diffusion transformers are
    usually started.

    Args:
        latent_dim: Channels C of a latent.
        hidden_dim: Width D; a head is ``hidden_dim / num_heads`` wide (an even number).
        num_heads: Attention heads.
        depth: Blocks in total.
        fused_depth: Audio-only blocks at the end; the ``depth - fused_depth`` before are joint.
        clip_dim: Width of visual features.
        sync_dim: Width of synchronisation features.
        text_dim: Width of text features.
        text_length: Tokens of a text (of the stored empty text).
        sync_segment: Synchronisation features come in segments of this many, each with its own
            learned position.
        mlp_ratio: Nominal MLP width over D (a gated MLP uses two thirds of it).
        mlp_multiple_of: Inner MLP widths are rounded up to a multiple of this.
        input_kernel_size: Kernel of the audio projection and of the first sync convolution.
        block_kernel_size: Kernel of all other convolutions but the last; 1 means linear maps.
        time_embed_dim: Number of sinusoidal time features.
        time_embed_scale: Highest angular frequency of the time features.
        conv_projection_activation: After the first convolution of the audio and sync projections.
        linear_projection_activation: After the first linear map of the visual and text
            projections; ``None`` for none.
        modulation_rank: Bottleneck of the AdaLN maps, for small networks; ``None`` for full maps.

    Raises:
        ConfigurationError: Numbers that do not fit together.
    """

    # diffusers records this in a saved pipeline; files may move, the public module stays.
    __module__ = "pavas_sdk.models"

    _supports_gradient_checkpointing = True
    _no_split_modules = ("JointBlock", "LastJointBlock", "StreamBlock")
    _repeated_blocks = ("JointBlock", "StreamBlock")

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        latent_dim: int = 20,
        hidden_dim: int = 448,
        num_heads: int = 7,
        depth: int = 12,
        fused_depth: int = 8,
        clip_dim: int = 1024,
        sync_dim: int = 768,
        text_dim: int = 1024,
        text_length: int = 77,
        sync_segment: int = 8,
        mlp_ratio: float = 4.0,
        mlp_multiple_of: int = 256,
        input_kernel_size: int = 7,
        block_kernel_size: int = 3,
        time_embed_dim: int = 256,
        time_embed_scale: float = 1.0,
        conv_projection_activation: Activation = "selu",
        linear_projection_activation: Activation | None = None,
        modulation_rank: int | None = None,
    ) -> None:
        super().__init__()
        _check_sizes(hidden_dim, num_heads, depth, fused_depth, time_embed_dim)

        self.sync_pos_emb = nn.Parameter(torch.zeros(1, 1, sync_segment, sync_dim))
        self.latent_mean = nn.Parameter(torch.zeros(1, 1, latent_dim), requires_grad=False)
        self.latent_std = nn.Parameter(torch.ones(1, 1, latent_dim), requires_grad=False)
        self.empty_string_feat = nn.Parameter(
            torch.zeros(text_length, text_dim), requires_grad=False
        )
        self.empty_clip_feat = nn.Parameter(torch.zeros(1, clip_dim))
        self.empty_sync_feat = nn.Parameter(torch.zeros(1, sync_dim))

        self._add_projections(self.config)
        self.t_embed = TimeEmbedding(hidden_dim, time_embed_dim, time_embed_scale)
        self._add_blocks(self.config)
        self.final_layer = FinalLayer(hidden_dim, latent_dim, modulation_rank)

        self.gradient_checkpointing = False
        self._rotary = RotaryTables(hidden_dim // num_heads)
        self.reset_parameters()

    def _add_projections(self, config: Any) -> None:
        """Make what maps latents and conditions to the width of the network."""
        d, m = config.hidden_dim, config.mlp_multiple_of
        nominal = d * config.mlp_ratio
        k_in, k = config.input_kernel_size, config.block_kernel_size
        conv_act = config.conv_projection_activation
        linear_act = config.linear_projection_activation
        self.audio_input_proj = _projection(
            ChannelLastConv(config.latent_dim, d, k_in),
            conv_act,
            ConvGatedMLP(d, nominal, m, kernel_size=k_in),
        )
        self.clip_input_proj = _projection(
            Linear(config.clip_dim, d), linear_act, ConvGatedMLP(d, nominal, m, kernel_size=k)
        )
        self.sync_input_proj = _projection(
            ChannelLastConv(config.sync_dim, d, k_in),
            conv_act,
            ConvGatedMLP(d, nominal, m, kernel_size=k),
        )
        self.text_input_proj = _projection(
            Linear(config.text_dim, d), linear_act, GatedMLP(d, nominal, m)
        )
        self.clip_cond_proj = Linear(d, d)
        self.text_cond_proj = Linear(d, d)
        self.global_cond_mlp = GatedMLP(d, nominal, m)

    def _add_blocks(self, config: Any) -> None:
        """Make the joint blocks, the last of which keeps the audio alone, and the fused ones."""
        d, heads, rank = config.hidden_dim, config.num_heads, config.modulation_rank
        kernel_size = config.block_kernel_size

        def block(kernel_size: int) -> StreamBlock:
            return StreamBlock(
                d,
                heads,
                mlp_ratio=config.mlp_ratio,
                mlp_multiple_of=config.mlp_multiple_of,
                kernel_size=kernel_size,
                modulation_rank=rank,
            )

        def query() -> QueryStream:
            return QueryStream(d, heads, modulation_rank=rank)

        joint: list[nn.Module] = [
            JointBlock(block(kernel_size), block(kernel_size), block(1))
            for _ in range(config.depth - config.fused_depth - 1)
        ]
        joint.append(LastJointBlock(block(kernel_size), query(), query()))
        self.joint_blocks = nn.ModuleList(joint)
        self.fused_blocks = nn.ModuleList([block(kernel_size) for _ in range(config.fused_depth)])

    def reset_parameters(self) -> None:
        """Draw new weights from torch's global generator, as before any training."""
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Conv1d):
                nn.init.xavier_uniform_(module.weight.flatten(1))
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for layer in (self.t_embed.mlp[0], self.t_embed.mlp[2]):
            nn.init.normal_(cast("Tensor", layer.weight), std=0.02)
        outputs = [m.adaLN_modulation[-1] for m in self.modules() if hasattr(m, "adaLN_modulation")]
        for layer in (*outputs, self.final_layer.conv):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def save_pretrained(self, save_directory: Any, **options: Any) -> None:
        """Write configuration and weights.

        Args:
            save_directory: Folder.
            **options: As in diffusers.

        Raises:
            ConfigurationError: A LoRA is attached: its wrapped layers could not be loaded again.
        """
        check_saveable(self)
        super().save_pretrained(save_directory, **options)
        as_the_umask_says(save_directory)

    # -- what an adapter sees -------------------------------------------------------------

    @property
    def modulation_sites(self) -> tuple[ModulationSite, ...]:
        """The places where an adapter may add to AdaLN vectors, in the order of the forward pass.

        One per block and stream: ``joint_<i>_audio``, ``joint_<i>_visual``, ``joint_<i>_text``,
        ``fused_<i>_audio``. The output layer has none.
        """
        sites = []
        last = len(self.joint_blocks) - 1
        for index in range(last + 1):
            others = QUERY_PARAMS if index == last else FULL_PARAMS
            sites.append(self._site(f"joint_{index}_audio", "audio", FULL_PARAMS))
            sites.append(self._site(f"joint_{index}_visual", "visual", others))
            sites.append(self._site(f"joint_{index}_text", "text", others))
        sites.extend(
            self._site(f"fused_{index}_audio", "audio", FULL_PARAMS)
            for index in range(len(self.fused_blocks))
        )
        return tuple(sites)

    @property
    def condition_site(self) -> ModulationSite:
        """The per-latent condition itself, before the AdaLN maps: for adapters that sum directly."""
        return self._site("condition", "audio", ("condition",))

    def _site(
        self, name: str, stream: Literal["audio", "visual", "text"], params: tuple[str, ...]
    ) -> ModulationSite:
        return ModulationSite(
            name=name,
            stream=stream,
            params=params,
            dim=self.config.hidden_dim,
            per_token=stream == "audio",
        )

    # -- what stands in for a missing modality --------------------------------------------

    def empty_clip(self, batch_size: int, length: int) -> Tensor:
        """Visual features (B, length, clip_dim) that mean "no video"."""
        return self.empty_clip_feat.expand(batch_size, length, -1)

    def empty_sync(self, batch_size: int, length: int) -> Tensor:
        """Synchronisation features (B, length, sync_dim) that mean "no video"."""
        return self.empty_sync_feat.expand(batch_size, length, -1)

    def empty_text(self, batch_size: int) -> Tensor:
        """Text features (B, text_length, text_dim) of the empty text."""
        return self.empty_string_feat.expand(batch_size, -1, -1)

    # -- latents --------------------------------------------------------------------------

    def normalize(self, latents: Tensor) -> Tensor:
        """Codec latents (B, N, C) to what the flow is defined on: zero mean, unit spread."""
        return (latents - self.latent_mean) / self.latent_std

    def unnormalize(self, latents: Tensor) -> Tensor:
        """Undo :meth:`normalize`."""
        return latents * self.latent_std + self.latent_mean

    # -- the network ----------------------------------------------------------------------

    def prepare_conditions(
        self, clip_f: Tensor, sync_f: Tensor, text_f: Tensor, latent_length: int
    ) -> Conditions:
        """Project the conditions; nothing here depends on the time step.

        Args:
            clip_f: Visual features, (B, T_clip, clip_dim).
            sync_f: Synchronisation features, (B, S * sync_segment, sync_dim), S >= 1.
            text_f: Text features, (B, T_text, text_dim); padding is attended to like any token.
            latent_length: Number of latents N that will be denoised.

        Raises:
            InputError: ``sync_f`` is not a positive number of whole segments, or another
                sequence is empty.
        """
        segment = self.config.sync_segment
        if sync_f.shape[1] == 0 or sync_f.shape[1] % segment != 0:
            raise InputError(
                f"sync_f has {sync_f.shape[1]} features; expected a positive multiple of {segment} "
                "(whole segments). A clip too short for one segment takes empty_sync(batch, n)."
            )
        if min(clip_f.shape[1], text_f.shape[1], latent_length) < 1:
            raise InputError(
                f"got {clip_f.shape[1]} visual tokens, {text_f.shape[1]} text tokens and "
                f"{latent_length} latents; expected at least one of each"
            )
        sync_f = (
            sync_f.reshape(sync_f.shape[0], -1, segment, sync_f.shape[2]) + self.sync_pos_emb
        ).flatten(1, 2)
        clip_f = self.clip_input_proj(clip_f)
        sync_f = self.sync_input_proj(sync_f)
        text_f = self.text_input_proj(text_f)
        index = torch.from_numpy(nearest_exact_index(sync_f.shape[1], latent_length))
        clip_c = self.clip_cond_proj(clip_f.mean(dim=1))
        text_c = self.text_cond_proj(text_f.mean(dim=1))
        return Conditions(
            clip_f=clip_f,
            sync_f=sync_f.index_select(1, index.to(sync_f.device)),
            text_f=text_f,
            clip_c=clip_c,
            text_c=text_c,
            global_c=self.global_cond_mlp(clip_c + text_c),
        )

    @accelerated
    def forward(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditions: Conditions,
        modulation: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the velocity (B, N, C) at ``latents``.

        Args:
            latents: Normalised, noisy latents, (B, N, C).
            timestep: Flow time of each row in [0, 1], 0 is noise, (B,).
            conditions: Of the same batch and number of latents.
            modulation: Site name to a tensor (B, N or 1, len(params) * dim) that is added to the
                AdaLN vectors there; see :attr:`modulation_sites`. Missing sites stay unchanged.

        Raises:
            InputError: Shapes that do not belong together, or an unknown site.
        """
        self._check_inputs(latents, timestep, conditions, modulation)
        delta = dict(modulation or {}).get
        audio = self.audio_input_proj(latents)
        clip, text = conditions.clip_f, conditions.text_f
        length = audio.shape[1]
        rotary = self._rotary.get(length, audio.device)
        clip_rotary = self._rotary.get(clip.shape[1], audio.device, length / clip.shape[1])

        global_c = (self.t_embed(timestep) + conditions.global_c).unsqueeze(1)  # (B, 1, D)
        extended_c = global_c + conditions.sync_f  # (B, N, D)
        if (direct := delta("condition")) is not None:
            extended_c = extended_c + direct.to(extended_c.dtype)
        # Every AdaLN map starts with the same SiLU of the same condition.
        shared, per_token = F.silu(global_c), F.silu(extended_c)

        streams = (audio, clip, text)
        for index, block in enumerate(self.joint_blocks):
            deltas = tuple(delta(f"joint_{index}_{s}") for s in ("audio", "visual", "text"))
            streams = self._run(block, streams, per_token, shared, (rotary, clip_rotary), deltas)
        audio = cast("Tensor", streams)  # the last joint block returns the audio stream alone
        for index, block in enumerate(self.fused_blocks):
            audio = self._run(block, audio, per_token, rotary, delta(f"fused_{index}_audio"))
        # The per-token condition would be expected here; the released weights were trained so.
        return cast("Tensor", self.final_layer(audio, shared).contiguous())

    def _run(self, block: nn.Module, *args: Any) -> Any:
        if self.gradient_checkpointing and torch.is_grad_enabled():
            return self._gradient_checkpointing_func(block, *args)
        return block(*args)

    def _check_inputs(
        self,
        latents: Tensor,
        timestep: Tensor,
        conditions: Conditions,
        modulation: Mapping[str, Tensor] | None,
    ) -> None:
        batch, length = latents.shape[:2]
        if (batch, length) != (conditions.batch_size, conditions.latent_length):
            raise InputError(
                f"latents are {batch} x {length}, but the conditions were prepared for "
                f"{conditions.batch_size} x {conditions.latent_length} (batch x latents)"
            )
        if timestep.shape != (batch,):
            raise InputError(
                f"timestep has shape {tuple(timestep.shape)}, expected ({batch},): one per row"
            )
        if not modulation:
            return
        sites = {site.name: site for site in (*self.modulation_sites, self.condition_site)}
        if unknown := sorted(modulation.keys() - sites.keys()):
            raise InputError(
                f"unknown modulation sites {', '.join(unknown)}; see transformer.modulation_sites"
            )
        for name, tensor in modulation.items():
            site = sites[name]
            tokens = {1, length} if site.per_token else {1}
            width = len(site.params) * site.dim
            fits = (
                tensor.ndim == 3
                and tensor.shape[0] in {1, batch}
                and tensor.shape[1] in tokens
                and tensor.shape[2] == width
            )
            if not fits:
                raise InputError(
                    f"modulation of {name} has shape {tuple(tensor.shape)}, expected "
                    f"({batch}, {' or '.join(map(str, sorted(tokens)))}, {width})"
                )


def _check_sizes(
    hidden_dim: int, num_heads: int, depth: int, fused_depth: int, time_embed_dim: int
) -> None:
    problems = []
    if hidden_dim % num_heads != 0 or (hidden_dim // num_heads) % 2 != 0:
        problems.append(
            f"hidden_dim / num_heads must be an even integer, got {hidden_dim} / {num_heads}"
        )
    if not 0 <= fused_depth < depth:
        problems.append(f"fused_depth must be below depth, got {fused_depth} of {depth}")
    if time_embed_dim % 2 != 0:
        problems.append(f"time_embed_dim must be even, got {time_embed_dim}")
    if problems:
        raise ConfigurationError("; ".join(problems))
