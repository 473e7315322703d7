"""The paper's Table 3 in simulation: what each arm of an ablation sounds like, clip by clip.

All arms make the sounds of the same evaluation clips, with true masks and the part of the true physics
that the arm was trained with. `pavas_sdk.evaluation.ablation_table` makes the table of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import FormatError
from pavas_sdk.evaluation.clip import ClipMeasurement, measure_clip, resampled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.data import Audio, LabelledClip, PhysicsEstimate
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["AblationRow", "arm_measurer", "codec_features", "known_physics"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationRow:
    """One clip of one arm and seed.

    Attributes:
        measured: Impacts and levels.
        made: Features of the generated sound, (2 C,).
        true: And of the true sound.
    """

    measured: ClipMeasurement
    made: tuple[float, ...]
    true: tuple[float, ...]

    @property
    def clip_id(self) -> int | str:
        """Which clip."""
        return self.measured.clip_id

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "clip_id": self.clip_id,
            "measured": self.measured.to_json(),
            "made": list(self.made),
            "true": list(self.true),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> AblationRow:
        """Read what `to_json` wrote.

        Raises:
            FormatError: Another form.
        """
        try:
            return cls(
                measured=ClipMeasurement.from_json(data["measured"]),
                made=tuple(data["made"]),
                true=tuple(data["true"]),
            )
        except (KeyError, TypeError) as err:
            raise FormatError(f"not a clip of an ablation: {err!r}") from err


def known_physics(physics: PhysicsEstimate, *, mass: bool, speed: bool) -> PhysicsEstimate | str:
    """Return what an arm may know of a clip: without masses, without speeds, or "none"."""
    if not (mass or speed):
        return "none"
    objects = tuple(
        replace(
            entry,
            mass_kg=entry.mass_kg if mass else None,
            mass_log_std=entry.mass_log_std if mass else None,
            speed_m_s=entry.speed_m_s if speed else np.full_like(entry.speed_m_s, np.nan),
            velocity_m_s=entry.velocity_m_s if speed else None,
        )
        for entry in physics
    )
    # impacts hold speeds and energies, and these arms have no stream for them
    return replace(physics, objects=objects, known_impacts=())


def arm_measurer(
    model: str, clips: Callable[[int], LabelledClip], *, mass: bool, speed: bool
) -> Callable[[int], AblationRow]:
    """Load an arm's pipeline and return the function that measures the clip of a seed.

    Args:
        model: Its folder.
        clips: Makes the clip of a seed.
        mass: Whether the arm knows masses.
        speed: Whether it knows speeds.
    """
    import torch

    from pavas_sdk.evaluation.sounds import load_pipeline

    pipe = load_pipeline(model)

    def measure(seed: int) -> AblationRow:
        clip = clips(seed)
        physics = known_physics(clip.physics, mass=mass, speed=speed)
        output = pipe(
            clip.source,
            prompt=clip.prompt,
            physics=physics,
            masks=None if physics == "none" else clip.masks,
            level="physical",
            generator=torch.Generator().manual_seed(seed),
        )
        return AblationRow(
            measured=measure_clip(clip, output.audio),
            made=codec_features(pipe, output.audio),
            true=codec_features(pipe, clip.true_audio),
        )

    return measure


def codec_features(pipe: PavasPipeline, audio: Audio) -> tuple[float, ...]:
    """Return mean and standard deviation over time of a sound's latents, (2 C,)."""
    import torch

    from pavas_sdk.models import MelSpectrogram, mel_config_of_rate

    rate = pipe.config.sample_rate_hz
    sound = resampled(audio, rate)
    whole = sound.fitted(pipe.sequence.audio_samples(sound.duration_s))
    with torch.no_grad():
        bands = MelSpectrogram(mel_config_of_rate(rate))(torch.from_numpy(whole.mono.copy())[None])
        codes = pipe.vae.encode(bands.to(pipe.vae.dtype)).mean[0].float()
    values = torch.cat([codes.mean(dim=1), codes.std(dim=1)])
    return tuple(round(float(value), 6) for value in values)
