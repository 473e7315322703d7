"""The flow-matching objective of backbone and adapter together (PAVAS Sec. 3.1 and 4.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from pavas_sdk.interfaces import AdapterState

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.models import Conditions, MMAudioTransformer
    from pavas_sdk.training.batches import FlowBatch

__all__ = ["FlowModel", "flow_loss"]


class FlowModel(nn.Module):
    """Backbone and, unless it is the twin without physics, adapter.

    Args:
        transformer: The backbone.
        adapter: A conditioning adapter (an ``nn.Module``), or None.
        frame_rate_hz: Rate of the physics frames.
        latent_rate_hz: Rate of the latents.
    """

    def __init__(
        self,
        transformer: MMAudioTransformer,
        adapter: Any | None,
        *,
        frame_rate_hz: float = 25.0,
        latent_rate_hz: float = 31.25,
    ) -> None:
        super().__init__()
        self.transformer = transformer
        self.adapter = adapter
        self.frame_rate_hz = frame_rate_hz
        self.latent_rate_hz = latent_rate_hz

    def conditions(self, batch: FlowBatch) -> Conditions:
        """Project the batch's features; dropped rows get the learned empty ones."""
        net = self.transformer
        clip = torch.where(
            batch.keep_clip[:, None, None],
            batch.clip,
            net.empty_clip(batch.clip.shape[0], batch.clip.shape[1]),
        )
        sync = torch.where(
            batch.keep_sync[:, None, None],
            batch.sync,
            net.empty_sync(batch.sync.shape[0], batch.sync.shape[1]),
        )
        out: Conditions = net.prepare_conditions(clip, sync, batch.text, batch.latents.shape[1])
        return out

    def modulation(self, batch: FlowBatch) -> Mapping[str, Tensor] | None:
        """Return the adapter's deltas; dropped rows get those of the null state."""
        if self.adapter is None:
            return None
        size, count, length = batch.speed_m_s.shape
        # Each object's masked sum stands in a cell of its own; the masks pick it out again.
        patches = batch.objects.permute(0, 2, 1, 3).unsqueeze(3)  # (B, L, K, 1, D_p)
        own = torch.eye(count, device=patches.device)[None, :, None, :, None]
        own = own * batch.visible[..., None, None].float()
        told = {"impact_energy_j": batch.impact_energy_j} if self.adapter.uses_impacts else {}
        state = self.adapter.encode(
            patches, own, batch.mass_kg, batch.speed_m_s, batch.valid, **told
        )
        empty = self.adapter.null_state(size, length)
        keep = batch.keep_physics[:, None, None]
        state = AdapterState(
            mass=torch.where(keep, state.mass, empty.mass),
            speed=torch.where(keep, state.speed, empty.speed),
            impact=torch.where(keep, state.impact, empty.impact) if told else None,
        )
        frames, latents = self.times_s(length, batch.latents.shape[1])
        deltas: Mapping[str, Tensor] = self.adapter.modulation(state, frames, latents)
        return deltas

    def times_s(self, frames: int, latents: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times of physics frames and of latents (their middles), seconds."""
        import numpy as np

        return (
            np.arange(frames, dtype=np.float64) / self.frame_rate_hz,
            (np.arange(latents, dtype=np.float64) + 0.5) / self.latent_rate_hz,
        )

    def forward(self, batch: FlowBatch, noise: Tensor, time: Tensor) -> Tensor:
        """Return the loss: weighted squared error of the velocity x1 - x0 at (1 - t) x0 + t x1.

        Latents are weighted by ``batch.weight``, channels by the square root of their spread; neither depends on what
        is predicted, so the best prediction is the same as without weights.

        Args:
            batch: Of `draw_batch`.
            noise: x0, (B, N, C).
            time: t, (B,).
        """
        target = self.transformer.normalize(batch.latents)
        t = time[:, None, None]
        mixed = (1.0 - t) * noise + t * target
        velocity = self.transformer(mixed, time, self.conditions(batch), self.modulation(batch))
        # loudness, the widest channel, is what physics decides; fine structure is what rings
        share = (self.transformer.latent_std / self.transformer.latent_std.mean()).sqrt()
        error = (share * (velocity - (target - noise)).square()).mean(dim=2)
        loss: Tensor = (batch.weight * error).sum() / batch.weight.sum()
        return loss


def flow_loss(
    model: nn.Module,
    batch: FlowBatch,
    seed: int,
    step: int,
    *,
    time_logit_mean: float = 0.0,
    early_share: float = 0.0,
    early_logit_mean: float = -2.5,
) -> Tensor:
    """Return the loss of a batch with noise and times that depend on (seed, step) alone.

    Args:
        model: A `FlowModel`.
        batch: Of `draw_batch`.
        seed: Of the run.
        step: Number of the step.
        time_logit_mean: Flow times are sigmoid(normal(this, 1)); below 0 more of them are near
            the noise, where the conditions alone decide when, how loud and how long.
        early_share: Share of rows whose mean is ``early_logit_mean`` instead, in [0, 1].
        early_logit_mean: Of these; -2.5 is a median flow time of 0.08.
    """
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    noise = torch.randn(batch.latents.shape, generator=generator)
    rows = batch.latents.shape[0]
    logits = torch.randn(rows, generator=generator)
    early = torch.rand(rows, generator=generator) < early_share
    time = torch.sigmoid(logits + torch.where(early, early_logit_mean, time_logit_mean))
    device = batch.latents.device
    loss: Tensor = model(batch, noise.to(device), time.to(device))
    return loss
