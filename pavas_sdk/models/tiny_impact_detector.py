"""A small network that sees when things hit, and how fast: the synchronisation encoder, two heads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from pavas_sdk.models.tiny_sync_encoder import TinySyncEncoder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Video

__all__ = ["TinyImpactDetector"]


_SPEED_REACH = 6  # features to both sides: 0.12 s


class TinyImpactDetector(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Tells how likely something hits, slot by slot of time, and how fast it would be.

    The speed of an impact is the one whose kinetic energy is lost, sqrt(|v_before^2 - v_after^2|).

    The rate of slots is ``frame_rate_hz * features_per_frame * slots``: with the defaults 100 per
    second. It is ours, not the paper's, whose impacts follow from speeds alone.

    Args:
        image_size: See `TinySyncEncoder`, as all but the last.
        stem_stride: See there.
        widths: See there.
        hidden_dim: See there.
        dilations: See there.
        feature_dim: See there.
        features_per_frame: See there.
        frame_rate_hz: See there.
        slots: Equal parts of the time of a feature.
        speed_dim: Width of the head for speeds.
    """

    __module__ = "pavas_sdk.models"

    max_frame_side = TinySyncEncoder.max_frame_side

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        image_size: int = 128,
        stem_stride: int = 4,
        widths: tuple[int, int, int, int] = (24, 32, 48, 64),
        hidden_dim: int = 128,
        dilations: tuple[int, ...] = (1, 2, 4, 1),
        feature_dim: int = 64,
        features_per_frame: int = 2,
        frame_rate_hz: float = 25.0,
        slots: int = 2,
        speed_dim: int = 96,
    ) -> None:
        super().__init__()
        self.encoder = TinySyncEncoder(
            image_size=image_size,
            stem_stride=stem_stride,
            widths=widths,
            hidden_dim=hidden_dim,
            dilations=dilations,
            feature_dim=feature_dim,
            features_per_frame=features_per_frame,
            frame_rate_hz=frame_rate_hz,
        )
        self.head = nn.Linear(feature_dim, slots)
        nn.init.constant_(self.head.bias, -3.0)
        self.speed_head = nn.Sequential(
            nn.Conv1d(feature_dim, speed_dim, 2 * _SPEED_REACH + 1, padding=_SPEED_REACH),
            nn.SiLU(),
            nn.Dropout(0.2),
            nn.Conv1d(speed_dim, 1, 1),
        )

    @property
    def slot_rate_hz(self) -> float:
        """Slots per second."""
        config = self.config
        return float(config.frame_rate_hz * config.features_per_frame * config.slots)

    def frame_times_s(self, duration_s: float) -> NDArray[np.float64]:
        """When frames are wanted: k / frame_rate_hz within the duration, (T,), at least one."""
        times_s: NDArray[np.float64] = self.encoder.frame_times_s(duration_s)
        return times_s

    def forward(self, changes: Tensor) -> Tensor:
        """Return the logits of clips whose `TinySyncEncoder.changes` are (B, T, 3, S, S), (B, slots of time)."""
        logits: Tensor = self.head(self.encoder.encode_frames(changes)).flatten(1)
        return logits

    def log10_speeds(self, features: Tensor) -> Tensor:
        """Return log10 of the speed in m/s that an impact at each feature would have, (B, J).

        Args:
            features: Of the encoder, (B, J, D).
        """
        found: Tensor = self.speed_head(features.transpose(1, 2))
        return found[:, 0]

    @torch.no_grad()
    def look(self, video: Video) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return how likely each slot holds an impact, and the speed in m/s that it would have.

        Both are (T * features_per_frame * slots,).

        Args:
            video: Frames at `frame_times_s`; slot j spans [j, j + 1) / `slot_rate_hz`.
        """
        pixels = self.encoder.preprocess(video).to(self.device)
        changes = self.encoder.changes(self.encoder.grey(pixels))
        features = self.encoder.encode_frames(changes[None])
        likely: NDArray[np.float32] = (
            torch.sigmoid(self.head(features).flatten().float()).cpu().numpy()
        )
        speed = torch.pow(10.0, self.log10_speeds(features)[0].float())
        spread: NDArray[np.float32] = speed.repeat_interleave(self.config.slots).cpu().numpy()
        return likely, spread
