"""The flow-matching objective of MMAudio's trainer, with PAVAS's physics (Sec. 3.1 and 4.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import AdapterState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.models import Conditions, MMAudioTransformer
    from pavas_sdk.training.datasets.batch import PaddedObjects, TrainingBatch
    from pavas_sdk.training.flow_draws import FlowDraws

__all__ = ["DropShares", "FlowObjective", "encode_masked_sums"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DropShares:
    """Share of rows that lose a condition, so that guidance has an unconditional branch.

    Attributes:
        video: Visual and synchronisation features together, one draw; and then the physics, too,
            whose patch features come from the video.
        text: Replaced by the stored empty text; independent of the video.
        physics: Replaced by the null state, mass and speed together; independent of the text.

    Raises:
        ConfigurationError: A share outside [0, 1].
    """

    video: float = 0.1
    text: float = 0.1
    physics: float = 0.1

    def __post_init__(self) -> None:
        shares = {"video": self.video, "text": self.text, "physics": self.physics}
        if wrong := [f"{name}={value}" for name, value in shares.items() if not 0 <= value <= 1]:
            raise ConfigurationError(f"drop shares lie in [0, 1], got {', '.join(wrong)}")


class FlowObjective(nn.Module):
    """Backbone and adapter, and the loss that trains them.

    Args:
        transformer: The backbone.
        adapter: A conditioning adapter (an ``nn.Module``), or None: stage 1.
        frame_rate_hz: Visual frames per second, at which the physics stands.
        latent_rate_hz: Latents per second; only an adapter needs it.
        drop: Shares of dropped conditions.
    """

    def __init__(
        self,
        transformer: MMAudioTransformer,
        adapter: Any | None = None,
        *,
        frame_rate_hz: float = 8.0,
        latent_rate_hz: float | None = None,
        drop: DropShares | None = None,
    ) -> None:
        super().__init__()
        if adapter is not None and latent_rate_hz is None:
            raise ConfigurationError("an adapter needs latent_rate_hz, the latents per second")
        self.transformer = transformer
        self.adapter = adapter
        self.frame_rate_hz = frame_rate_hz
        self.latent_rate_hz = latent_rate_hz
        self.drop = drop or DropShares()

    def forward(self, batch: TrainingBatch, draws: FlowDraws) -> Tensor:
        """Return the loss of each row, float32 (B,): mean squared error of the velocity.

        The velocity to predict is x1 - x0 at (1 - t) x0 + t x1, where x1 are normalised latents
        sampled from their posterior. No weights: every latent, channel and time counts the same.

        Args:
            batch: What is stored of each clip.
            draws: Random numbers of each row.
        """
        x1 = self.latents(batch, draws)
        velocity = self.velocity(batch, draws, x1)
        target = x1 - draws.noise
        loss: Tensor = (velocity - target).square().mean(dim=(1, 2)).float()
        return loss

    def latents(self, batch: TrainingBatch, draws: FlowDraws) -> Tensor:
        """Return x1 (B, N, C): sampled from the posterior, then normalised."""
        return self.transformer.normalize(batch.mean + batch.std * draws.posterior)

    def mixed(self, draws: FlowDraws, x1: Tensor) -> Tensor:
        """Return x_t (B, N, C): between the noise at t = 0 and the latents at t = 1."""
        time = draws.time[:, None, None]
        return (1.0 - time) * draws.noise + time * x1

    def velocity(self, batch: TrainingBatch, draws: FlowDraws, x1: Tensor) -> Tensor:
        """Return the network's velocity (B, N, C)."""
        velocity: Tensor = self.transformer(
            self.mixed(draws, x1),
            draws.time,
            self.conditions(batch, draws),
            self.modulation(batch, draws),
        )
        return velocity

    def conditions(self, batch: TrainingBatch, draws: FlowDraws) -> Conditions:
        """Project the features, or the tokens that stand for what is missing or dropped.

        Replaced by selection, not by indexing: the empty vectors get a gradient in every batch
        (of zero where none is used), which training in several processes needs.
        """
        clip, sync, text = self.tokens(batch, draws)
        conditions: Conditions = self.transformer.prepare_conditions(
            clip, sync, text, batch.mean.shape[1]
        )
        return conditions

    def tokens(self, batch: TrainingBatch, draws: FlowDraws) -> tuple[Tensor, Tensor, Tensor]:
        """Return clip, sync and text features as the network gets them."""
        net, size = self.transformer, len(batch)
        video = self.keeps_video(batch, draws)[:, None, None]
        text = (batch.text_exists & (draws.u_text >= self.drop.text))[:, None, None]
        return (
            torch.where(
                video, batch.clip_features, net.empty_clip(size, batch.clip_features.shape[1])
            ),
            torch.where(
                video, batch.sync_features, net.empty_sync(size, batch.sync_features.shape[1])
            ),
            torch.where(text, batch.text_features, net.empty_text(size)),
        )

    def keeps_video(self, batch: TrainingBatch, draws: FlowDraws) -> Tensor:
        """Whether each row has its video, bool (B,)."""
        return batch.video_exists & (draws.u_video >= self.drop.video)

    def keeps_physics(self, batch: TrainingBatch, draws: FlowDraws) -> Tensor:
        """Whether each row has its physics, bool (B,): never without its video."""
        kept = batch.has_physics & (draws.u_physics >= self.drop.physics)
        return self.keeps_video(batch, draws) & kept

    def modulation(self, batch: TrainingBatch, draws: FlowDraws) -> Mapping[str, Tensor] | None:
        """Return the adapter's deltas; those of the null state where the physics is dropped."""
        adapter, objects = self.adapter, batch.padded_objects()
        if adapter is None:
            return None
        size, latents = batch.mean.shape[:2]
        assert self.latent_rate_hz is not None  # of __init__
        latent_times_s = (np.arange(latents, dtype=np.float64) + 0.5) / self.latent_rate_hz
        if objects is None:
            state = adapter.null_state(size, 1)
            frame_times_s = latent_times_s[:1]
        else:
            frame_times_s = np.arange(objects.speed_m_s.shape[2]) / self.frame_rate_hz
            known = encode_masked_sums(adapter, objects)
            null = adapter.null_state(size, objects.speed_m_s.shape[2])
            state = _where(self.keeps_physics(batch, draws), known, null)
        deltas: Mapping[str, Tensor] = adapter.modulation(state, frame_times_s, latent_times_s)
        return deltas


def encode_masked_sums(adapter: Any, objects: PaddedObjects) -> AdapterState:
    """Return the adapter's state from masked sums in place of patch features and masks.

    Each object's sum stands in a cell of its own, which its mask picks out again: to an adapter
    that sums patches under masks (Eq. 4) that is the same.

    Args:
        adapter: A conditioning adapter.
        objects: Of each row.
    """
    patches = objects.objects.permute(0, 2, 1, 3).unsqueeze(3)  # (B, L, K, 1, D_p)
    count = objects.objects.shape[1]
    own = torch.eye(count, device=patches.device)[None, :, None, :, None]
    told = {"impact_energy_j": objects.impact_energy_j} if adapter.uses_impacts else {}
    state: AdapterState = adapter.encode(
        patches,
        own * objects.visible[..., None, None].float(),
        objects.mass_kg,
        objects.speed_m_s,
        objects.valid,
        **told,
    )
    return state


def _where(keep: Tensor, known: AdapterState, null: AdapterState) -> AdapterState:
    keep = keep[:, None, None]
    impact = None
    if known.impact is not None and null.impact is not None:
        impact = torch.where(keep, known.impact, null.impact)
    return AdapterState(
        mass=torch.where(keep, known.mass, null.mass),
        speed=torch.where(keep, known.speed, null.speed),
        impact=impact,
    )
