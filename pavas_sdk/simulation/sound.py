"""The sound of a motion: modal synthesis whose level follows the energy of each impact.

Each contact excites modes of the body and of the surface it strikes. The level is physics: the
amplitude (RMS over the first 40 ms) of an impact is ``GAIN * loudness * dE ** 0.36`` with dE the
kinetic-energy change of the contact in joules and one fixed gain for every clip ever made; nothing
is normalised per clip. The contact time after Hertz low-passes the excitation, so hard, light and
fast is bright; size, shape, material and hollowness set frequencies and decays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.simulation.collisions import AUDIBLE_J, FLOOR, TARGET
from pavas_sdk.simulation.kernels import kernel
from pavas_sdk.simulation.materials import MATERIALS, SURFACES, Material, Surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pavas_sdk.simulation.collisions import Collision
    from pavas_sdk.simulation.dynamics import Array
    from pavas_sdk.simulation.motion import Motion
    from pavas_sdk.simulation.scene import Scene, SceneObject

__all__ = ["ENERGY_EXPONENT", "GAIN", "contact_time", "render_sound"]

ENERGY_EXPONENT = 0.36
GAIN = 0.013  # RMS amplitude over 40 ms, full scale = 1, of an average impact of 1 J
_LEVEL_WINDOW_S = 0.04
_HARD_PA = 1e9  # stiffer than this, bodies roll alike
_ROLL_LIMIT = 4e-4  # at most this much of the noise of rolling and sliding: about -70 dBFS
_KNEE = 0.7  # above this the converter bends softly towards full scale; reached by rare clips only
_SPHERE = (1.0, 1.42, 1.93, 2.51, 3.08, 3.74, 4.41, 5.22, 6.1)
_BOX = (1.0, 1.58, 2.24, 2.92, 3.46, 4.24, 5.1, 6.3)
_ROD = (1.0, 2.756, 5.404, 8.933, 13.34)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Modes:
    """Frequencies, decay rates and amplitudes of a resonator, (n,) each."""

    hz: NDArray[np.float64]
    decay_per_s: NDArray[np.float64]
    gain: NDArray[np.float64]


def contact_time(
    mass_kg: float, radius_m: float, modulus_a_pa: float, modulus_b_pa: float, speed_m_s: float
) -> float:
    """Duration of an elastic impact after Hertz, seconds.

    Args:
        mass_kg: Effective mass (of the pair).
        radius_m: Effective radius of curvature.
        modulus_a_pa: Young's modulus of one side; Poisson's ratio is taken as 0.3.
        modulus_b_pa: Of the other.
        speed_m_s: Approach speed.
    """
    stiffness = 1.0 / (0.91 / modulus_a_pa + 0.91 / modulus_b_pa)
    speed = max(speed_m_s, 0.02)
    return float(2.87 * (mass_kg**2 / (radius_m * stiffness**2 * speed)) ** 0.2)


def _body_modes(
    rng: np.random.Generator,
    material: Material,
    shape: str,
    dims: tuple[float, float, float],
    fill: float,
) -> _Modes:
    ratios = np.asarray({"sphere": _SPHERE, "box": _BOX, "rod": _ROD}[shape])
    length = 2 * max(dims)
    thin = 0.3 + 0.7 * fill
    if shape == "rod":
        thin *= min(1.0, 3.0 * dims[1] / dims[0])
    if shape == "box":
        thin *= (min(dims) / max(dims)) ** 0.5
    base = 0.11 * material.wave_speed_m_s / length * thin
    low, high = material.lowest_hz
    base = float(np.clip(base * math.exp(rng.normal(0, 0.06)), low, high))
    hz = base * ratios * (1 + rng.normal(0, 0.02, len(ratios)))
    decay = material.decay_per_s * (hz / 1000.0) ** material.decay_exponent
    # shells ring longer than solid lumps lying in the hand or on the floor
    decay = np.maximum(decay * (0.75 + 0.5 * fill), 1.5)
    gain = np.exp(rng.normal(0, 0.4, len(ratios))) * ratios**-0.35
    return _Modes(hz=hz, decay_per_s=decay, gain=gain)


def _surface_modes(rng: np.random.Generator, surface: Surface) -> _Modes:
    low, high = surface.modes_hz
    hz = np.exp(np.sort(rng.uniform(math.log(low), math.log(high), surface.mode_count)))
    decay = surface.decay_per_s * (hz / 1000.0) ** surface.decay_exponent
    gain = np.exp(rng.normal(0, 0.35, surface.mode_count))
    return _Modes(hz=hz, decay_per_s=np.maximum(decay, 2.0), gain=gain)


@kernel()
def _ring(
    out: Array, start: int, rate: float, hz: Array, decay: Array, amplitude: Array, phase: Array
) -> None:
    """Adds decaying sinusoids from sample ``start`` on, each until it is 70 dB down."""
    for k in range(hz.shape[0]):
        if amplitude[k] == 0.0:
            continue
        w = 2.0 * math.pi * hz[k] / rate
        r = math.exp(-decay[k] / rate)
        count = min(out.shape[0] - start, int(8.0 / decay[k] * rate) + 1)
        c = 2.0 * r * math.cos(w)
        d = -r * r
        y0 = amplitude[k] * math.sin(phase[k])
        y1 = amplitude[k] * r * math.sin(w + phase[k])
        for i in range(count):
            out[start + i] += y0
            y2 = c * y1 + d * y0
            y0 = y1
            y1 = y2


@kernel()
def _filtered(noise: Array, a: float) -> None:
    """One-pole low pass, in place."""
    y = 0.0
    for i in range(noise.shape[0]):
        y += a * (noise[i] - y)
        noise[i] = y


@kernel()
def _band(out: Array, noise: Array, envelope: Array, a_low: float, a_high: float) -> None:
    """Adds noise between two one-pole corners, times an envelope."""
    low = 0.0
    high = 0.0
    for i in range(out.shape[0]):
        if envelope[i] == 0.0:
            continue
        low += a_low * (noise[i] - low)
        high += a_high * (noise[i] - high)
        out[i] += (high - low) * envelope[i]


def _pole(hz: float, rate: float) -> float:
    return 1.0 - math.exp(-2 * math.pi * min(hz, 0.45 * rate) / rate)


def _power(modes: _Modes, weight: NDArray[np.float64]) -> float:
    """Mean square over the level window of decaying sinusoids with these weights."""
    x = 2 * modes.decay_per_s * _LEVEL_WINDOW_S
    return float(np.sum(0.5 * weight**2 * (1 - np.exp(-x)) / x))


def render_sound(
    scene: Scene, motion: Motion, *, contacts: Sequence[Collision] | None = None
) -> NDArray[np.float32]:
    """Renders the sound of a clip; between contacts it falls to silence.

    Args:
        scene: The world.
        motion: How it moved; what rolls or slides on the floor makes a noise below -65 dBFS.
        contacts: What is heard instead of the contacts of ``motion``. Those of less than
            `AUDIBLE_J` never are.

    Returns:
        float32 (samples,), mono, full scale = 1, always within it.
    """
    config = scene.config
    rate = float(config.sample_rate_hz)
    count = round(config.duration_s * rate)
    out = np.zeros(count)
    rng = np.random.Generator(np.random.PCG64(scene.sound_seed))
    bodies = [
        _body_modes(rng, MATERIALS[o.material], o.shape, o.dims_m, o.fill) for o in scene.objects
    ]
    floor = _surface_modes(rng, SURFACES[scene.room.floor])
    wall = _surface_modes(rng, SURFACES[scene.room.wall])
    target = None
    if scene.target is not None:
        t = scene.target
        target = _body_modes(rng, MATERIALS[t.material], "box", t.half_m, t.fill)
    for contact in motion.collisions if contacts is None else contacts:
        if contact.energy_change_j < AUDIBLE_J:
            continue
        other = bodies[contact.other] if contact.other >= 0 else None
        if contact.other == TARGET:
            other = target
        elif contact.other < 0:
            other = floor if contact.other == FLOOR else wall
        if other is not None:
            _impact(out, rate, rng, scene, contact, bodies[contact.body], other)
    for index, item in enumerate(scene.objects):
        _roll_noise(out, rate, rng, scene, motion, index, item)
    if config.background_noise:
        noise = rng.standard_normal(count)
        _filtered(noise, _pole(900.0, rate))
        noise += 0.12 * rng.standard_normal(count)
        out += noise * (10 ** (scene.noise_floor_db / 20) / max(float(noise.std()), 1e-12))
    return _limit(out).astype(np.float32)


def _limit(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bends what exceeds the knee softly towards full scale; leaves everything else alone."""
    level = np.abs(samples)
    room = 0.98 - _KNEE
    bent = _KNEE + room * np.tanh((level - _KNEE) / room)
    return np.where(level > _KNEE, np.sign(samples) * bent, samples)


def _impact(
    out: NDArray[np.float64],
    rate: float,
    rng: np.random.Generator,
    scene: Scene,
    contact: Collision,
    body: _Modes,
    other: _Modes,
) -> None:
    item = scene.objects[contact.body]
    material = MATERIALS[item.material]
    radius = min(d for d in item.dims_m if d > 0)
    mass = item.mass_kg
    if contact.other >= 0:
        partner = scene.objects[contact.other]
        second: Material | Surface = MATERIALS[partner.material]
        mass = mass * partner.mass_kg / (mass + partner.mass_kg)
        share, loudness, click = 0.5, 0.5 * (material.loudness_db + second.loudness_db), 0.1
    elif contact.other == TARGET:
        second = MATERIALS[contact.surface]
        share, loudness = 0.8, 0.3 * material.loudness_db + 0.7 * second.loudness_db
        click = second.click
    else:
        second = SURFACES[contact.surface]
        share, loudness = second.share, material.loudness_db + second.loudness_db
        click = material.click
    duration = contact_time(
        mass,
        radius,
        material.youngs_modulus_pa,
        second.youngs_modulus_pa,
        contact.normal_speed_before_m_s,
    )
    weights, powers = [], []
    for modes in (body, other):
        spectrum = 1.0 / (1.0 + (1.6 * modes.hz * duration) ** 2)
        weight = modes.gain * spectrum * (modes.hz < 0.46 * rate)
        weight = weight * np.exp(rng.normal(0, 0.25, len(weight)))
        # where nothing is left below the Nyquist rate the other side speaks alone
        weights.append(weight)
        powers.append(_power(modes, weight))
    level = GAIN * 10 ** (loudness / 20) * contact.energy_change_j**ENERGY_EXPONENT
    start_exact = contact.time_s * rate
    start = math.ceil(start_exact)
    if start >= out.shape[0]:
        return
    parts = [(1 - share) * (1 - click), share * (1 - click)]
    total = sum(p for p, power in zip(parts, powers, strict=True) if power > 0)
    for modes, weight, power, part in zip((body, other), weights, powers, parts, strict=True):
        if power <= 0:
            continue
        scale = level * math.sqrt(part / total * (1 - click) / power)
        delay = (start - start_exact) / rate
        phase = 2 * math.pi * modes.hz * delay
        _ring(out, start, rate, modes.hz, modes.decay_per_s, weight * scale, phase)
    # the click: a burst of noise as long and as dull as the contact
    length = int(min(max(6 * duration, 0.004), _LEVEL_WINDOW_S) * rate)
    burst = rng.standard_normal(length) * np.exp(-np.arange(length) / (length / 5.0))
    _filtered(burst, _pole(0.9 / duration, rate))
    energy = float(np.sum(burst**2)) / (_LEVEL_WINDOW_S * rate)
    burst *= level * math.sqrt(click / max(energy, 1e-30))
    stop = min(start + length, out.shape[0])
    out[start:stop] += burst[: stop - start]


def _roll_noise(
    out: NDArray[np.float64],
    rate: float,
    rng: np.random.Generator,
    scene: Scene,
    motion: Motion,
    index: int,
    item: SceneObject,
) -> None:
    speed = motion.floor_speed_m_s[:, index]
    if not (speed > 0.02).any():
        return
    window = max(1, round(0.02 / motion.step_s))
    kernel = np.ones(window) / window
    smooth = np.convolve(speed, kernel, mode="same")
    times = np.arange(out.shape[0]) / rate
    now = np.interp(times, np.arange(len(smooth)) * motion.step_s, smooth)
    surface = SURFACES[scene.room.floor]
    radius = min(d for d in item.dims_m if d > 0)
    # bumps pass at the speed of rolling; once per turn the sound swells
    swell = 1.0 + 0.3 * np.sin(np.cumsum(now / rate) / radius)
    slide = 1.0 if item.shape == "sphere" else 2.5
    # what is soft flattens over the bumps instead of rattling on them
    modulus_pa = MATERIALS[item.material].youngs_modulus_pa
    hardness = min(1.0, modulus_pa / _HARD_PA) ** 0.25
    level = 0.0008 * surface.roughness * slide * hardness * item.mass_kg**0.36
    envelope = np.minimum(level * now**1.2, _ROLL_LIMIT) * swell * (now > 0.01)
    moving = now[now > 0.01]
    if moving.size == 0:
        return
    corner = float(np.clip(30.0 * float(moving.mean()) / radius, 150.0, 3000.0))
    _band(
        out,
        rng.standard_normal(size=(out.shape[0],)),
        envelope,
        _pole(90.0, rate),
        _pole(corner, rate),
    )
