"""Synchformer as two extractors: the pictures once per video, and every sound beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from pavas_sdk import models
from pavas_sdk.errors import InputError
from pavas_sdk.evaluation.extractors.network import NetworkExtractor, to_numpy
from pavas_sdk.evaluation.synchronisation import SEGMENTS_COMPARED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, FrameSource
    from pavas_sdk.interfaces.metric_extractor import Medium

__all__ = ["SynchformerExtractor", "SynchformerVideoExtractor"]

_SHORTEST_S = 0.32 * (SEGMENTS_COMPARED - 1) + 0.64
_TINY = {"hidden_dim": 16, "num_heads": 2, "depth": 1, "mlp_dim": 32}


class SynchformerVideoExtractor(NetworkExtractor):
    """Motion features of segments of 0.64 s; the long part of DeSync, the same for all models."""

    networks = ("synchformer-video",)
    outputs = ("features",)
    medium: ClassVar[Medium] = "video"

    def tiny_network(self, name: str) -> Any:
        """Return the visual half with one narrow block and small pictures."""
        return models.Synchformer(image_size=32, **_TINY)

    def prepare(self, medium: FrameSource, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the pictures at 25 per second, (frames, 3, 224, 224) in [-1, 1].

        Raises:
            InputError: Less than the 4.8 s that are compared.
        """
        duration_s = medium.duration_s if length_s is None else min(length_s, medium.duration_s)
        network = self.network()
        times_s = network.frame_times_s(duration_s)
        if network.segment_count(times_s.size) < SEGMENTS_COMPARED:
            raise InputError(
                f"Synchformer compares {_SHORTEST_S:.2f} s or more, the video has {duration_s:.2f} s"
            )
        pixels: NDArray[np.float32] = network.preprocess(medium.frames_at(times_s)).numpy()
        return pixels

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return features (clips, segments, 8, 768)."""
        network = self.network()
        clips = [network.encode(self.tensor(pixels)) for pixels in batch]
        found = [clip.unflatten(0, (-1, network.features_per_segment)) for clip in clips]
        return {"features": to_numpy(torch.stack(found))}


class SynchformerExtractor(NetworkExtractor):
    """By how much sound and picture are apart: logits of 21 offsets, first and last window."""

    networks = ("synchformer-audio", "synchformer-comparison")
    outputs = ("logits",)
    medium: ClassVar[Medium] = "audio"
    sample_rate_hz = 16000
    beside = "pavas-sdk/synchformer-video"

    def tiny_network(self, name: str) -> Any:
        """Return the audio half or the comparison with one narrow block."""
        if name == "synchformer-audio":
            return models.SynchformerAudio(**_TINY)
        return models.SynchformerComparison(hidden_dim=16, num_heads=2, depth=1)

    def prepare(self, medium: Audio, *, length_s: float | None = None) -> NDArray[np.float32]:
        """Return the samples, (n,), not centred.

        Raises:
            InputError: Less than the 4.8 s that are compared.
        """
        samples = models.prepare_sound(medium, self.sample_rate_hz, length_s, centre=False).numpy()
        if models.SynchformerAudio.segment_count(samples.size) < SEGMENTS_COMPARED:
            raise InputError(
                f"Synchformer compares {_SHORTEST_S:.2f} s or more, the sound has "
                f"{samples.size / self.sample_rate_hz:.2f} s"
            )
        return samples

    @torch.no_grad()
    def extract(
        self, batch: NDArray[Any], *, beside: NDArray[np.float32] | None = None
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return logits (clips, 2, 21).

        Raises:
            InputError: ``beside`` is missing.
        """
        if beside is None:
            raise InputError(f"the features of {self.beside} are needed beside the sounds")
        heard = self.network("synchformer-audio")(self.tensor(batch))
        seen = self.tensor(np.ascontiguousarray(beside))
        return {"logits": to_numpy(self.network("synchformer-comparison")(seen, heard))}
