"""The estimator with tiny real components: results, failures, saving."""

from __future__ import annotations

import dataclasses
import json
import time

import numpy as np
import pytest

from pavas_sdk.data import Impact, MaskTrack
from pavas_sdk.errors import (
    ComponentFailedError,
    ComponentNotFoundError,
    ConfigurationError,
    ContractError,
    FormatError,
    MediaError,
    PhysicsInputError,
)
from pavas_sdk.physics import PhysicsCache, PhysicsEstimator, load_overrides, saved_slots
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)


def tiny(**changed):
    slots = {
        "moving_object_detector": BrightDetector(),
        "segmenter": BrightSegmenter(),
        "reconstructor": WallReconstructor(),
        "mass_estimator": DensityMassEstimator(),
    }
    return PhysicsEstimator(**{**slots, **changed})


class RaisingSegmenter(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        raise ValueError("out of paint")


class SlowMass(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        time.sleep(1.5)
        return {}


class InventingSegmenter(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        found = super().segment(video, objects, rng=rng)
        track = next(iter(found.values()))
        return {
            99: MaskTrack(
                object_id=99, masks=track.masks, times_s=track.times_s, scores=track.scores
            )
        }


class BlindSegmenter(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        return {}


class SeeingReconstructor(WallReconstructor):
    """Sees object 0 hit something, and sees that object 1 does not."""

    def reconstruct(self, video, *, objects=(), masks=None, rng):
        nan = float("nan")
        hit = Impact(
            object_id=0,
            time_s=0.5 * video.duration_s,
            speed_before_m_s=3.0,
            speed_after_m_s=1.0,
            velocity_change_m_s=4.0,
            energy_before_j=nan,
            energy_after_j=nan,
        )
        points = super().reconstruct(video, objects=objects, masks=masks, rng=rng)
        return dataclasses.replace(points, impacts=(hit,))


class UnreadableDetector(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        raise MediaError("the disk is gone")


@pytest.mark.parametrize("time_scale", [1.0, 4.0])
def test_speeds_and_masses(time_scale):
    clip = moving_discs(2, time_scale=time_scale)
    result = tiny(mass_estimator=lambda thing: 0.5 + thing.object_id).estimate(clip.source)
    physics = result.physics
    assert len(physics) == 2
    assert physics.time_scale == time_scale
    assert physics.duration_s == pytest.approx(0.8)
    found = sorted(float(np.nanmedian(entry.speed_m_s)) for entry in physics)
    assert found == pytest.approx([entry.speed_m_s[0] for entry in clip.physics], rel=0.1)
    assert [entry.mass_kg for entry in physics] == [0.5, 1.5]
    assert set(physics.provenance) == {
        "moving_object_detector",
        "segmenter",
        "reconstructor",
        "velocity_estimator",
        "mass_estimator",
    }
    assert physics.provenance["velocity_estimator"].qualified_name == "pavas-sdk/centroid"
    assert set(result.masks) == {0, 1}
    assert result.reconstruction is not None
    assert physics[0].speed_std_m_s is not None


def test_impacts_that_were_seen_are_those_of_the_estimate(tmp_path):
    """They are kept in the cache and in the document, and follow a mass by hand."""
    clip = moving_discs(2)
    estimator = tiny(reconstructor=SeeingReconstructor())
    physics = estimator.estimate(clip.source).physics
    (hit,) = physics.impacts()
    assert (hit.object_id, hit.speed_before_m_s, hit.source) == (0, 3.0, "estimated")
    mass_kg = physics[0].mass_kg
    assert hit.energy_change_j == pytest.approx(0.5 * mass_kg * (3.0**2 - 1.0**2))
    assert type(physics).loads(physics.dumps()).impacts() == [hit]
    (heavier,) = physics.with_mass(0, 2.0 * mass_kg).impacts()
    assert heavier.energy_change_j == pytest.approx(2.0 * hit.energy_change_j)
    cache = PhysicsCache(tmp_path)
    cache.put("0" * 64, estimator.estimate(clip.source))
    kept = cache.get("0" * 64)
    assert kept is not None
    assert kept.physics.impacts() == [hit]


def test_impacts_that_nobody_saw_are_found_in_the_speeds():
    clip = moving_discs(2)
    physics = tiny().estimate(clip.source).physics
    assert physics.known_impacts is None


def test_nothing_moves_is_an_answer():
    result = tiny().estimate(moving_discs(0).source)
    assert len(result.physics) == 0
    assert result.masks == {}
    assert str(result.physics) == "no moving object"


def test_same_seed_same_answer():
    clip = moving_discs(2)
    a = tiny().estimate(clip.source, rng=np.random.default_rng(3)).physics
    b = tiny().estimate(clip.source, rng=np.random.default_rng(3)).physics
    assert a.dumps() == b.dumps()


def test_masses_by_hand_win():
    clip = moving_discs(2)
    physics = tiny().estimate(clip.source, masses={0: 7.0}).physics
    assert physics[0].mass_kg == 7.0
    assert physics[0].sources["mass"] == "user"
    by_hand = load_overrides({"masses_kg": {"1": 3.0}, "speeds": {"0": {"factor": 2.0}}})
    plain = tiny().estimate(clip.source).physics
    physics = tiny().estimate(clip.source, overrides=by_hand, masses={"0": 7.0}).physics
    assert [entry.mass_kg for entry in physics] == [7.0, 3.0]
    np.testing.assert_allclose(physics[0].speed_m_s, 2 * plain[0].speed_m_s)
    with pytest.raises(PhysicsInputError):
        tiny().estimate(clip.source, masses={"5": 1.0})
    with pytest.raises(PhysicsInputError):
        tiny().estimate(clip.source, masses={0: -1.0})


def test_a_failing_slot_is_named_and_the_rest_kept():
    clip = moving_discs(2)
    said = r"segmenter RaisingSegmenter.*out of paint.*0 \("
    with pytest.raises(ComponentFailedError, match=said) as caught:
        tiny(segmenter=RaisingSegmenter()).estimate(clip.source)
    assert isinstance(caught.value.__cause__, ComponentFailedError)
    assert isinstance(caught.value.__cause__.__cause__, ValueError)
    partial = caught.value.partial
    assert len(partial.physics) == 2
    assert any("out of paint" in note for note in partial.physics.notes)


def test_partial_results_on_request():
    clip = moving_discs(2)
    result = tiny(segmenter=RaisingSegmenter(), on_error="partial").estimate(clip.source)
    assert len(result.physics) == 2
    assert all(entry.speed_m_s.size == 0 for entry in result.physics)
    assert any("out of paint" in note for note in result.physics.notes)
    # the mass of what was found does not depend on the failed slot
    kept = tiny(
        segmenter=RaisingSegmenter(), mass_estimator=lambda thing: 2.0, on_error="partial"
    ).estimate(clip.source)
    assert [entry.mass_kg for entry in kept.physics] == [2.0, 2.0]


def test_a_hanging_slot_ends():
    clip = moving_discs(1)
    started = time.monotonic()
    with pytest.raises(ComponentFailedError, match=r"mass_estimator SlowMass.*0\.2 s"):
        tiny(mass_estimator=SlowMass(), timeout_s=0.2).estimate(clip.source)
    assert time.monotonic() - started < 1.4
    result = tiny(mass_estimator=SlowMass(), timeout_s=0.2, on_error="partial").estimate(
        clip.source
    )
    assert result.physics[0].mass_kg is None
    assert np.isfinite(result.physics[0].speed_m_s).any()


def test_an_invented_id_breaks_the_contract():
    clip = moving_discs(1)
    with pytest.raises(ContractError, match="99"):
        tiny(segmenter=InventingSegmenter()).estimate(clip.source)
    result = tiny(segmenter=InventingSegmenter(), on_error="partial").estimate(clip.source)
    assert any("99" in note for note in result.physics.notes)


def test_an_object_that_is_not_localised_is_noted():
    result = tiny(segmenter=BlindSegmenter(), mass_estimator=lambda thing: 1.0).estimate(
        moving_discs(1).source
    )
    assert result.physics[0].mass_kg == 1.0


def test_an_unreadable_video_is_no_component_failure():
    with pytest.raises(MediaError, match="disk"):
        tiny(moving_object_detector=UnreadableDetector()).estimate(moving_discs(1).source)


def test_without_time_limit():
    physics = tiny(timeout_s=None).estimate(moving_discs(1).source).physics
    assert len(physics) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"on_error": "ignore"},
        {"timeout_s": 0.0},
        {"window_s": 1.0, "overlap_s": 0.6},
        {"mask_max_side": 2},
        {"speed": 3},
    ],
)
def test_impossible_settings(options):
    with pytest.raises(ConfigurationError):
        tiny(**options)


def test_wrong_things_in_slots():
    with pytest.raises(ConfigurationError, match="segmenter"):
        tiny(segmenter=BrightDetector())
    with pytest.raises(ConfigurationError, match="make an object"):
        tiny(segmenter=BrightSegmenter)
    with pytest.raises(ComponentNotFoundError, match="nothing-like-it"):
        tiny(segmenter="nothing-like-it")


def test_long_videos_in_windows():
    clip = moving_discs(1, frames=120)
    whole = tiny().estimate(clip.source)
    parts = tiny(window_s=1.5, overlap_s=0.3).estimate(clip.source)
    assert parts.reconstruction is None
    assert [entry.object_id for entry in parts.physics] == [0]
    a, b = whole.physics[0], parts.physics[0]
    np.testing.assert_allclose(a.speed_times_s, b.speed_times_s, atol=1e-9)
    np.testing.assert_allclose(a.speed_m_s, b.speed_m_s, atol=1e-6)
    assert parts.masks[0].masks.nbytes < whole.masks[0].masks.nbytes


def test_saved_and_loaded():
    estimator = PhysicsEstimator(
        moving_object_detector="pavas-tiny/motion",
        segmenter="motion",
        reconstructor="planar",
        mass_estimator="size-prior",
        on_error="partial",
    )
    data = json.loads(json.dumps(estimator.to_json()))
    again = PhysicsEstimator.from_json(data)
    assert again.to_json() == data
    assert saved_slots(data)["segmenter"].qualified_name == "pavas-tiny/motion"
    replaced = PhysicsEstimator.from_json(data, segmenter=BrightSegmenter())
    assert isinstance(replaced.slots["segmenter"], BrightSegmenter)


def test_an_object_that_no_plugin_registers_must_be_passed_again():
    data = tiny(mass_estimator=lambda thing: 1.0).to_json()
    with pytest.raises(FormatError, match="moving_object_detector"):
        PhysicsEstimator.from_json(data)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"format": "other"},
        {"format": "pavas.physics_estimator", "format_version": 2, "slots": {}},
        {"format": "pavas.physics_estimator", "format_version": 1, "slots": []},
    ],
)
def test_other_documents(data):
    with pytest.raises(FormatError):
        PhysicsEstimator.from_json(data)
