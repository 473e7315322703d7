"""Physics estimators against simulated truth and against lists of masses."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pavas_sdk.data import MassEstimate
from pavas_sdk.errors import (
    ComponentFailedError,
    ConfigurationError,
    FormatError,
    MediaNotFoundError,
)
from pavas_sdk.evaluation import evaluate_estimators, evaluate_masses
from pavas_sdk.evaluation.estimators.mass_list import read_masses
from pavas_sdk.evaluation.estimators.simulated import estimator_scores
from pavas_sdk.evaluation.estimators.simulated_clip import measure_simulated
from pavas_sdk.interfaces import MassEstimator
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.simulation import simulate


@pytest.fixture(scope="module")
def clips():
    return [simulate(seed).clip for seed in (10_000_000, 10_000_001, 10_000_003)]


def scores(clips, change=lambda physics: physics, masks=lambda tracks: tracks):
    rows = [measure_simulated(c, change(c.physics), masks(c.masks)) for c in clips]
    return estimator_scores(rows)


def test_the_truth_is_perfect(clips):
    perfect = scores(clips)
    assert perfect["objects"] == {"found": 1.0, "false_per_clip": 0.0}
    for quantity in ("mass", "speed"):
        assert perfect[quantity]["error_decades"] == pytest.approx(0.0, abs=1e-9)
        assert perfect[quantity]["within_factor_two"] == 1.0
    assert perfect["impacts"]["precision"] == perfect["impacts"]["recall"] == 1.0
    assert perfect["energy"]["error_decades"] == pytest.approx(0.0, abs=0.05)


def test_what_is_wrong_shows_in_its_own_figure(clips):
    def heavier(physics):
        for entry in physics:
            physics = physics.with_mass(entry.object_id, 10 * entry.mass_kg)
        return physics

    def faster(physics):
        for entry in physics:
            physics = physics.scale_speed(entry.object_id, 3.0)
        return physics

    heavy, fast = scores(clips, heavier), scores(clips, faster)
    assert heavy["mass"]["bias_decades"] == pytest.approx(1.0)
    assert heavy["mass"]["within_factor_two"] == 0.0
    assert heavy["speed"]["error_decades"] == pytest.approx(0.0, abs=1e-9)
    assert fast["speed"]["bias_decades"] == pytest.approx(np.log10(3))
    assert fast["speed"]["within_factor_two"] == 0.0
    assert fast["mass"]["error_decades"] == pytest.approx(0.0)


def test_objects_that_are_not_found_never_help(clips):
    lost = scores(clips, masks=lambda tracks: {})
    assert lost["objects"]["found"] == 0.0
    assert lost["objects"]["false_per_clip"] >= 1.0
    assert np.isnan(lost["mass"]["error_decades"])


def test_smaller_and_fewer_masks_still_match(clips):
    def halved(tracks):
        return {
            key: replace(
                t, masks=t.masks[::2, ::2, ::2], scores=t.scores[::2], times_s=t.times_s[::2]
            )
            for key, t in tracks.items()
        }

    assert scores(clips, masks=halved)["objects"]["found"] == 1.0


def test_runs_and_resumes_with_any_slots(tmp_path):
    estimator = PhysicsEstimator(mass_estimator=lambda thing: 0.3, timeout_s=None)
    path = tmp_path / "rows.jsonl"
    first = evaluate_estimators(estimator, clips=2, path=path)
    assert first["clips"] == 2
    assert set(first["intervals"]) == {"objects", "mass", "speed", "energy", "impacts"}
    assert json.dumps(first) == json.dumps(evaluate_estimators(estimator, clips=2, path=path))
    with pytest.raises(ConfigurationError, match="prompts"):
        evaluate_estimators(estimator, clips=2, path=path, prompts="clip")


def test_an_estimator_that_looks_up_the_list_is_told():
    measured = evaluate_masses(PhysicsEstimator(timeout_s=None))
    assert measured["things"] >= 150
    assert measured["figures"]["within_factor_two"] > 0.9
    assert measured["copied_share"] > 0.9
    assert measured["shown"] == 0


def test_a_constant_guess_is_no_good(tmp_path):
    measured = evaluate_masses(PhysicsEstimator(mass_estimator=lambda thing: 1.0, timeout_s=None))
    low, high = measured["intervals"]["within_factor_two"]
    assert low < measured["figures"]["within_factor_two"] < high < 0.4
    assert measured["figures"]["error_decades"] > 0.4
    assert measured["copied_share"] < 0.1
    assert measured["figures"]["in_90"] is None


def write_list(folder, **things):
    path = folder / "masses.json"
    rows = [{"name": name, **row} for name, row in things.items()]
    path.write_text(json.dumps({"format": "pavas.masses", "format_version": 1, "things": rows}))
    return path


class _Failing(MassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        del masks, reconstruction, rng
        if objects[0].label == "mug":
            raise ComponentFailedError("the server is away")
        size = 1.0 if video.width == 64 else 7.0
        return {0: MassEstimate(object_id=0, mass_kg=size, log_std=0.5, source="guess")}


def test_a_list_of_ones_own_with_pictures_and_failures(tmp_path):
    from PIL import Image

    Image.new("RGB", (80, 60), (200, 10, 10)).save(tmp_path / "brick.png")
    path = write_list(
        tmp_path,
        brick={"mass_kg": 3.0, "picture": "brick.png"},
        mug={"mass_kg": [0.2, 0.5]},
        kettle={"mass_kg": [0.8, 1.6]},
    )
    estimator = PhysicsEstimator(mass_estimator=_Failing(), timeout_s=None)
    with pytest.raises(ComponentFailedError, match=r"mug: the server is away.*--skip-failures"):
        evaluate_masses(estimator, path)
    measured = evaluate_masses(estimator, path, skip_failures=True)
    assert measured["unanswered"] == {"mug": "the server is away"}
    assert measured["shown"] == 1
    assert {row["name"]: row["mass_kg"] for row in measured["worst"]} == {"brick": 7, "kettle": 1}
    assert measured["figures"]["answered"] == pytest.approx(2 / 3)
    assert measured["figures"]["in_true_range"] == pytest.approx(1 / 3)
    assert measured["by_source"]["guess"]["things"] == 2


@pytest.mark.parametrize(
    ("things", "message"),
    [
        ({}, "no thing"),
        ({"a": {"mass_kg": 0}}, "above 0"),
        ({"a": {"mass_kg": [2, 1]}}, "above 0"),
        ({"a": {}}, "mass_kg"),
    ],
)
def test_wrong_lists(tmp_path, things, message):
    with pytest.raises(FormatError, match=message):
        read_masses(write_list(tmp_path, **things))


def test_missing_pictures_are_told_before_anything_is_asked(tmp_path):
    with pytest.raises(MediaNotFoundError, match=r"no\.png"):
        read_masses(write_list(tmp_path, a={"mass_kg": 1, "picture": "no.png"}))
