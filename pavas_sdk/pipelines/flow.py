"""The guided velocity of one long latent, window by window."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import guide
from pavas_sdk.pipelines.components import onload
from pavas_sdk.pipelines.windows import blend_weights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.models import Conditions, GuidanceBranch
    from pavas_sdk.pipelines.components import AdapterModule, Backbone
    from pavas_sdk.pipelines.encoding import WindowCondition
    from pavas_sdk.pipelines.windows import LatentWindow

__all__ = ["GuidedFlow", "latent_times_s"]

# Projected conditions and deltas are kept for so many windows; of a longer video they are made
# anew at every step from the compact features, so that memory does not grow with its length.
_KEPT_WINDOWS = 4


def latent_times_s(window: LatentWindow, latent_rate_hz: float) -> NDArray[np.float64]:
    """Return the middles of a window's latents on the video's clock, (length,).

    Latent i of a clip spans [i / rate, (i + 1) / rate).
    """
    middles = np.arange(window.start, window.stop, dtype=np.float64) + 0.5
    return np.asarray(middles / latent_rate_hz, dtype=np.float64)


class GuidedFlow:
    """Velocity of the whole latent at one flow time, with guidance.

    All branches of guidance run in one batch. What a branch does not see is stood in for by the
    backbone's empty tokens, the negative text and the adapter's empty state. Overlapping windows
    are blended linearly.

    Args:
        transformer: The backbone.
        adapter: The conditioning adapter, or None.
        conditions: One per window, of B rows each: sounds of one size.
        text: Text tokens, (B, T, D_text).
        negative_text: Text tokens of branches without the prompt, of the same shape.
        branches: Of guidance, one or more.
        latent_rate_hz: Latents per second.
        adapter_scale: What the adapter's shifts are multiplied by; 0: the backbone alone.

    Raises:
        ConfigurationError: The texts have different shapes.
    """

    def __init__(
        self,
        transformer: Backbone,
        adapter: AdapterModule | None,
        conditions: Sequence[WindowCondition],
        *,
        text: Tensor,
        negative_text: Tensor,
        branches: Sequence[GuidanceBranch],
        latent_rate_hz: float,
        adapter_scale: float = 1.0,
    ) -> None:
        if text.shape != negative_text.shape:
            raise ConfigurationError(
                f"prompt tokens have shape {tuple(text.shape)}, negative ones "
                f"{tuple(negative_text.shape)}; the text encoder and the transformer's text_length "
                "do not belong together"
            )
        self._transformer = transformer
        self._adapter = adapter if adapter_scale else None
        self._adapter_scale = adapter_scale
        self._conditions = conditions
        self._text = text
        self._negative_text = negative_text
        self._branches = tuple(branches)
        self._rate_hz = latent_rate_hz
        weights = blend_weights(tuple(entry.window for entry in conditions))
        self._weights = [torch.from_numpy(weight)[None, :, None] for weight in weights]
        self._kept: dict[int, tuple[Conditions, Mapping[str, Tensor] | None]] = {}

    def __call__(self, latents: Tensor, time: Tensor) -> Tensor:
        """Return the velocity, float32 (B, N, C).

        Args:
            latents: Normalised, noisy latents, (B, N, C).
            time: Flow time, a scalar.
        """
        if len(self._conditions) == 1:
            return self._window(0, latents, time)
        velocity = torch.zeros_like(latents)
        for index, (entry, weight) in enumerate(zip(self._conditions, self._weights, strict=True)):
            here = slice(entry.window.start, entry.window.stop)
            part = self._window(index, latents[:, here], time)
            velocity[:, here] += weight.to(part.device) * part
        return velocity

    def _window(self, index: int, latents: Tensor, time: Tensor) -> Tensor:
        conditions, modulation = self._prepared(index)
        count, dtype = len(self._branches), self._transformer.dtype
        rows = latents.shape[0]
        shown = latents.expand(count, -1, -1) if rows == 1 else latents.repeat(count, 1, 1)
        velocity = self._transformer(
            shown.to(dtype),
            time.expand(count * rows).to(dtype),
            conditions,
            modulation=modulation,
        ).float()
        return guide(velocity.split(rows), self._branches)

    def _prepared(self, index: int) -> tuple[Conditions, Mapping[str, Tensor] | None]:
        if index in self._kept:
            return self._kept[index]
        prepared = self._prepare(self._conditions[index])
        if len(self._conditions) <= _KEPT_WINDOWS:
            self._kept[index] = prepared
        return prepared

    def _prepare(self, entry: WindowCondition) -> tuple[Conditions, Mapping[str, Tensor] | None]:
        net = self._transformer
        modulation = self._modulation(entry)
        onload(net)
        clip, sync, text = entry.pooled, entry.sync, self._text
        rows = clip.shape[0]
        if sync.shape[1] == 0:  # shorter than one synchronisation segment
            sync = net.empty_sync(rows, net.config["sync_segment"])
        no_clip = net.empty_clip(rows, clip.shape[1]).to(clip)
        no_sync = net.empty_sync(rows, sync.shape[1]).to(sync)
        no_text = self._negative_text.to(text)
        clip = torch.cat([clip if branch.clip else no_clip for branch in self._branches])
        sync = torch.cat([sync if branch.sync else no_sync for branch in self._branches])
        text = torch.cat([text if branch.text else no_text for branch in self._branches])
        dtype = net.dtype
        conditions = net.prepare_conditions(
            clip.to(dtype), sync.to(dtype), text.to(dtype), entry.window.length
        )
        return conditions, modulation

    def _modulation(self, entry: WindowCondition) -> Mapping[str, Tensor] | None:
        if self._adapter is None or entry.state is None:
            return None
        onload(self._adapter)
        times = latent_times_s(entry.window, self._rate_hz)
        deltas = self._scaled(self._adapter.modulation(entry.state, entry.times_s, times))
        seen = [branch.physics for branch in self._branches]
        if all(seen):
            return deltas
        null = self._adapter.null_state(entry.pooled.shape[0], len(entry.times_s))
        empty = self._scaled(self._adapter.modulation(null, entry.times_s, times))
        return {
            name: torch.cat([delta if there else empty[name] for there in seen])
            for name, delta in deltas.items()
        }

    def _scaled(self, deltas: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self._adapter_scale == 1.0:
            return deltas
        return {name: delta * self._adapter_scale for name, delta in deltas.items()}
