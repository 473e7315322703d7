"""Materials of objects and of the surfaces they strike: mechanics, sound and looks."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MATERIALS", "SURFACES", "Material", "Surface", "friction", "restitution"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What an object is made of.

    Attributes:
        name: Key in `MATERIALS`.
        adjective: Word used in prompts, as in "a wooden ball".
        density_kg_m3: Density of the solid stuff.
        youngs_modulus_pa: Stiffness; sets contact times (Hertz) and mode frequencies.
        restitution: Bounciness, 0..1; combined by pair with `restitution`.
        friction: Coulomb coefficient; combined by pair with `friction`.
        wave_speed_m_s: Speed of bending waves for the mode frequencies (an effective value).
        lowest_hz: Range of the lowest mode of things that a hand can hold.
        decay_per_s: Amplitude decay rate of a mode at 1 kHz.
        decay_exponent: How the decay rate grows with frequency.
        click: Share of the broadband contact click in the impact's energy, 0..1.
        loudness_db: How much louder than the average material it radiates.
        max_fill: Largest solid fraction that is sampled.
        colours: Typical linear RGB colours; they overlap between materials on purpose.
        gloss: Mean strength of the highlight, 0..1.
    """

    name: str
    adjective: str
    density_kg_m3: float
    youngs_modulus_pa: float
    restitution: float
    friction: float
    wave_speed_m_s: float
    lowest_hz: tuple[float, float]
    decay_per_s: float
    decay_exponent: float
    click: float
    loudness_db: float
    max_fill: float
    colours: tuple[tuple[float, float, float], ...]
    gloss: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """A floor, wall or plate: a material's mechanics with its own modes.

    Attributes:
        name: Key in `SURFACES`.
        youngs_modulus_pa: Stiffness of the surface at the contact.
        restitution: Bounciness, 0..1.
        friction: Coulomb coefficient.
        rolling_resistance: Coefficient of rolling resistance (of the weight).
        modes_hz: Frequency range of the ringing modes.
        mode_count: Number of modes in that range.
        decay_per_s: Amplitude decay rate at 1 kHz.
        decay_exponent: How the decay rate grows with frequency.
        share: Share of the impact's energy that the surface radiates, 0..1.
        loudness_db: Level relative to the average surface.
        roughness: Strength of rolling noise, 1 = average.
        texture: Name of the texture generator.
        colours: Typical linear RGB colours.
    """

    name: str
    youngs_modulus_pa: float
    restitution: float
    friction: float
    rolling_resistance: float
    modes_hz: tuple[float, float]
    mode_count: int
    decay_per_s: float
    decay_exponent: float
    share: float
    loudness_db: float
    roughness: float
    texture: str
    colours: tuple[tuple[float, float, float], ...]


_GREY = (0.35, 0.35, 0.36)
_DARK = (0.08, 0.08, 0.09)
_WHITE = (0.75, 0.74, 0.70)
_RED = (0.55, 0.07, 0.05)
_BLUE = (0.06, 0.15, 0.50)
_GREEN = (0.08, 0.38, 0.14)
_YELLOW = (0.70, 0.52, 0.08)
_BROWN = (0.36, 0.20, 0.09)
_PALE_WOOD = (0.55, 0.38, 0.20)
_ORANGE = (0.65, 0.25, 0.05)


MATERIALS: dict[str, Material] = {
    m.name: m
    for m in (
        Material(
            name="rubber",
            adjective="rubber",
            density_kg_m3=1100.0,
            youngs_modulus_pa=6.0e6,
            restitution=0.84,
            friction=0.75,
            wave_speed_m_s=160.0,
            lowest_hz=(50.0, 320.0),
            decay_per_s=130.0,
            decay_exponent=0.5,
            click=0.10,
            loudness_db=-1.5,
            max_fill=1.0,
            colours=(_DARK, _RED, _BLUE, _GREEN, _ORANGE),
            gloss=0.15,
        ),
        Material(
            name="wood",
            adjective="wooden",
            density_kg_m3=680.0,
            youngs_modulus_pa=1.1e10,
            restitution=0.58,
            friction=0.42,
            wave_speed_m_s=1500.0,
            lowest_hz=(220.0, 1600.0),
            decay_per_s=60.0,
            decay_exponent=0.75,
            click=0.15,
            loudness_db=0.0,
            max_fill=1.0,
            colours=(_BROWN, _PALE_WOOD, _DARK, _YELLOW),
            gloss=0.15,
        ),
        Material(
            name="metal",
            adjective="metal",
            density_kg_m3=7800.0,
            youngs_modulus_pa=2.0e11,
            restitution=0.66,
            friction=0.32,
            wave_speed_m_s=5000.0,
            lowest_hz=(1050.0, 6500.0),
            decay_per_s=3.8,
            decay_exponent=0.6,
            click=0.05,
            loudness_db=1.5,
            max_fill=0.6,
            colours=(_GREY, _DARK, _YELLOW, _WHITE),
            gloss=0.75,
        ),
        Material(
            name="glass",
            adjective="glass",
            density_kg_m3=2500.0,
            youngs_modulus_pa=7.0e10,
            restitution=0.62,
            friction=0.30,
            wave_speed_m_s=5600.0,
            lowest_hz=(1600.0, 8000.0),
            decay_per_s=9.0,
            decay_exponent=0.6,
            click=0.05,
            loudness_db=1.0,
            max_fill=0.8,
            colours=(_BLUE, _GREEN, _WHITE, _GREY),
            gloss=0.85,
        ),
        Material(
            name="plastic",
            adjective="plastic",
            density_kg_m3=1050.0,
            youngs_modulus_pa=2.4e9,
            restitution=0.64,
            friction=0.35,
            wave_speed_m_s=900.0,
            lowest_hz=(150.0, 900.0),
            decay_per_s=110.0,
            decay_exponent=0.6,
            click=0.18,
            loudness_db=0.0,
            max_fill=0.7,
            colours=(_RED, _BLUE, _GREEN, _YELLOW, _WHITE, _ORANGE, _DARK),
            gloss=0.5,
        ),
        Material(
            name="ceramic",
            adjective="ceramic",
            density_kg_m3=2400.0,
            youngs_modulus_pa=6.0e10,
            restitution=0.52,
            friction=0.40,
            wave_speed_m_s=3600.0,
            lowest_hz=(1100.0, 5000.0),
            decay_per_s=26.0,
            decay_exponent=0.65,
            click=0.10,
            loudness_db=0.5,
            max_fill=0.9,
            colours=(_WHITE, _BROWN, _ORANGE, _BLUE, _GREY),
            gloss=0.45,
        ),
    )
}

SURFACES: dict[str, Surface] = {
    s.name: s
    for s in (
        Surface(
            name="wood",
            youngs_modulus_pa=9.0e9,
            restitution=0.75,
            friction=0.45,
            rolling_resistance=0.008,
            modes_hz=(90.0, 900.0),
            mode_count=8,
            decay_per_s=55.0,
            decay_exponent=0.5,
            share=0.35,
            loudness_db=1.0,
            roughness=1.0,
            texture="planks",
            colours=(_BROWN, _PALE_WOOD),
        ),
        Surface(
            name="concrete",
            youngs_modulus_pa=3.0e10,
            restitution=0.80,
            friction=0.60,
            rolling_resistance=0.012,
            modes_hz=(150.0, 1800.0),
            mode_count=6,
            decay_per_s=160.0,
            decay_exponent=0.3,
            share=0.15,
            loudness_db=-0.5,
            roughness=1.4,
            texture="speckle",
            colours=(_GREY, (0.28, 0.27, 0.25), (0.45, 0.44, 0.42)),
        ),
        Surface(
            name="metal",
            youngs_modulus_pa=2.0e11,
            restitution=0.78,
            friction=0.30,
            rolling_resistance=0.006,
            modes_hz=(220.0, 5200.0),
            mode_count=14,
            decay_per_s=7.0,
            decay_exponent=0.5,
            share=0.35,
            loudness_db=2.0,
            roughness=0.8,
            texture="brushed",
            colours=((0.33, 0.35, 0.38), (0.22, 0.24, 0.27), (0.45, 0.46, 0.47)),
        ),
        Surface(
            name="carpet",
            youngs_modulus_pa=1.0e6,
            restitution=0.42,
            friction=0.70,
            rolling_resistance=0.035,
            modes_hz=(55.0, 260.0),
            mode_count=4,
            decay_per_s=120.0,
            decay_exponent=0.3,
            share=0.45,
            loudness_db=-4.0,
            roughness=0.45,
            texture="weave",
            colours=(_RED, _BLUE, _BROWN, _GREY, _GREEN),
        ),
    )
}


def restitution(a: Material | Surface, b: Material | Surface) -> float:
    """Coefficient of restitution of a pair at high speed, 0..1 (geometric mean)."""
    return math.sqrt(a.restitution * b.restitution)


def friction(a: Material | Surface, b: Material | Surface) -> float:
    """Coulomb friction coefficient of a pair (geometric mean)."""
    return math.sqrt(a.friction * b.friction)
