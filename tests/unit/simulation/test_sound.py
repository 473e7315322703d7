from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.stats import spearmanr

from pavas_sdk.simulation.collisions import AUDIBLE_J
from pavas_sdk.simulation.materials import MATERIALS
from pavas_sdk.simulation.sampling import sample_world
from pavas_sdk.simulation.scene import Scene, SceneConfig
from pavas_sdk.simulation.sound import ENERGY_EXPONENT, contact_time, render_sound

if TYPE_CHECKING:
    from pavas_sdk.simulation.motion import Motion

QUIET = SceneConfig()
RATE = QUIET.sample_rate_hz


def one_contact(seed: int, action: str = "drop") -> tuple[Scene, Motion]:
    """A world of which only the first contact sounds."""
    scene, motion = sample_world(seed, replace(QUIET, action=action))
    still = np.zeros_like(motion.floor_speed_m_s)
    return scene, replace(motion, collisions=motion.collisions[:1], floor_speed_m_s=still)


def with_contact(motion: Motion, **changes: float) -> Motion:
    return replace(motion, collisions=(replace(motion.collisions[0], **changes),))


def rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def centroid_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    return float(np.sum(np.fft.rfftfreq(samples.size, 1 / RATE) * spectrum) / spectrum.sum())


@pytest.mark.parametrize("seed", range(6))
def test_sound_begins_with_the_contact(seed):
    scene, motion = one_contact(seed)
    samples = render_sound(scene, motion)
    first = np.flatnonzero(samples)[0] / RATE
    assert first == pytest.approx(motion.collisions[0].time_s, abs=2 / RATE)
    peak = np.argmax(np.abs(samples)) / RATE
    assert peak - motion.collisions[0].time_s < 0.06


@pytest.mark.parametrize("factor", [1e-3, 0.1, 10.0])
def test_level_follows_the_energy_by_the_law(factor):
    scene, motion = one_contact(4)
    base = with_contact(motion, energy_change_j=0.05)
    louder = with_contact(motion, energy_change_j=0.05 * factor)
    ratio = rms(render_sound(scene, louder)) / rms(render_sound(scene, base))
    assert ratio == pytest.approx(factor**ENERGY_EXPONENT, rel=1e-3)


@pytest.mark.parametrize("action", ["drop", "collide", "strike"])
def test_heavier_sounds_duller_at_equal_energy(action):
    duller = 0
    for seed in range(5):
        scene, motion = one_contact(seed, action)
        item = scene.objects[motion.collisions[0].body]
        index = motion.collisions[0].body
        heavy = tuple(replace(o, mass_kg=o.mass_kg * 60) if o is item else o for o in scene.objects)
        assert index < len(heavy)
        light_hz = centroid_hz(render_sound(scene, motion))
        heavy_hz = centroid_hz(render_sound(replace(scene, objects=heavy), motion))
        duller += heavy_hz < light_hz
    assert duller >= 4


def test_contact_time_after_hertz():
    # 2.87 (m^2 / (R E*^2 v))^(1/5) with E* = E / (2 (1 - 0.3^2)) for like materials
    stiffness = 2e11 / (2 * 0.91)
    expected = 2.87 * (0.1**2 / (0.01 * stiffness**2 * 1.0)) ** 0.2
    assert contact_time(0.1, 0.01, 2e11, 2e11, 1.0) == pytest.approx(expected)
    assert contact_time(1.0, 0.01, 2e11, 2e11, 1.0) > expected
    assert contact_time(0.1, 0.01, 6e6, 2e11, 1.0) > 10 * expected
    assert contact_time(0.1, 0.01, 2e11, 2e11, 4.0) < expected


def test_nothing_clips_and_levels_spread(worlds):
    peaks = []
    for scene, motion in worlds:
        samples = render_sound(scene, motion)
        assert samples.dtype == np.float32
        assert np.abs(samples).max() < 1.0
        if motion.collisions:
            peaks.append(20 * np.log10(np.abs(samples).max()))
    low, median, high = np.quantile(peaks, [0.1, 0.5, 0.9])
    assert -32 < median < -12
    assert high < -3
    assert high - low > 15


def test_level_tells_the_energy_in_every_class(worlds):
    rows: dict[str, list[tuple[float, float]]] = {}
    for scene, motion in worlds:
        samples = render_sound(scene, motion)
        times = np.array([c.time_s for c in motion.collisions])
        for contact in motion.collisions:
            others = times[times != contact.time_s]
            lonely = not others.size or np.abs(others - contact.time_s).min() > 0.2
            if not lonely or contact.time_s > scene.config.duration_s - 0.06:
                continue
            start = int(contact.time_s * RATE)
            level = rms(samples[start : start + RATE // 25])
            rows.setdefault(scene.action, []).append((contact.energy_change_j, level))
    everything = [row for each in rows.values() for row in each]
    assert spearmanr(*zip(*everything, strict=True)).statistic > 0.9
    for action, each in rows.items():
        if len(each) >= 10:
            assert spearmanr(*zip(*each, strict=True)).statistic > 0.75, action


def test_soft_things_roll_more_quietly_than_hard_ones():
    scene, motion = sample_world(8, replace(QUIET, action="roll"))
    item = scene.objects[0]
    steps = motion.floor_speed_m_s.shape[0]
    rolling = replace(motion, collisions=(), floor_speed_m_s=np.full((steps, 1), 1.0))
    level = {
        name: rms(render_sound(replace(scene, objects=(replace(item, material=name),)), rolling))
        for name in ("rubber", "glass", "metal")
    }
    assert level["rubber"] < 0.4 * level["glass"]
    assert level["metal"] == pytest.approx(level["glass"], rel=1e-6)


def test_rolling_makes_noise_that_follows_the_speed():
    scene, motion = sample_world(8, replace(QUIET, action="roll"))
    alone = replace(motion, collisions=())
    steps = motion.floor_speed_m_s.shape[0]
    scene = replace(scene, objects=scene.objects[:1])
    levels = []
    for speed in (0.3, 1.2):
        rolling = replace(alone, floor_speed_m_s=np.full((steps, 1), speed))
        levels.append(rms(render_sound(scene, rolling)))
    assert 0 < levels[0] < levels[1]


def test_other_rates_have_the_same_level():
    levels = []
    for rate in (16000, 44100):
        scene, motion = sample_world(6, replace(QUIET, action="strike", sample_rate_hz=rate))
        samples = render_sound(scene, motion)
        assert samples.size == 4 * rate
        levels.append(20 * np.log10(rms(samples)))
    assert levels[0] == pytest.approx(levels[1], abs=2.0)


def test_silence_is_silence_and_a_noise_floor_is_optional_and_inaudible():
    silent, motion = sample_world(6, replace(QUIET, action="still"))
    assert not render_sound(silent, motion).any()
    noisy, motion = sample_world(6, SceneConfig(action="still", background_noise=True))
    level = 20 * np.log10(rms(render_sound(noisy, motion)))
    assert level == pytest.approx(noisy.noise_floor_db, abs=1.0)
    assert level < -90


@pytest.mark.parametrize("action", ["roll", "glide"])
def test_rolling_and_sliding_stay_below_65_dbfs(action):
    for seed in range(6):
        scene, motion = sample_world(seed, replace(QUIET, action=action))
        samples = render_sound(scene, replace(motion, collisions=())).reshape(-1, RATE // 100)
        loudest = np.sqrt((samples.astype(float) ** 2).mean(axis=1)).max()
        assert 20 * np.log10(max(loudest, 1e-12)) < -65


def test_only_the_contacts_that_are_given_are_heard():
    scene, motion = one_contact(4)
    assert not render_sound(scene, motion, contacts=()).any()
    later = replace(motion.collisions[0], time_s=2.5, energy_change_j=0.1)
    samples = render_sound(scene, motion, contacts=(later,))
    assert np.flatnonzero(samples)[0] / RATE == pytest.approx(2.5, abs=2 / RATE)
    faint = replace(later, energy_change_j=0.9 * AUDIBLE_J)
    assert not render_sound(scene, motion, contacts=(faint,)).any()


def test_materials_differ_as_they_do_in_life():
    """Metal rings above 1 kHz for long, glass is bright, wood is short, rubber and plastic dull."""
    centroid: dict[str, list[float]] = {}
    ring_s: dict[str, list[float]] = {}
    for seed in range(12):
        scene, motion = one_contact(seed)
        body = motion.collisions[0].body
        for name in MATERIALS:
            changed = tuple(
                replace(o, material=name) if k == body else o for k, o in enumerate(scene.objects)
            )
            scene = replace(scene, objects=changed, room=replace(scene.room, floor="concrete"))
            contact = replace(
                motion.collisions[0], energy_change_j=0.05, time_s=0.5, surface="concrete"
            )
            samples = render_sound(scene, motion, contacts=(contact,))[RATE // 2 :]
            centroid.setdefault(name, []).append(centroid_hz(samples))
            ring_s.setdefault(name, []).append(seconds_to_fall(samples, 20.0))
    hz = {name: float(np.median(values)) for name, values in centroid.items()}
    seconds = {name: float(np.median(values)) for name, values in ring_s.items()}
    assert hz["metal"] > 1000
    assert hz["glass"] > 1500
    assert hz["rubber"] < 600 < 1000 < min(hz["metal"], hz["glass"], hz["ceramic"])
    assert hz["plastic"] < hz["wood"] + 400 < hz["metal"]
    assert seconds["metal"] > 2 * seconds["glass"] > 3 * seconds["wood"]
    assert max(seconds["rubber"], seconds["plastic"]) < 0.08


def seconds_to_fall(samples: np.ndarray, by_db: float) -> float:
    """When all but this share of the energy has been heard."""
    left = np.cumsum(samples[::-1].astype(float) ** 2)[::-1]
    return float(np.argmax(left < left[0] * 10 ** (-by_db / 10)) / RATE)
