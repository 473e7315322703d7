"""A small trained vocoder: log-mel spectrogram to tones and noise, joined by an inverse STFT.

The trunk is that of Vocos (ConvNeXt blocks on mel frames, then an inverse Fourier transform;
Siuzdak 2023, arXiv 2306.00814). The heads differ, since mel frames of a steady tone are all alike:
a network that reads a phase off them repeats it from frame to frame, and a ringing plate buzzes at
the rate of the frames. Here each band has one sinusoid whose frequency is predicted and whose phase
is the running sum of it, and noise that the bands shape; both are drawn as spectra of short frames,
and a predicted envelope in steps of a millisecond makes attacks sharp.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn
from torch.nn import functional as F

from pavas_sdk.errors import InputError
from pavas_sdk.models.mel import MelConfig, MelSpectrogram, mel_band_edges, mel_filters
from pavas_sdk.models.spectral_synthesis import frame_noise, overlap_add, tone_spectrum

__all__ = ["IstftVocoder", "SoundParts"]

_LN10 = math.log(10.0)
_OVERLAP = 4  # synthesis frames are this many hops long
_MAX_GAIN = 2.0  # powers of ten by which the network may move what a band asks for
_FLOOR, _SILENCE = 1.2e-5, 1e-7  # of mel magnitudes; `MelSpectrogram` ends at 1e-5
_MAX_CORRECTION = 0.5  # powers of ten by which a band is moved at a time
_MIN_ENVELOPE, _MAX_ENVELOPE = -8.0, 2.0  # natural logarithms


def _place_in_band(levels: Tensor) -> Tensor:
    """Logit of where a tone lies in each band, read off its neighbours, (B, T, M).

    A tone that lies a share x of the way to the next band's middle gives x there and 1 - x here.
    """
    here = levels[..., 1:-1]
    above, below = (
        torch.sigmoid(_LN10 * (side - here)) for side in (levels[..., 2:], levels[..., :-2])
    )
    place = F.pad(0.5 + above - below, (1, 1), value=0.5)
    return torch.logit(place, eps=0.05)


class _Block(nn.Module):
    """A ConvNeXt block on (B, T, C): depthwise convolution, then two linear layers."""

    def __init__(self, channels: int, expansion: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv1d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.widen = nn.Linear(channels, expansion * channels)
        self.narrow = nn.Linear(expansion * channels, channels)
        self.scale = nn.Parameter(torch.full((channels,), 0.2))

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.depthwise(x.transpose(1, 2)).transpose(1, 2)
        hidden = self.narrow(F.gelu(self.widen(self.norm(hidden))))
        scaled: Tensor = self.scale * hidden
        return x + scaled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoundParts:
    """What the network says about a sound; T' synthesis frames, M bands.

    Attributes:
        frequency_hz: Of the tone of each band, (B, T', M).
        log10_tone: Its peak amplitude, (B, T', M).
        log10_noise: Standard deviation of white noise of which the band is cut, (B, T', M).
        tone_envelope: Natural logarithm of a gain in steps of a millisecond, (B, T' * 4).
        noise_envelope: The same for the noise.
    """

    frequency_hz: Tensor
    log10_tone: Tensor
    log10_noise: Tensor
    tone_envelope: Tensor
    noise_envelope: Tensor


class IstftVocoder(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """Turns a log-mel spectrogram (B, M, T) into a waveform (B, 1, T * hop).

    Deterministic: noise and start phases are drawn from a fixed seed, the same for each item of a
    batch. Levels follow the spectrogram: what the network says is a gain on what the bands ask for.

    Args:
        sample_rate_hz: Samples per second; with the next six numbers the `MelConfig`.
        n_fft: Samples of a mel frame.
        hop_length: Samples from mel frame to mel frame.
        mel_bins: Bands M.
        min_hz: Lower edge of the lowest band.
        max_hz: Upper edge of the highest band.
        logarithm: "log10" or "ln".
        hidden_dim: Width of the blocks on mel frames.
        depth: Their number.
        fine_dim: Width of the blocks on synthesis frames.
        fine_depth: Their number.
        expansion: Width within a block, in widths of the block.
        upsampling: Synthesis frames per mel frame.
        envelope_steps: Gains per synthesis frame.
        corrections: How often the bands of the sound are measured and brought to what ``mel`` asks
            for; each costs about as much as the sound itself. Training does without.

    Raises:
        InputError: A hop that ``upsampling`` and ``envelope_steps`` do not divide.
    """

    __module__ = "pavas_sdk.models"

    window: Tensor
    spread: Tensor
    lower_hz: Tensor
    width_hz: Tensor
    tone_level: Tensor
    start_turns: Tensor

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        sample_rate_hz: int = 48000,
        n_fft: int = 2048,
        hop_length: int = 768,
        mel_bins: int = 80,
        min_hz: float = 0.0,
        max_hz: float = 20000.0,
        logarithm: Literal["log10", "ln"] = "log10",
        hidden_dim: int = 192,
        depth: int = 6,
        fine_dim: int = 96,
        fine_depth: int = 2,
        expansion: int = 3,
        upsampling: int = 4,
        envelope_steps: int = 4,
        corrections: int = 2,
    ) -> None:
        super().__init__()
        if hop_length % (2 * upsampling * envelope_steps):
            raise InputError(
                f"hop_length must be a multiple of 2 * upsampling * envelope_steps = "
                f"{2 * upsampling * envelope_steps}, got {hop_length}"
            )
        mel = MelConfig(
            sample_rate_hz=sample_rate_hz,
            n_fft=n_fft,
            hop_length=hop_length,
            mel_bins=mel_bins,
            min_hz=min_hz,
            max_hz=max_hz,
            logarithm=logarithm,
        )
        self.fine_hop = hop_length // upsampling
        self.analysis = MelSpectrogram(mel)
        self._add_tables(mel)
        self.embed = nn.Conv1d(mel_bins, hidden_dim, 7, padding=3)
        self.embed_norm = nn.LayerNorm(hidden_dim)
        self.blocks = nn.Sequential(*(_Block(hidden_dim, expansion) for _ in range(depth)))
        self.norm = nn.LayerNorm(hidden_dim)
        self.frequency = nn.Linear(hidden_dim, mel_bins)
        self.refine = nn.Linear(hidden_dim, upsampling * fine_dim)
        self.fine_blocks = nn.Sequential(*(_Block(fine_dim, expansion) for _ in range(fine_depth)))
        self.fine_norm = nn.LayerNorm(fine_dim)
        self.levels = nn.Linear(fine_dim, 2 * mel_bins)
        self.envelopes = nn.Linear(fine_dim, 2 * envelope_steps)
        for head in (self.frequency, self.levels, self.envelopes):
            nn.init.normal_(head.weight, std=1e-3)
            nn.init.zeros_(head.bias)

    def _add_tables(self, mel: MelConfig) -> None:
        """Buffers that follow from the numbers alone; none is stored."""
        frame = _OVERLAP * self.fine_hop
        edges = torch.from_numpy(mel_band_edges(mel))
        middles, peak = edges[1:-1], torch.from_numpy(mel_filters(mel)).amax(dim=1).double()
        bins_hz = torch.arange(frame // 2 + 1, dtype=torch.float64) * mel.sample_rate_hz / frame
        # Each frequency takes the levels of the two bands whose middles it lies between.
        spread = torch.zeros(mel.mel_bins, bins_hz.numel(), dtype=torch.float64)
        right = torch.searchsorted(middles, bins_hz).clamp(1, mel.mel_bins - 1)
        share = (bins_hz - middles[right - 1]) / (middles[right] - middles[right - 1])
        share = share.clamp(0.0, 1.0)
        columns = torch.arange(bins_hz.numel())
        spread[right - 1, columns] = 1.0 - share
        spread[right, columns] = share
        borders = torch.cat([edges[:1], 0.5 * (middles[1:] + middles[:-1]), edges[-1:]])
        tables = {
            "window": torch.hann_window(frame),
            "spread": spread,
            # A tone lies within its own band: two bands never claim the same one.
            "lower_hz": borders[:-1],
            "width_hz": borders[1:] - borders[:-1],
            # log10 of what a tone of amplitude 1 in the middle of the band gives there
            "tone_level": torch.log10(peak * mel.n_fft / 2),
            "start_turns": torch.rand(mel.mel_bins, generator=torch.Generator().manual_seed(0)),
        }
        for name, table in tables.items():
            self.register_buffer(name, table.float(), persistent=False)
        # white noise of deviation 1: mean magnitude per bin over the width of a bin
        deviation = math.sqrt(3.0 / 8.0 * mel.n_fft) * math.sqrt(math.pi) / 2.0
        self._noise_level = math.log10(deviation * mel.n_fft / mel.sample_rate_hz)

    def describe(self, mel: Tensor) -> SoundParts:
        """Return what is to be heard of ``mel`` (B, M, T).

        Raises:
            InputError: Not (B, M, T) with at least four frames.
        """
        config = self.config
        if mel.ndim != 3 or mel.shape[1] != config.mel_bins or mel.shape[2] < 4:
            raise InputError(
                f"mel has shape {tuple(mel.shape)}, expected (batch, {config.mel_bins}, "
                "4 frames or more)"
            )
        x = self.embed(0.5 * self._log10(mel) + 1.5).transpose(1, 2)
        x = self.norm(self.blocks(self.embed_norm(x)))
        place = self.frequency(x).float()
        fine = self.refine(x).unflatten(2, (config.upsampling, -1)).flatten(1, 2)
        fine = self.fine_norm(self.fine_blocks(fine))
        gain, share = self.levels(fine).float().chunk(2, dim=2)
        gain = _MAX_GAIN * torch.tanh(gain / _MAX_GAIN)
        envelopes = self.envelopes(fine).float().clamp(_MIN_ENVELOPE, _MAX_ENVELOPE)
        tone_envelope, noise_envelope = envelopes.unflatten(2, (2, -1)).unbind(2)
        levels = self._log10(mel.float()).transpose(1, 2)
        # Nothing is asked for at the spectrogram's floor: silence need not be learnt.
        above = torch.exp(_LN10 * levels) - _FLOOR
        asked = self._finer(torch.log10(above.clamp(min=_SILENCE))) + gain
        inside = 1.1 * torch.sigmoid(self._finer(place + _place_in_band(levels))) - 0.05
        return SoundParts(
            frequency_hz=(self.lower_hz + self.width_hz * inside).clamp(min=1.0),
            # the energy of a band is shared: it cannot be lost, only be tone or noise
            log10_tone=asked - self.tone_level + F.logsigmoid(share) / (2.0 * _LN10),
            log10_noise=asked - self._noise_level + F.logsigmoid(-share) / (2.0 * _LN10),
            tone_envelope=tone_envelope.flatten(1),
            noise_envelope=noise_envelope.flatten(1),
        )

    def render(self, parts: SoundParts, *, seed: int = 0) -> Tensor:
        """Return the waveform (B, 1, T * hop) of ``parts``.

        Args:
            parts: From `describe`.
            seed: Of the noise and, but for 0, of the start phases of tones.
        """
        config = self.config
        count = parts.log10_tone.shape[1]
        window = self.window.float()
        device = window.device
        generator = torch.Generator().manual_seed(seed)
        # whole hops: a longer sound starts with the noise of a shorter one
        length = (count + _OVERLAP - 1) * self.fine_hop
        noise = torch.randn(1, length, generator=generator).to(device)
        start = self.start_turns.float()
        if seed:
            start = torch.rand(start.shape, generator=generator).to(device)
        spectrum = frame_noise(noise, window, self.fine_hop)
        shape = torch.exp(_LN10 * (parts.log10_noise @ self.spread.float()))
        hiss = overlap_add(spectrum * shape, window, self.fine_hop)
        per_hop = self.fine_hop / config.sample_rate_hz
        # The running sum says where a tone is, not how loud: it would drown the gradient.
        turns = parts.frequency_hz.detach() * per_hop
        turns = (0.5 * (turns + torch.cat([turns[:, :1], turns[:, :-1]], dim=1))) % 1.0
        spectrum = tone_spectrum(
            torch.exp(_LN10 * parts.log10_tone),
            parts.frequency_hz * (window.shape[0] / config.sample_rate_hz),
            (torch.cumsum(turns, dim=1) + start) % 1.0,
            bins=window.shape[0] // 2 + 1,
        )
        ring = overlap_add(spectrum, window, self.fine_hop)
        sound = ring * self._gain(parts.tone_envelope) + hiss * self._gain(parts.noise_envelope)
        return sound[:, None]

    def forward(self, mel: Tensor) -> Tensor:
        """Return the waveform (B, 1, T * hop) of ``mel`` (B, M, T).

        Raises:
            InputError: Not (B, M, T) with at least four frames.
        """
        parts = self.describe(mel)
        with torch.autocast(mel.device.type, enabled=False):
            sound = self.render(parts)
            for _ in range(self.config.corrections):
                short = self._shortfall(mel, sound)
                parts = replace(
                    parts,
                    log10_tone=parts.log10_tone + short,
                    log10_noise=parts.log10_noise + short,
                )
                sound = self.render(parts)
            return sound

    def _shortfall(self, mel: Tensor, sound: Tensor) -> Tensor:
        """log10 of what each band of a sound lacks, (B, T', M)."""
        own = self.analysis(sound[:, 0])[..., : mel.shape[2]]
        short = self._log10(mel.float()) - self._log10(own)
        return self._finer(short.clamp(-_MAX_CORRECTION, _MAX_CORRECTION).transpose(1, 2))

    def _log10(self, mel: Tensor) -> Tensor:
        return mel if self.config.logarithm == "log10" else mel / _LN10

    def _finer(self, rows: Tensor) -> Tensor:
        """Interpolate rows of mel frames (B, T, C) to synthesis frames (B, T', C)."""
        fine = F.interpolate(
            rows.transpose(1, 2),
            scale_factor=float(self.config.upsampling),
            mode="linear",
            align_corners=False,
        )
        return fine.transpose(1, 2)

    def _gain(self, envelope: Tensor) -> Tensor:
        """Interpolate logarithms of gains to samples and return the gains."""
        step = self.fine_hop // self.config.envelope_steps
        fine = F.interpolate(
            envelope[:, None], scale_factor=float(step), mode="linear", align_corners=False
        )
        return torch.exp(fine[:, 0])
