"""How many latents, visual frames and synchronisation features a duration has."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pavas_sdk.errors import ConfigurationError

__all__ = ["SEQUENCE_16K", "SEQUENCE_44K", "SequenceConfig", "sequence_for_mode"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceConfig:
    """Rates of a model family; every length follows from a duration in seconds.

    The arithmetic is done in the order of the reference in double precision, so that lengths
    are equal for every duration, not only for round ones.

    Attributes:
        sample_rate_hz: Of the waveform.
        hop_length: Samples per mel frame.
        latent_downsample: Mel frames per latent.
        clip_rate_hz: Frames per second of the visual encoder.
        sync_rate_hz: Frames per second of the synchronisation encoder.
        sync_segment_frames: Frames of one of its segments.
        sync_step_frames: Frames from one segment to the next.
        sync_downsample: Frames per synchronisation feature inside a segment.
    """

    sample_rate_hz: int
    hop_length: int
    latent_downsample: int = 2
    clip_rate_hz: float = 8.0
    sync_rate_hz: float = 25.0
    sync_segment_frames: int = 16
    sync_step_frames: int = 8
    sync_downsample: int = 2

    @property
    def samples_per_latent(self) -> int:
        """Waveform samples of one latent."""
        return self.hop_length * self.latent_downsample

    @property
    def latent_rate_hz(self) -> float:
        """Latents per second."""
        return self.sample_rate_hz / self.samples_per_latent

    def latent_length(self, duration_s: float) -> int:
        """Number of latents N, rounded up."""
        return math.ceil(
            duration_s * self.sample_rate_hz / self.hop_length / self.latent_downsample
        )

    def audio_samples(self, duration_s: float) -> int:
        """Samples of the decoded waveform: whole latents, so up to one latent more than asked."""
        return self.latent_length(duration_s) * self.samples_per_latent

    def clip_length(self, duration_s: float) -> int:
        """Number of visual frames."""
        return int(self.clip_rate_hz * duration_s)

    def sync_segments(self, duration_s: float) -> int:
        """Number of overlapping segments; 0 for less than one segment (0.64 s)."""
        frames = self.sync_rate_hz * duration_s
        steps = (frames - self.sync_segment_frames) // self.sync_step_frames
        return max(0, int(steps) + 1)

    def sync_length(self, duration_s: float) -> int:
        """Number of synchronisation features, segment after segment."""
        return int(self.sync_segments(duration_s) * self.sync_segment_frames / self.sync_downsample)


SEQUENCE_16K = SequenceConfig(sample_rate_hz=16000, hop_length=256)
"""31.25 latents per second."""

SEQUENCE_44K = SequenceConfig(sample_rate_hz=44100, hop_length=512)
"""43.07 latents per second."""


def sequence_for_mode(mode: str) -> SequenceConfig:
    """Return the rates of the codec ``"16k"`` or ``"44k"``.

    Raises:
        ConfigurationError: Another mode.
    """
    modes = {"16k": SEQUENCE_16K, "44k": SEQUENCE_44K}
    if mode not in modes:
        raise ConfigurationError(f"unknown codec mode {mode!r}; known: {', '.join(modes)}")
    return modes[mode]
