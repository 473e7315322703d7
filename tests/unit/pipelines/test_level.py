"""How loud: one gain per clip, from the energy of its strongest impact."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.data import Audio, Impact
from pavas_sdk.data.impact_level import levels_db
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.pipelines.level import (
    PEAK_DBFS,
    TYPICAL_ENERGY_J,
    LevelLaw,
    fit_level_law,
    plan_level,
    target_level_dbfs,
)
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

LAW = LevelLaw(intercept_dbfs=-36.5, slope_db=7.2)
RATE_HZ = 16000
# the untrained pipeline is loud
LOUD_LAW = LevelLaw(intercept_dbfs=10.0, slope_db=7.2)
LAW_SETTINGS = {"level_intercept_dbfs": 10.0, "level_slope_db": 7.2}


def impact(time_s, energy_j):
    nan = float("nan")
    return Impact(
        object_id=0,
        time_s=time_s,
        speed_before_m_s=nan,
        speed_after_m_s=nan,
        velocity_change_m_s=nan,
        energy_before_j=nan,
        energy_after_j=nan,
        stated_energy_j=energy_j,
    )


def lawful_sound(impacts, *, crest_db=14.0):
    """A sound whose levels are those of the law: a burst of 40 ms and one sample above it."""
    samples = np.zeros(4 * RATE_HZ)
    for hit in impacts:
        start, length = round(hit.time_s * RATE_HZ), round(0.04 * RATE_HZ)
        level = 10 ** (LAW.level_dbfs(hit.energy_change_j) / 20)
        peak = level * 10 ** (crest_db / 20)
        rest = np.sqrt((level**2 * length - peak**2) / (length - 1))
        burst = rest * np.where(np.arange(length) % 2, 1.0, -1.0)
        burst[0] = peak
        samples[start : start + length] = burst
    return Audio(samples=samples.astype(np.float32), sample_rate_hz=RATE_HZ)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


# -- the map -------------------------------------------------------------------------------------


@given(st.lists(st.floats(1e-4, 1e3), min_size=1, max_size=6, unique=True))
def test_the_loudest_is_in_range_order_is_kept_and_nothing_clips(energies):
    impacts = [impact(0.2 + 0.5 * index, energy) for index, energy in enumerate(energies)]
    sound = lawful_sound(impacts)
    gain = plan_level("audible", LAW, impacts).below_full_scale(sound.peak_dbfs)
    heard = sound.with_gain(gain.gain_db)
    levels = levels_db(heard, [hit.time_s for hit in impacts])
    assert -20 <= levels.max() <= -6
    assert heard.peak_dbfs <= 0
    by_energy = np.argsort(energies)
    far = np.diff(np.log10(np.sort(energies))) > 1e-3  # equal ones are equally loud
    assert (np.diff(levels[by_energy])[far] > 0).all()
    # one gain: differences are those of the law
    assert np.ptp(levels) == pytest.approx(7.2 * np.ptp(np.log10(energies)), abs=0.05)


@given(st.floats(1e-6, 1e5), st.floats(1.01, 1e3))
def test_the_target_rises_with_energy(energy_j, factor):
    soft, loud = target_level_dbfs(energy_j), target_level_dbfs(energy_j * factor)
    assert -20 < soft <= loud < -6
    if energy_j >= 1e-4 and energy_j * factor <= 1e3:
        assert soft < loud


def test_ball_and_hammer():
    assert target_level_dbfs(1e-3) == pytest.approx(-18.0)
    assert target_level_dbfs(100.0) == pytest.approx(-15.0)
    ball, hammer = (plan_level("audible", LAW, [impact(1.0, e)]) for e in (1e-3, 100.0))
    assert ball.gain_db == pytest.approx(-18.0 - (-36.5 - 21.6))
    assert hammer.gain_db == pytest.approx(-15.0 - (-36.5 + 14.4))


def test_beyond_the_range_the_gain_stays():
    weak, weaker, strong, stronger = (
        plan_level("audible", LAW, [impact(1.0, energy)]).gain_db
        for energy in (1e-4, 1e-9, 1e3, 1e9)
    )
    assert weak == weaker > strong == stronger


@pytest.mark.parametrize("impacts", [[], [impact(1.0, 0.0)]])
def test_without_an_energy_the_gain_is_a_fixed_one(impacts):
    gain = plan_level("audible", LAW, impacts)
    assert gain.gain_db == plan_level("audible", LAW, [impact(1.0, TYPICAL_ENERGY_J)]).gain_db
    assert gain.strongest_impact_j is None
    assert "no energy of an impact is known" in gain.reason


def test_where_nothing_hits_silence_is_not_made_louder():
    assert plan_level("audible", LAW, [], told=True).gain_db == 0.0
    unknown = plan_level("audible", LAW, [impact(1.0, 0.0)], told=True)
    assert unknown.gain_db == plan_level("audible", LAW, []).gain_db != 0.0


def test_impacts_of_unknown_energy_do_not_count():
    unknown = Impact.from_json(
        {"object_id": 0, "time_s": 1.0, "speed_before_m_s": 2.0, "speed_after_m_s": 1.0}
    )
    assert np.isnan(unknown.energy_change_j)
    both = plan_level("audible", LAW, [unknown, impact(2.0, 0.5)])
    assert both == plan_level("audible", LAW, [impact(2.0, 0.5)])


def test_where_it_would_clip_the_gain_is_lowered_and_says_so():
    impacts = [impact(1.0, 100.0)]
    sharp = lawful_sound(impacts, crest_db=20.0)
    planned = plan_level("audible", LAW, impacts)
    gain = planned.below_full_scale(sharp.peak_dbfs)
    assert sharp.with_gain(gain.gain_db).peak_dbfs == pytest.approx(PEAK_DBFS, abs=1e-4)
    assert gain.lowered_db == pytest.approx(planned.gain_db - gain.gain_db)
    assert gain.lowered_db > 5
    assert json.loads(json.dumps(gain.to_json()))["lowered_db"] == round(gain.lowered_db, 2)
    physical = plan_level("physical", LAW, impacts)
    assert physical.below_full_scale(6.0) == physical


def test_silence_stays_silence():
    gain = plan_level("audible", LAW, [impact(1.0, 1.0)]).below_full_scale(float("-inf"))
    silence = Audio(samples=np.zeros(100, dtype=np.float32), sample_rate_hz=RATE_HZ)
    assert not silence.with_gain(gain.gain_db).samples.any()


# -- the law -------------------------------------------------------------------------------------


def test_the_law_is_found_in_scattered_levels_and_missed_impacts():
    rng = np.random.default_rng(0)
    energy = 10 ** rng.uniform(-3, 2, 200)
    level = -36.5 + 7.2 * np.log10(energy) + rng.normal(0, 3, 200)
    law = fit_level_law(energy, level)
    assert law.intercept_dbfs == pytest.approx(-36.5, abs=0.8)
    assert law.slope_db == pytest.approx(7.2, abs=0.5)
    level[::12] = -95.0  # not heard at all
    energy[5], level[7] = np.nan, np.nan
    with_missed = fit_level_law(energy, level)
    assert with_missed.intercept_dbfs == pytest.approx(law.intercept_dbfs, abs=0.7)
    assert with_missed.slope_db == pytest.approx(law.slope_db, abs=0.3)


@pytest.mark.parametrize(
    ("energy", "level", "match"),
    [
        ([1.0] * 9, [-30.0] * 9, "factor of 10"),
        ([0.1, 1.0], [-40.0, -30.0], "8 impacts"),
        ([], [], "got 0"),
        (np.logspace(-2, 1, 9), np.linspace(-20, -50, 9), "above 0"),
    ],
)
def test_a_law_without_grounds_is_refused(energy, level, match):
    with pytest.raises(ConfigurationError, match=match):
        fit_level_law(energy, level)


# -- the pipeline --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    return tiny_pipeline(output_gain_db=-2.0, **LAW_SETTINGS)


@pytest.fixture
def hit(physics):
    return physics.with_impact(0, 0.5, energy_change_j=0.02)


@pytest.fixture
def made(measured, clip, hit):
    def make(**options):
        return measured(
            clip.video, **{"physics": hit, "masks": clip.masks, "generator": seeded(), **options}
        )

    return make


def test_audible_is_the_default_of_a_measured_model_and_recorded(made, tmp_path):
    out, physical = made(), made(level="physical")
    kept = out.provenance
    assert kept["level"] == "audible"
    assert kept["level_gain"]["strongest_impact_j"] == 0.02
    assert kept["gain_db"] == pytest.approx(out.audio.gain_db)
    assert kept["level_gain"]["gain_db"] == pytest.approx(out.audio.gain_db + 2.0, abs=0.01)
    assert (physical.audio.gain_db, physical.provenance["gain_db"]) == (-2.0, -2.0)
    assert physical.provenance["level_gain"]["gain_db"] == 0.0
    np.testing.assert_allclose(
        out.audio.samples, physical.audio.with_gain(out.audio.gain_db + 2.0).samples, rtol=1e-5
    )
    _, sidecar = out.save(tmp_path / "out.wav")
    assert json.loads(sidecar.read_text())["level_gain"]["reason"] == kept["level_gain"]["reason"]


def test_the_physical_level_is_untouched(made, clip, hit, same):
    never_measured = tiny_pipeline(output_gain_db=-2.0)
    plain = never_measured(clip.video, physics=hit, masks=clip.masks, generator=seeded())
    assert plain.provenance["level"] == "physical"
    assert same(made(level="physical"), plain)


def test_other_types_of_output(made):
    assert np.array_equal(made(output_type="pt").audio.numpy(), made().audio.samples)
    mel = made(output_type="mel").audio
    assert torch.equal(mel, made(output_type="mel", level="physical").audio)


def test_the_gain_follows_the_physics_and_not_the_noise(made, physics):
    assert made().audio.gain_db == made(generator=seeded(7)).audio.gain_db
    stronger = physics.with_impact(0, 0.5, energy_change_j=20.0)
    assert made(physics=stronger).audio.gain_db < made().audio.gain_db


def test_only_what_gets_a_sound_counts(measured, clip, physics):
    late = physics.with_impact(0, 0.2, energy_change_j=0.1).with_impact(0, 0.9, energy_change_j=50)
    assert measured.plan_level(late).strongest_impact_j == 50
    assert measured.plan_level(late, duration_s=0.5).strongest_impact_j == 0.1


def test_an_edit_moves_one_object_against_the_others(two_discs):
    """Mass x8 on one object: its impacts gain on the other's by what the law says."""
    bare = two_discs.physics
    hits = bare.with_impact(0, 0.3, energy_change_j=1.0).with_impact(1, 0.7, energy_change_j=1.0)
    heavier = hits.with_mass(0, 8 * hits[0].mass_kg)
    levels = []
    for physics in (hits, heavier):
        impacts = [one for one in physics.impacts() if one.stated_energy_j is not None]
        gain = plan_level("audible", LAW, physics.impacts())
        sound = lawful_sound(impacts).with_gain(gain.gain_db)
        levels.append(levels_db(sound, [one.time_s for one in impacts]))
    before, after = levels
    assert before[0] == pytest.approx(before[1], abs=0.01)
    assert after[0] - after[1] == pytest.approx(7.2 * np.log10(8), abs=0.05)
    assert after[0] > before[0]


def test_a_batch_is_its_singles_and_a_long_video_has_one_gain(same):
    pipe = tiny_pipeline(window_s=1.0, overlap_s=0.25, **LAW_SETTINGS)
    clips = [moving_discs(1, frames=frames) for frames in (20, 80)]
    edited = [
        clip.physics.with_impact(0, 0.4, energy_change_j=energy)
        for clip, energy in zip(clips, (1e-3, 30.0), strict=True)
    ]
    batch = pipe(
        [clip.video for clip in clips],
        physics=edited,
        masks=[clip.masks for clip in clips],
        generator=[seeded(0), seeded(1)],
    )
    for index, one in enumerate(batch):
        alone = pipe(
            clips[index].video,
            physics=edited[index],
            masks=clips[index].masks,
            generator=seeded(index),
        )
        assert same(one, alone)
        assert one.audio.gain_db == alone.audio.gain_db
    assert batch[0].audio.gain_db > batch[1].audio.gain_db


def test_what_a_model_cannot_do_is_refused(pipe, clip, measured):
    with pytest.raises(InputError, match='use level="physical"'):
        pipe.check_inputs(clip.video, level="audible")
    with pytest.raises(InputError, match="level must be one of audible, physical, got 'loud'"):
        measured.check_inputs(clip.video, level="loud")
    with pytest.raises(ConfigurationError, match="levels of this model were never measured"):
        pipe.plan_level(clip.physics, level="audible")
    with pytest.raises(ConfigurationError, match="belong together"):
        tiny_pipeline(level_intercept_dbfs=-30.0)
    with pytest.raises(ConfigurationError, match="above 0"):
        tiny_pipeline(level_intercept_dbfs=-30.0, level_slope_db=-1.0)


def test_the_law_is_saved_and_loaded(measured, made, tmp_path):
    measured.save_pretrained(tmp_path)
    assert type(measured).from_pretrained(tmp_path).level_law == measured.level_law == LOUD_LAW
