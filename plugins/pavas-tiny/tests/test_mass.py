"""Masses: as stated, by name, by size; always of this world."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pavas_tiny.learned_impacts import ImpactCurve
from pavas_tiny.mass import SEEN_LOG_STD, SizePriorMassEstimator, _metres_per_pixel, log_volume
from pavas_tiny.shape import measure_shape
from pavas_tiny.things import MATERIALS
from scenes import clock, disc, quick, render

from pavas_sdk import Video
from pavas_sdk.data import (
    Impact,
    MaskTrack,
    MovingObject,
    Reconstruction,
    find_everyday_thing,
)
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import MemorySource

SIZE = (48, 64)
TRUST = 1.5**2 / (1.5**2 + 0.6**2 + 0.6**2)  # of a volume whose scale is off by 0.2
BLANK = render([], size=SIZE, frames=3)
SOURCE = MemorySource(Video(frames=BLANK.frames, times_s=BLANK.times_s))


def track(radius=8.0, frames=3):
    mask = disc((32, 24), radius, SIZE) >= 0.5
    return MaskTrack(
        object_id=0,
        masks=np.repeat(mask[None], frames, axis=0),
        times_s=clock(frames),
        scores=np.ones(frames),
    )


def plane(m_per_px, *, frames=3, size=SIZE, log_std=0.2):
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(float)
    points = np.stack([x * m_per_px, y * m_per_px, np.ones_like(x)], axis=-1)
    return Reconstruction(
        points_m=np.repeat(points[None], frames, axis=0).astype(np.float32),
        confidence=np.ones((frames, *size), np.float32),
        camera_to_world=np.tile(np.eye(4), (frames, 1, 1)),
        times_s=clock(frames),
        scale_source="truth",
        scale_log_std=log_std,
    )


def mass_of(label="ball", *, radius=8.0, m_per_px=0.005, scale_log_std=0.2, **settings):
    answers = SizePriorMassEstimator(**settings).estimate_mass(
        SOURCE,
        [MovingObject(object_id=0, label=label, action="moving")],
        masks={0: track(radius)},
        reconstruction=plane(m_per_px, log_std=scale_log_std),
        rng=np.random.default_rng(0),
    )
    return answers[0]


def test_a_stated_mass_wins():
    answer = mass_of("2 kg tennis ball")
    assert answer.mass_kg == pytest.approx(2.0)
    assert answer.source == "stated"


@pytest.mark.parametrize("name", ["tennis ball", "hammer", "brick"])
def test_a_known_thing_has_its_mass_whatever_its_size(name):
    for m_per_px in (0.001, 0.02):
        answer = mass_of(name, m_per_px=m_per_px)
        assert answer.mass_kg == find_everyday_thing(name).mass_kg
        assert answer.log_std == find_everyday_thing(name).log_std
        assert answer.source == "label"


def test_by_size_and_usual_density():
    """A ball of 4 cm: its volume is drawn to that of usual things (1.26 l)."""
    answer = mass_of()
    measured = 4 / 3 * math.pi * 0.04**3
    volume = 1.26e-3 ** (1 - TRUST) * measured**TRUST
    assert answer.mass_kg == pytest.approx(450 * volume, rel=0.05)
    assert answer.source == "size-prior"
    assert answer.log_std == pytest.approx(math.hypot(0.6, 1.4))


@pytest.mark.parametrize(
    ("radius_m", "name"),
    [(0.12, "basketball"), (0.02, "table tennis ball"), (0.034, "tennis ball")],
)
def test_the_uncertainty_covers_hollow_balls(radius_m, name):
    """Two standard deviations reach from the lightest balls to the heavy ones of the same size."""
    answer = mass_of(m_per_px=radius_m / 8.0, scale_log_std=0.1)
    low, high = (answer.mass_kg * math.exp(side * answer.log_std) for side in (-2, 2))
    assert low < find_everyday_thing(name).mass_kg < high
    assert high > 1000 * 4 / 3 * math.pi * radius_m**3


@quick
@given(
    m_per_px=st.floats(1e-4, 0.05),
    radius=st.floats(3, 18),
    label=st.sampled_from(["ball", "object", "stick", *(f"{name} ball" for name in MATERIALS)]),
)
def test_answers_keep_to_their_range(m_per_px, radius, label):
    answer = mass_of(label, m_per_px=m_per_px, radius=radius)
    assert 0.001 <= answer.mass_kg <= 8.0
    assert 0.5 < answer.log_std < 2.0


@quick
@given(m_per_px=st.floats(0.001, 0.008), factor=st.floats(1.05, 1.6))
def test_what_is_larger_is_heavier(m_per_px, factor):
    small, large = mass_of(m_per_px=m_per_px), mass_of(m_per_px=factor * m_per_px)
    assert large.mass_kg / small.mass_kg == pytest.approx(factor ** (3 * TRUST), rel=1e-3)


def test_heavy_stuff_is_heavier():
    masses = {name: mass_of(f"{name} ball").mass_kg for name in ("foam", "wood", "steel")}
    assert masses["foam"] < masses["wood"] < masses["steel"]
    said = MATERIALS["wood"]
    assert masses["wood"] / mass_of().mass_kg == pytest.approx(
        said.density_kg_m3 * math.exp(said.log_fill) / 450, rel=1e-6
    )


def test_hollow_is_lighter_and_solid_heavier():
    plain = mass_of("metal ball").mass_kg
    assert mass_of("hollow metal ball").mass_kg == pytest.approx(plain * math.exp(-0.7))
    assert mass_of("solid metal ball").mass_kg == pytest.approx(plain * math.exp(0.6))


def test_settings_are_used():
    assert mass_of(density_kg_m3=900.0).mass_kg == pytest.approx(2 * mass_of().mass_kg)
    assert mass_of(m_per_px=0.05, max_mass_kg=3.0).mass_kg == 3.0
    assert mass_of(m_per_px=1e-4, min_mass_kg=0.02).mass_kg == 0.02
    assert mass_of(density_log_std=0.1).log_std == pytest.approx(math.hypot(0.6, 0.1))


@pytest.mark.parametrize("name", ["density_kg_m3", "density_log_std", "min_mass_kg", "max_mass_kg"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("nan")])
def test_impossible_settings(name, value):
    with pytest.raises(ConfigurationError, match=name):
        SizePriorMassEstimator(**{name: value})


def test_without_masks_or_points_only_words_answer():
    things = [
        MovingObject(object_id=1, label="ball", action="moving"),
        MovingObject(object_id=2, label="tennis ball", action="moving"),
    ]
    answers = SizePriorMassEstimator().estimate_mass(SOURCE, things, rng=np.random.default_rng(0))
    assert set(answers) == {2}


@quick
@given(m_per_px=st.floats(1e-4, 0.1), ratio=st.sampled_from([0.5, 1, 2]))
def test_metres_per_mask_pixel_at_any_size_of_the_point_map(m_per_px, ratio):
    size = (int(SIZE[0] * ratio), int(SIZE[1] * ratio))
    points = plane(m_per_px / ratio, size=size)
    assert _metres_per_pixel(track(), points) == pytest.approx(m_per_px, rel=1e-3)


def test_the_scale_is_that_at_the_object():
    points = plane(0.01)
    far = points.points_m.copy()
    far[:, :12] *= 7.0  # the wall above is seven times as far
    elsewhere = Reconstruction(
        points_m=far,
        confidence=points.confidence,
        camera_to_world=points.camera_to_world,
        times_s=points.times_s,
        scale_source="truth",
    )
    assert _metres_per_pixel(track(), elsewhere) == pytest.approx(0.01, rel=1e-3)


def test_an_unseen_object_has_no_scale():
    blank = MaskTrack(
        object_id=0,
        masks=np.zeros((3, *SIZE), dtype=bool),
        times_s=clock(3),
        scores=np.full(3, np.nan),
    )
    assert _metres_per_pixel(blank, plane(0.01)) is None


def test_volumes_are_drawn_to_the_usual_one():
    shape = measure_shape(track().masks)
    usual_m_per_px = (1.26e-3 / math.exp(shape.log_volume_px)) ** (1 / 3)
    assert math.exp(log_volume(shape, usual_m_per_px, 0.2)) == pytest.approx(1.26e-3)
    for factor in (0.5, 2.0):
        drawn = log_volume(shape, factor * usual_m_per_px, 0.2) - math.log(1.26e-3)
        assert drawn == pytest.approx(TRUST * 3 * math.log(factor))
        unsure = log_volume(shape, factor * usual_m_per_px, 0.5) - math.log(1.26e-3)
        assert abs(unsure) < 0.65 * abs(drawn)  # a guessed scale says little of the volume


def seen_curve(mass_kg=10.0, score=1.2):
    """An impact at 0.5 s of which the impact detector says how heavy it looks."""
    scores = np.full(100, 0.01, dtype=np.float32)
    scores[50] = score
    return ImpactCurve(
        times_s=(np.arange(100) + 0.5) / 100.0,
        score=scores,
        place=np.full((100, 2), 0.5, dtype=np.float32),
        speed_m_s=np.ones(100, dtype=np.float32),
        mass_kg=np.full(100, mass_kg, dtype=np.float32),
        time_scale=1.0,
    )


def hit_at(time_s, object_id=0):
    return Impact(
        object_id=object_id,
        time_s=time_s,
        speed_before_m_s=2.0,
        speed_after_m_s=1.0,
        velocity_change_m_s=3.0,
        energy_before_j=float("nan"),
        energy_after_j=float("nan"),
    )


def seen_mass(monkeypatch, curve, hits, *, label="ball", log_std=0.2):
    monkeypatch.setattr("pavas_tiny.mass.impact_curve", lambda _source: curve)
    points = replace(plane(0.005, log_std=log_std), impacts=hits)
    return SizePriorMassEstimator().estimate_mass(
        SOURCE,
        [MovingObject(object_id=0, label=label, action="moving")],
        masks={0: track()},
        reconstruction=points,
        rng=np.random.default_rng(0),
    )[0]


def test_what_impacts_look_like_draws_the_mass(monkeypatch):
    own = mass_of()
    drawn = seen_mass(monkeypatch, seen_curve(), (hit_at(0.5),))
    share = own.log_std**2 / (own.log_std**2 + SEEN_LOG_STD**2)
    assert math.log(drawn.mass_kg / own.mass_kg) == pytest.approx(
        share * math.log(10.0 / own.mass_kg), rel=1e-5
    )
    assert drawn.log_std <= own.log_std
    assert "look like 10 kg" in drawn.rationale


def test_without_an_impact_that_is_seen_a_mass_is_left_alone(monkeypatch):
    own = mass_of().mass_kg
    assert seen_mass(monkeypatch, seen_curve(), ()).mass_kg == own
    assert seen_mass(monkeypatch, seen_curve(), (hit_at(0.5, object_id=1),)).mass_kg == own
    assert seen_mass(monkeypatch, seen_curve(), (hit_at(0.2),)).mass_kg == own
    assert seen_mass(monkeypatch, seen_curve(score=0.1), (hit_at(0.5),)).mass_kg == own


def test_a_mass_that_is_known_or_a_given_scale_is_left_alone(monkeypatch):
    known = seen_mass(monkeypatch, seen_curve(), (hit_at(0.5),), label="hammer")
    assert known.mass_kg == find_everyday_thing("hammer").mass_kg
    given_scale = seen_mass(monkeypatch, seen_curve(), (hit_at(0.5),), log_std=0.0)
    assert given_scale.mass_kg == mass_of(scale_log_std=0.0).mass_kg
