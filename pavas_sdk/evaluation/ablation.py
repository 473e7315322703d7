"""The paper's Table 3 in simulation: what each arm of an ablation sounds like, with intervals.

Conventions
-----------
All arms make the sounds of the same evaluation clips, with true masks and the part of the true physics
that the arm was trained with. Figures are those of `pavas_sdk.evaluation.summary`; FD is the squared
Frechet distance of each clip's mean and standard deviation of the codec's own channels, generated
against true sound. A figure is the mean over seeds. Intervals are 95 %: clips are drawn again, the same
for all arms, and seeds, too; with three seeds that is a coarse picture of how seeds scatter, so the
values of every seed are given beside it. FD of drawn rows is biased upwards (duplicates), so its
interval is of the drawn differences to their own mean, around the value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk import __version__
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.evaluation.clip import ClipMeasurement, measure_clip, resampled
from pavas_sdk.evaluation.frechet import frechet_distance
from pavas_sdk.evaluation.summary import clip_figures

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, LabelledClip, PhysicsEstimate
    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["AblationRow", "ablation_table", "arm_measurer", "known_physics"]

FIGURES = {
    "apcc_delta": ("APCC-delta", "lower", "mean over classes"),
    "apcc_delta_weighted": ("APCC-delta (by impacts)", "lower", "classes weighted by impacts"),
    "loudness_energy_spearman": ("Spearman", "higher", "level at impacts and energy change"),
    "level_error_db": ("Level error (dB)", "lower", "mean |level - true level| at impacts"),
    "fd_codec": ("FD (codec)", "lower", "mean and spread of the codec's channels per clip"),
}
_OF_IMPACTS = tuple(name for name in FIGURES if name != "fd_codec")
DRAWS = 300


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


def ablation_table(
    rows: Mapping[str, Mapping[int, Sequence[AblationRow]]],
    titles: Mapping[str, str],
    *,
    settings: Mapping[str, Any],
    unfinished: Sequence[str] = (),
    seed: int = 0,
) -> dict[str, Any]:
    """Return the table of finished arms.

    Args:
        rows: Arm to seed to clips, the same clips in the same order everywhere.
        titles: Of the arms.
        settings: JSON values that say how it was made.
        unfinished: Arms and seeds that are not there, in words.
        seed: Of the bootstrap.

    Returns:
        JSON values, format ``pavas.evaluation.ablation`` version 1: ``models`` (by title: ``metrics``
        with ``value``, ``interval`` and ``seeds``), ``conventions``, ``unfinished``.

    Raises:
        InputError: No arm is finished, or arms have different clips.
    """
    ids = {tuple(row.clip_id for row in clips) for arm in rows.values() for clips in arm.values()}
    if len(ids) != 1:
        raise InputError(f"expected the same clips for every finished arm, got {len(ids)} sets")
    (clip_ids,) = ids
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(0, len(clip_ids), len(clip_ids)) for _ in range(DRAWS)]
    models = {titles[arm]: _arm(by_seed, drawn, seed) for arm, by_seed in rows.items()}
    return {
        "format": "pavas.evaluation.ablation",
        "format_version": 1,
        "pavas_sdk": __version__,
        "settings": dict(settings),
        "about": f"{len(clip_ids)} simulated clips, settings {settings.get('digest', '')}".rstrip(
            ", "
        ),
        "models": {title: {"metrics": metrics} for title, metrics in models.items()},
        "unfinished": list(unfinished),
        "conventions": {
            name: {"title": title, "better": better, "convention": f"{what}; mean over seeds"}
            for name, (title, better, what) in FIGURES.items()
        },
    }


def _arm(
    by_seed: Mapping[int, Sequence[AblationRow]], drawn: Sequence[NDArray[np.int64]], seed: int
) -> dict[str, Any]:
    seeds = sorted(by_seed)
    measured = {own: [row.measured for row in by_seed[own]] for own in seeds}
    made = {own: np.asarray([row.made for row in by_seed[own]]) for own in seeds}
    true = {own: np.asarray([row.true for row in by_seed[own]]) for own in seeds}

    def figures(own: int, clips: NDArray[np.int64]) -> dict[str, float]:
        found = clip_figures([measured[own][index] for index in clips])
        fd = float("nan")
        if np.unique(clips).size >= 2:
            fd = frechet_distance(made[own][clips], true[own][clips])
        return {**{name: found[name] for name in _OF_IMPACTS}, "fd_codec": fd}

    everything = np.arange(len(measured[seeds[0]]))
    whole = {own: figures(own, everything) for own in seeds}
    # the same seeds of the same draws for every arm
    rng = np.random.default_rng(seed + 1)
    draws: list[dict[str, float]] = []
    for clips in drawn:
        picked = [seeds[index] for index in rng.integers(0, len(seeds), len(seeds))]
        once = {own: figures(own, clips) for own in set(picked)}
        draws.append(
            {name: float(np.mean([once[own][name] for own in picked])) for name in FIGURES}
        )
    metrics = {}
    for name in FIGURES:
        values = [whole[own][name] for own in seeds]
        value = float(np.mean(values))
        scattered = np.asarray([draw[name] for draw in draws])
        scattered = scattered[np.isfinite(scattered)]
        interval = None
        if scattered.size and np.isfinite(value):
            low, high = np.quantile(scattered, [0.025, 0.975])
            shift = value - scattered.mean() if name == "fd_codec" else 0.0
            interval = [float(low + shift), float(high + shift)]
        metrics[name] = {
            "value": value if np.isfinite(value) else None,
            "interval": interval,
            "seeds": [v if np.isfinite(v) else None for v in values],
        }
    return metrics
