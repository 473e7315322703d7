"""CLIP as the backbone sees it: a vector and a patch grid per frame, and all tokens of a text.

The networks are open_clip's; the released pipelines use ViT-H-14-378-quickgelu (DFN5B).
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor
from torch.nn import functional as F

from pavas_sdk.errors import ConfigurationError, InputError, MissingPluginError, PavasWarning
from pavas_sdk.models.frame_pixels import squashed_pixels
from pavas_sdk.models.visual_features import VisualFeatures
from pavas_sdk.models.weights import StreamedWeights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["CLIPEncoder"]

_MEAN = (0.48145466, 0.4578275, 0.40821073)
_STD = (0.26862954, 0.26130258, 0.27577711)
# Of a frame: a duration rounded to milliseconds must not cost one.
_FRAME_TOLERANCE = 0.02


class CLIPEncoder(StreamedWeights, ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Visual and text encoder (role ``clip``) around an open_clip model.

    Pictures come at ``input_size``, which may exceed ``image_size`` by less than a patch: the
    released pipelines feed 384 pixels to a network of 378, whose patch grid (27 x 27 of 14
    pixels) ignores the last 6 rows and columns. Feeding 378 would give other features.

    Args:
        embed_dim: Width of the pooled vector of a frame.
        image_size: Picture size that the network declares.
        input_size: Side of the square pictures that it is given.
        patch_size: Side of a patch.
        vision_width: Width of a patch token.
        vision_layers: Layers of the picture tower.
        vision_head_width: Width of its heads.
        vision_mlp_ratio: Inner over outer width of its MLPs.
        text_width: Width of a text token.
        text_heads: Heads of the text tower.
        text_layers: Layers of the text tower.
        context_length: Tokens of a text.
        vocab_size: Tokens known; 49408 is CLIP's byte-pair vocabulary.
        frame_rate_hz: Frames per second that are encoded.
        frames_per_batch: How many frames are computed at once; bounds memory.

    Raises:
        ConfigurationError: Sizes that do not fit together.
        MissingPluginError: open_clip is not installed.
    """

    __module__ = "pavas_sdk.models"  # recorded by diffusers in saved pipelines

    max_frame_side: int | None = None

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        embed_dim: int = 1024,
        image_size: int = 378,
        input_size: int = 384,
        patch_size: int = 14,
        vision_width: int = 1280,
        vision_layers: int = 32,
        vision_head_width: int = 80,
        vision_mlp_ratio: float = 4.0,
        text_width: int = 1024,
        text_heads: int = 16,
        text_layers: int = 24,
        context_length: int = 77,
        vocab_size: int = 49408,
        frame_rate_hz: float = 8.0,
        frames_per_batch: int = 8,
    ) -> None:
        super().__init__()
        if image_size // patch_size != input_size // patch_size:
            raise ConfigurationError(
                f"input_size {input_size} and image_size {image_size} give different grids of "
                f"patches of {patch_size} pixels"
            )
        self.model = _open_clip().CLIP(
            embed_dim=embed_dim,
            quick_gelu=True,
            vision_cfg={
                "image_size": image_size,
                "patch_size": patch_size,
                "width": vision_width,
                "layers": vision_layers,
                "head_width": vision_head_width,
                "mlp_ratio": vision_mlp_ratio,
            },
            text_cfg={
                "context_length": context_length,
                "vocab_size": vocab_size,
                "width": text_width,
                "heads": text_heads,
                "layers": text_layers,
            },
        )
        # `encode_tokens` makes the causal mask: nothing that is not stored may be lost on the meta
        # device.
        self.model.attn_mask = None

    @property
    def grid(self) -> int:
        """Cells of a side of the patch grid."""
        cells: int = self.config.image_size // self.config.patch_size
        return cells

    # -- pictures ------------------------------------------------------------------------------

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz, (T,), at least one."""
        rate_hz = float(self.config.frame_rate_hz)
        count = max(1, int(duration_s * rate_hz + _FRAME_TOLERANCE))
        return np.arange(count, dtype=np.float64) / rate_hz

    def preprocess(self, video: Video) -> Tensor:
        """Return the frames as float32 (T, 3, S, S) in [0, 1], squashed to a square."""
        return squashed_pixels(video, self.config.input_size)

    def encode_image(self, pixels: Tensor) -> VisualFeatures:
        """Encode frames (T, 3, S, S) in [0, 1]; each frame on its own, in one pass.

        ``pooled`` has unit length; ``patches`` are the tokens of the last layer after its norm,
        before the projection.

        Raises:
            InputError: Another shape.
        """
        size = self.config.input_size
        if pixels.ndim != 4 or tuple(pixels.shape[1:]) != (3, size, size) or not len(pixels):
            raise InputError(
                f"pixels have shape {tuple(pixels.shape)}, expected (frames, 3, {size}, {size}) "
                "with at least one frame"
            )
        parts = [self._encode(part) for part in pixels.split(self.config.frames_per_batch)]
        return VisualFeatures(
            pooled=torch.cat([part[0] for part in parts]),
            patches=torch.cat([part[1] for part in parts]),
        )

    def _encode(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        dtype = self.dtype
        mean, std = (
            torch.tensor(values, dtype=dtype, device=pixels.device)[:, None, None]
            for values in (_MEAN, _STD)
        )
        normal = (pixels.to(dtype) - mean) / std
        result = self.model.visual.forward_intermediates(
            normal, indices=1, output_fmt="NLC", normalize_intermediates=True
        )
        patches = result["image_intermediates"][-1].unflatten(1, (self.grid, self.grid))
        return F.normalize(result["image_features"], dim=-1), patches

    # -- texts ---------------------------------------------------------------------------------

    def tokenize(self, texts: Sequence[str]) -> Tensor:
        """Return token ids, int64 (B, context_length): start, text, end, zeros.

        A text that is too long is cut before its end token, with a warning that says what was
        cut.
        """
        tokenizer = _open_clip().tokenizer.SimpleTokenizer(
            context_length=self.config.context_length
        )
        room = self.config.context_length - 2
        for text in texts:
            ids = tokenizer.encode(text)
            if len(ids) > room:
                warnings.warn(
                    f"the text has {len(ids)} tokens, of which {room} are used; not used: "
                    f"{tokenizer.decode(ids[room:]).strip()!r}",
                    PavasWarning,
                    stacklevel=2,
                )
        ids_tensor: Tensor = tokenizer(list(texts))
        return ids_tensor

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Return the last layer's tokens (B, context_length, D), each of unit length.

        No pooling and no projection; the padding after the end token is encoded as well.
        """
        return self.encode_tokens(self.tokenize(texts))

    def text_note(self, text: str) -> str | None:
        """Return None: what is cut of a long text is said when it is encoded."""
        del text
        return None

    def encode_tokens(self, ids: Tensor) -> Tensor:
        """Return the last layer's tokens (B, L, D) of token ids (B, L)."""
        model = self.model
        x = model.token_embedding(ids.to(self.device)).to(self.dtype)
        length = ids.shape[1]
        future = torch.full((length, length), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        positions = model.positional_embedding[:length].to(x.dtype)
        x = model.transformer(x + positions, attn_mask=future)
        return F.normalize(model.ln_final(x), dim=-1)

    def forward(self, pixels: Tensor) -> VisualFeatures:
        """Encode pictures; see `encode_image`."""
        return self.encode_image(pixels)


def _open_clip() -> Any:
    try:
        import open_clip
    except ImportError as err:
        raise MissingPluginError(
            "the CLIP encoder of MMAudio pipelines needs the package open_clip_torch, which is "
            "not installed. Install it:   pip install 'pavas-sdk[mmaudio]'"
        ) from err
    return open_clip
