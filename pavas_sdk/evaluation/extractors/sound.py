"""Extractors that hear one sound: PANNs, VGGish, PaSST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import torch

from pavas_sdk import models
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.extractors.network import NetworkExtractor, to_numpy

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from pavas_sdk.data import Audio
    from pavas_sdk.interfaces.metric_extractor import Medium

__all__ = ["PannsExtractor", "PasstExtractor", "VggishExtractor"]

_TINY_CLASSES = 32


class _SoundExtractor(NetworkExtractor):
    """Sound as `prepare_sound` gives it: mixed, centred, resampled, cut."""

    medium: ClassVar[Medium] = "audio"

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the samples that the network hears, (n,).

        Raises:
            InputError: The sound has no samples.
        """
        assert self.sample_rate_hz is not None
        return models.prepare_sound(medium, self.sample_rate_hz, length_s).numpy()


class PannsExtractor(_SoundExtractor):
    """Cnn14 at 16 kHz: 2048 features, 527 logits."""

    networks = ("panns-cnn14-16k",)
    outputs = ("features", "logits")
    sample_rate_hz = 16000

    def tiny_network(self, name: str) -> Any:
        """Return a Cnn14 of few channels."""
        return models.Cnn14(widths=(4, 4, 8, 8, 16, 16), num_classes=_TINY_CLASSES)

    def fill(self, network: Any, seed: int = 0) -> None:
        """Fill, and expect decibels as they are: or no sound would reach the features."""
        super().fill(network, seed)
        network.bn0.running_mean.fill_(-50.0)
        network.bn0.running_var.fill_(400.0)

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return features (clips, 2048), 0 or more, and logits (clips, 527)."""
        features, logits = self.network()(self.tensor(batch))
        return {"features": to_numpy(features), "logits": to_numpy(logits)}


class PasstExtractor(_SoundExtractor):
    """PaSST at 32 kHz: 768 features, 527 logits; always hears 10 s."""

    networks = ("passt-s",)
    outputs = ("features", "logits")
    sample_rate_hz = 32000

    def tiny_network(self, name: str) -> Any:
        """Return a PaSST of one narrow block."""
        return models.PaSST(
            hidden_dim=16, num_heads=2, depth=1, mlp_dim=32, num_classes=_TINY_CLASSES
        )

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return features (clips, 768) and logits (clips, 527)."""
        features, logits = self.network()(self.tensor(batch))
        return {"features": to_numpy(features), "logits": to_numpy(logits)}


class VggishExtractor(_SoundExtractor):
    """VGGish at 16 kHz: 128 features for every 0.96 s."""

    networks = ("vggish",)
    outputs = ("features",)
    sample_rate_hz = 16000

    def tiny_network(self, name: str) -> Any:
        """Return a VGGish with narrow dense layers."""
        return models.VGGish(hidden_dim=16, feature_dim=8)

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the samples that the network hears, (n,).

        Raises:
            InputError: Less than one piece of 0.96 s.
        """
        samples = super().prepare(medium, length_s=length_s)
        if models.VGGish.piece_count(samples.size) < 1:
            raise InputError(
                f"VGGish hears pieces of 0.96 s, the sound has {samples.size / 16000:.2f} s"
            )
        return samples

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return features (clips, pieces, 128)."""
        return {"features": to_numpy(self.network()(self.tensor(batch)))}
