"""Audio: samples with their rate and the gain that was applied to them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data._validation import frozen_array, positive
from pavas_sdk.data.audio_player import player_html
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.media.audio_files import Subtype

__all__ = ["Audio"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Audio:
    """Samples of one or more channels.

    Attributes:
        samples: float32, (channels, samples), full scale is +-1. One-dimensional input is taken
            as mono.
        sample_rate_hz: Samples per second.
        gain_db: Every gain applied since the model's output, in dB, summed. 0 means untouched.
    """

    samples: NDArray[np.float32]
    sample_rate_hz: int
    gain_db: float = 0.0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            InputError: Wrong shape, NaN or infinite samples, or a rate that is not positive.
        """
        flat = np.ndim(self.samples) == 1
        samples = frozen_array(
            "samples", self.samples, np.float32, (None,) if flat else (None, None)
        )
        samples = samples[None] if flat else samples
        if samples.shape[0] == 0:
            raise InputError("Audio needs at least one channel, got 0")
        if not np.isfinite(samples).all():
            raise InputError(f"{int((~np.isfinite(samples)).sum())} samples are NaN or infinite")
        object.__setattr__(self, "samples", samples)
        object.__setattr__(
            self, "sample_rate_hz", int(positive("sample_rate_hz", self.sample_rate_hz))
        )

    def __repr__(self) -> str:
        return (
            f"Audio({self.channels} channel{'' if self.channels == 1 else 's'}, "
            f"{self.duration_s:.2f} s, {self.sample_rate_hz} Hz, peak {self.peak_dbfs:.1f} dBFS, "
            f"gain {self.gain_db:+.1f} dB)"
        )

    def _repr_html_(self) -> str:
        return player_html(self)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.samples.shape[0])

    @property
    def duration_s(self) -> float:
        """Seconds."""
        return float(self.samples.shape[1] / self.sample_rate_hz)

    @property
    def mono(self) -> NDArray[np.float32]:
        """Mean over channels, (samples,)."""
        return np.asarray(self.samples.mean(axis=0), dtype=np.float32)

    @property
    def peak_dbfs(self) -> float:
        """Largest absolute sample in dB relative to full scale (-inf when silent)."""
        peak = float(np.abs(self.samples).max(initial=0.0))
        return float(20.0 * np.log10(peak)) if peak > 0 else float("-inf")

    def with_gain(self, gain_db: float) -> Audio:
        """Return a louder or softer copy; the gain is recorded in ``gain_db``."""
        scale = np.float32(10.0 ** (gain_db / 20.0))
        return replace(self, samples=self.samples * scale, gain_db=self.gain_db + gain_db)

    def fitted(self, samples: int) -> Audio:
        """Return a copy of exactly ``samples`` samples: the end is cut, or silence appended."""
        have = self.samples.shape[1]
        if have >= samples:
            return replace(self, samples=self.samples[:, :samples])
        return replace(self, samples=np.pad(self.samples, ((0, 0), (0, samples - have))))

    def save(
        self, path: str | Path, *, subtype: Subtype = "pcm_16", overwrite: bool = False
    ) -> Path:
        """Write the sound alone as WAV or FLAC, sample for sample, never normalised.

        Args:
            path: ``*.wav`` or ``*.flac`` in an existing folder.
            subtype: "pcm_16", "pcm_24" or "float32" (WAV).
            overwrite: Replace an existing file.

        Raises:
            ConfigurationError: Another suffix, or one that cannot hold the subtype.
            OutputExistsError: The file exists.
            OutputError: The folder is missing or cannot be written.
        """
        # the one door of this room that opens upwards: see the layers in pyproject.toml
        from pavas_sdk.media.audio_files import write_audio

        return write_audio(path, self, subtype=subtype, overwrite=overwrite).path
