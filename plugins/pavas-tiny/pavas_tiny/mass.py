"""Mass estimator "size-prior": by what is said, by name, by size and material."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np

from pavas_sdk.data import MassEstimate
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import ComponentConfig, MassEstimator
from pavas_tiny.analysis import impact_curve
from pavas_tiny.shape import Shape, measure_shape
from pavas_tiny.things import MATERIALS, Words, read_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pavas_sdk.data import FrameSource, Impact, MaskTrack, MovingObject, Reconstruction

__all__ = ["SizePriorConfig", "SizePriorMassEstimator"]

# Fitted on simulated clips.
USUAL_VOLUME_M3 = {"ball": 1.26e-3, "stick": 1.45e-4}
USUAL_VOLUME_LOG_STD = (
    1.5  # of what people throw, drop and strike with, from a marble to a football
)
SEEN_LOG_STD = 1.6  # of ln(mass) that the impact detector sees
SHAPE_LOG_STD = 0.6  # a radius is off by a fifth, a volume by three times that


@dataclass(frozen=True, slots=True, kw_only=True)
class SizePriorConfig(ComponentConfig):
    """Settings of `SizePriorMassEstimator`.

    Attributes:
        density_kg_m3: Median of the effective density (with hollowness) of unknown things: balls
            for games have 80 (basketball, table tennis) to 370 (tennis), solid ones 1000 and more.
        density_log_std: Standard deviation of its logarithm.
        min_mass_kg: Lightest answer.
        max_mass_kg: Heaviest answer for a thing without a known name.
    """

    density_kg_m3: float = 450.0
    density_log_std: float = 1.4
    min_mass_kg: float = 0.001
    max_mass_kg: float = 8.0

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: A setting that is not positive.
        """
        for name in ("density_kg_m3", "density_log_std", "min_mass_kg", "max_mass_kg"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be above 0, got {getattr(self, name)}")


class SizePriorMassEstimator(MassEstimator):
    """Kilograms by the best rung: a stated mass, a known thing, else size times density.

    The volume is that of an ellipsoid with the mask's axes; the density is that of the material
    in the label, with a prior on how hollow things are, or a prior over all materials.
    """

    config_class: ClassVar[type[ComponentConfig]] = SizePriorConfig

    @property
    def config(self) -> SizePriorConfig:
        """The frozen settings."""
        return cast("SizePriorConfig", self._config)

    def estimate_mass(
        self,
        video: FrameSource,
        objects: Sequence[MovingObject],
        *,
        masks: Mapping[int, MaskTrack] | None = None,
        reconstruction: Reconstruction | None = None,
        rng: np.random.Generator,
    ) -> Mapping[int, MassEstimate]:
        """Return a mass for every object whose label or size says something."""
        del rng
        found = {}
        for thing in objects:
            phrases = read_words(thing.label)
            words = phrases[0] if phrases else None
            track = (masks or {}).get(thing.object_id)
            answer = self._by_words(thing.object_id, words)
            if answer is None and track is not None and reconstruction is not None:
                shape = measure_shape(track.masks)
                if shape is not None:
                    answer = self._by_size(thing.object_id, shape, track, reconstruction, words)
                    if answer is not None and reconstruction.scale_log_std != 0.0:
                        answer = _with_seen_mass(answer, video, reconstruction.impacts or ())
            if answer is not None:
                found[thing.object_id] = answer
        return found

    def _by_words(self, object_id: int, words: Words | None) -> MassEstimate | None:
        if words is None:
            return None
        if words.mass_kg is not None:
            return MassEstimate(
                object_id=object_id,
                mass_kg=words.mass_kg,
                log_std=0.05,
                source="stated",
                rationale=f'"{words.phrase}" states it',
            )
        if words.thing is not None:
            return MassEstimate(
                object_id=object_id,
                mass_kg=words.thing.mass_kg,
                log_std=words.thing.log_std,
                source="label",
                rationale=f'usual mass of "{words.phrase}"',
            )
        return None

    def _by_size(
        self,
        object_id: int,
        shape: Shape,
        track: MaskTrack,
        reconstruction: Reconstruction,
        words: Words | None,
    ) -> MassEstimate | None:
        config = self.config
        m_per_px = _metres_per_pixel(track, reconstruction)
        if m_per_px is None:
            return None
        scale_std = 0.3 if reconstruction.scale_log_std is None else reconstruction.scale_log_std
        volume = log_volume(shape, m_per_px, scale_std)
        log_density, density_std = math.log(config.density_kg_m3), config.density_log_std
        said = ""
        if words is not None and words.material is not None:
            material = MATERIALS[words.material]
            log_density = math.log(material.density_kg_m3) + material.log_fill
            density_std = material.log_std
            said = f" of {words.material}"
        if words is not None and words.hollow is not None:
            log_density += -0.7 if words.hollow else 0.6
        log_mass = volume + log_density
        mass = min(max(math.exp(log_mass), config.min_mass_kg), config.max_mass_kg)
        return MassEstimate(
            object_id=object_id,
            mass_kg=mass,
            log_std=math.hypot(3.0 * scale_std, density_std),
            source="size-prior",
            rationale=f"{2e2 * m_per_px * shape.half_size_px:.1f} cm{said}, usual density and hollowness",
        )


def _with_seen_mass(
    estimate: MassEstimate, video: FrameSource, impacts: Sequence[Impact]
) -> MassEstimate:
    """The mass drawn towards what the impact detector sees at the object's impacts.

    Both are weighed by how far they are off on simulated clips, as logarithms; they err alike, so the
    mean is no surer than the surer one.
    """
    moments = [hit.time_s for hit in impacts if hit.object_id == estimate.object_id]
    if not moments or estimate.log_std is None:
        return estimate
    curve = impact_curve(video)
    seen = [
        (curve.near(moment), curve.mass_at(moment)) for moment in moments if curve.suspects(moment)
    ]
    seen = [(score, mass_kg) for score, mass_kg in seen if math.isfinite(mass_kg)]
    if not curve.knows or not seen:
        return estimate
    weight = sum(score for score, _ in seen)
    log_seen = sum(score * math.log(mass_kg) for score, mass_kg in seen) / weight
    own = estimate.log_std**2
    share = own / (own + SEEN_LOG_STD**2)
    log_mass = math.log(estimate.mass_kg) + share * (log_seen - math.log(estimate.mass_kg))
    return replace(
        estimate,
        mass_kg=math.exp(log_mass),
        log_std=min(estimate.log_std, SEEN_LOG_STD),
        rationale=f"{estimate.rationale}; its impacts look like {math.exp(log_seen):.2g} kg",
    )


def log_volume(shape: Shape, m_per_px: float, scale_log_std: float) -> float:
    """Ln of the volume in cubic metres: measured, drawn towards that of usual things.

    The more, the less sure the scale is (three times its deviation, for a volume).
    """
    measured = shape.log_volume_px + 3.0 * math.log(m_per_px)
    usual = math.log(USUAL_VOLUME_M3["stick" if shape.kind == "stick" else "ball"])
    variance = SHAPE_LOG_STD**2 + (3.0 * scale_log_std) ** 2
    trust = USUAL_VOLUME_LOG_STD**2 / (USUAL_VOLUME_LOG_STD**2 + variance)
    return usual + trust * (measured - usual)


def _metres_per_pixel(track: MaskTrack, reconstruction: Reconstruction) -> float | None:
    """Length of a mask pixel at the object: median step between neighbouring points under it."""
    from pavas_sdk.data.timing import nearest_index

    seen = np.flatnonzero(track.visible)
    if seen.size == 0:
        return None
    ratio = reconstruction.points_m.shape[2] / track.masks.shape[2]
    steps = []
    for frame in seen[:: max(1, seen.size // 12)]:
        at = int(nearest_index(reconstruction.times_s, track.times_s[frame : frame + 1])[0])
        points = reconstruction.points_m[at]
        rows, columns = np.nonzero(track.masks[frame])
        row = np.minimum((rows * ratio).astype(int), points.shape[0] - 1)
        column = np.minimum((columns * ratio).astype(int), points.shape[1] - 2)
        step = np.linalg.norm(points[row, column + 1] - points[row, column], axis=1)
        steps.append(float(np.median(step)) * ratio)
    value = float(np.median(steps))
    return value if np.isfinite(value) and value > 0 else None
