"""What a pipeline expects of its networks, and whether those it has belong together.

diffusers compares what it loads with these types, so that they exist at run time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import torch
    from numpy.typing import ArrayLike, NDArray
    from torch import Tensor

    from pavas_sdk.data import Video
    from pavas_sdk.interfaces import AdapterState
    from pavas_sdk.models import Conditions, VisualFeatures

__all__ = [
    "AdapterModule",
    "Backbone",
    "Codec",
    "Config",
    "Network",
    "Sampler",
    "SyncEncoder",
    "VisualTextEncoder",
    "Vocoder",
    "check_components_fit",
    "onload",
]


Config: TypeAlias = "Mapping[str, Any]"
"""What a network was built with (diffusers' ``FrozenDict``)."""


@runtime_checkable
class Network(Protocol):
    """A diffusers ``ModelMixin``: its configuration, and where and how exactly it computes."""

    @property
    def config(self) -> Config:
        """What it was built with."""

    @property
    def dtype(self) -> torch.dtype:
        """Of its weights."""


@runtime_checkable
class Backbone(Network, Protocol):
    """The flow network; see `pavas_sdk.models.MMAudioTransformer`."""

    def empty_clip(self, batch_size: int, length: int) -> Tensor:
        """Return the learned tokens for no pictures."""

    def empty_sync(self, batch_size: int, length: int) -> Tensor:
        """Return the learned tokens for nothing to synchronise with."""

    def empty_text(self, batch_size: int) -> Tensor:
        """Return the stored tokens of the empty text."""

    def prepare_conditions(
        self, clip_f: Tensor, sync_f: Tensor, text_f: Tensor, latent_length: int
    ) -> Conditions:
        """Project what does not depend on the flow time."""

    def normalize(self, latents: Tensor) -> Tensor:
        """Return the flow's latents of the codec's."""

    def unnormalize(self, latents: Tensor) -> Tensor:
        """Return the codec's latents of the flow's."""

    def __call__(
        self,
        latents: Tensor,
        time: Tensor,
        conditions: Conditions,
        *,
        modulation: Mapping[str, Tensor] | None = None,
    ) -> Tensor:
        """Return the velocity."""


@runtime_checkable
class Posterior(Protocol):
    """What a codec makes of a sound."""

    @property
    def mean(self) -> Tensor:
        """The most likely latents, (B, C, N)."""


@runtime_checkable
class Codec(Network, Protocol):
    """The mel codec; ``config["latent_channels"]`` is C."""

    def encode(self, mel: Tensor) -> Posterior:
        """Return the posterior over latents (B, C, N) of mel (B, M, T)."""

    def decode(self, latents: Tensor) -> Tensor:
        """Return mel (B, M, T) of latents (B, C, N)."""


@runtime_checkable
class Vocoder(Network, Protocol):
    """Mel to waveform."""

    def __call__(self, mel: Tensor) -> Tensor:
        """Return waveforms (B, 1, samples) of mel (B, M, T)."""


@runtime_checkable
class VisualTextEncoder(Network, Protocol):
    """The encoder of pictures and texts; see `pavas_sdk.models.CLIPEncoder`."""

    @property
    def max_frame_side(self) -> int | None:
        """Pixels of the longer side beyond which larger pictures tell it nothing, or None."""

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """Return when it wants to see frames, (T,)."""

    def preprocess(self, video: Video) -> Tensor:
        """Return what `encode_image` takes of frames."""

    def encode_image(self, pixels: Tensor) -> VisualFeatures:
        """Return the features of pictures."""

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """Return the tokens of texts, (B, T, D)."""

    def text_note(self, text: str) -> str | None:
        """Return what should be known of a text, such as that it tells the model nothing."""


@runtime_checkable
class SyncEncoder(Network, Protocol):
    """The synchronisation encoder; see `pavas_sdk.models.Synchformer`."""

    @property
    def max_frame_side(self) -> int | None:
        """See `VisualTextEncoder`."""

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """Return when it wants to see frames, (T,); none for less than one segment."""

    def feature_count(self, frames: int) -> int:
        """Return M for T frames."""

    def preprocess(self, video: Video) -> Tensor:
        """Return what `encode` takes of frames."""

    def encode(self, pixels: Tensor) -> Tensor:
        """Return features (M, D)."""


@runtime_checkable
class AdapterModule(Network, Protocol):
    """A `pavas_sdk.interfaces.ConditioningAdapter` as the network that it is."""

    @property
    def uses_impacts(self) -> bool:
        """Whether `encode` is to be given ``impact_energy_j``."""

    def encode(
        self,
        patch_features: Tensor,
        masks: Tensor,
        mass_kg: Tensor,
        speed_m_s: Tensor,
        valid: Tensor,
        impact_energy_j: Tensor | None = None,
    ) -> AdapterState:
        """Encode the objects of a window."""

    def null_state(self, batch: int, length: int) -> AdapterState:
        """Return the learned empty tokens."""

    def modulation(
        self, state: AdapterState, state_times_s: ArrayLike, latent_times_s: ArrayLike
    ) -> Mapping[str, Tensor]:
        """Return the shifts of the backbone's modulation sites."""


@runtime_checkable
class Sampler(Protocol):
    """See `pavas_sdk.models.FlowMatchEuler`."""

    def times(self, num_inference_steps: int, device: torch.device | str | None = None) -> Tensor:
        """Return the ends of all steps, from 0 to 1."""

    def step(self, velocity: Tensor, sample: Tensor, time: Tensor, next_time: Tensor) -> Tensor:
        """Return the sample at ``next_time``."""


def onload(module: object) -> None:
    """Bring an offloaded component back to its device; the one before it in the order leaves.

    The hooks of diffusers' offloading see only ``forward``; any other method of a component needs
    this first, right before it is called. Without offloading nothing happens.
    """
    hook = getattr(module, "_hf_hook", None)  # accelerate puts it there
    if hook is not None and hasattr(hook, "pre_forward"):
        hook.pre_forward(module)


# (slot, config name) that must equal (slot, config name), and what the number is.
_EQUAL = (
    (("transformer", "latent_dim"), ("vae", "latent_channels"), "channels of a latent"),
    (("vae", "mel_bins"), ("vocoder", "mel_bins"), "mel bins"),
    (("vae", "sample_rate_hz"), (None, "sample_rate_hz"), "samples per second"),
    (("vae", "hop_length"), (None, "hop_length"), "samples per mel frame"),
    (("vocoder", "sample_rate_hz"), (None, "sample_rate_hz"), "samples per second"),
    (("vocoder", "hop_length"), (None, "hop_length"), "samples per mel frame"),
    (("transformer", "clip_dim"), ("clip", "pooled_dim"), "width of a picture's features"),
    (("transformer", "clip_dim"), ("clip", "embed_dim"), "width of a picture's features"),
    (("transformer", "text_dim"), ("clip", "text_dim"), "width of text features"),
    (("transformer", "text_dim"), ("clip", "text_width"), "width of text features"),
    (("transformer", "text_length"), ("clip", "text_length"), "tokens of a text"),
    (("transformer", "text_length"), ("clip", "context_length"), "tokens of a text"),
    (("transformer", "sync_dim"), ("sync_encoder", "feature_dim"), "width of sync features"),
    (("conditioning_adapter", "patch_dim"), ("clip", "patch_dim"), "width of patch features"),
    (("conditioning_adapter", "patch_dim"), ("clip", "vision_width"), "width of patch features"),
)


def check_components_fit(configs: Mapping[str | None, Config]) -> None:
    """Compare the numbers that two components must share, where both name them.

    Args:
        configs: Configurations by slot; the pipeline's own under None.

    Raises:
        ConfigurationError: Numbers differ: all are named.
    """
    problems = []
    for first, second, meaning in _EQUAL:
        here, there = (configs.get(slot, {}).get(name) for slot, name in (first, second))
        if None not in (here, there) and here != there:
            problems.append(f"{_words(*first)} is {here}, {_words(*second)} is {there} ({meaning})")
    width = configs.get("transformer", {}).get("hidden_dim")
    sites = configs.get("conditioning_adapter", {}).get("sites") or ()
    widths = {site["dim"] for site in sites if isinstance(site, Mapping) and "dim" in site}
    if width is not None and widths - {width}:
        problems.append(
            f"conditioning_adapter is for a backbone of width {max(widths - {width})}, transformer "
            f"has {width} (hidden_dim)"
        )
    if problems:
        raise ConfigurationError(
            f"components of different variants: {'; '.join(problems)}. Take all components from "
            "one released model, or convert its files again: pavas models convert"
        )


def _words(slot: str | None, name: str) -> str:
    return f"the pipeline's {name}" if slot is None else f"{slot}.{name}"
