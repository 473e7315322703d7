"""Components that break their contract, each in one way, and the check that must notice."""

import random
import re
import time
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from pavas_sdk.data import MassEstimate, MovingObject
from pavas_sdk.interfaces import ComponentConfig
from pavas_sdk.physics import CentroidVelocityEstimator
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    checks_for,
    run_checks,
)


class TwinIds(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        return [MovingObject(object_id=0, label=label) for label in ("left", "right")]


class Names(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        return ["ball"]


class ShortPrompts(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        if len(prompt) > 1000:
            raise ValueError("prompt too long")
        return super().detect(video, prompt=prompt, rng=rng)


class GlobalDice(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        np.random.random()  # noqa: NPY002
        return super().detect(video, prompt=prompt, rng=rng)


class SeedsItself(BrightDetector):
    """The same state after each call: whoever compares before and after sees nothing."""

    def detect(self, video, *, prompt="", rng):
        np.random.seed(0)  # noqa: NPY002
        np.random.random()  # noqa: NPY002
        return super().detect(video, prompt=prompt, rng=rng)


class SeedsWhenMade(BrightDetector):
    def __init__(self, config=None, **options):
        super().__init__(config, **options)
        random.seed(0)


class HidesItsDice(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        state = random.getstate()
        label = f"ball {random.random()}"
        random.setstate(state)
        return [MovingObject(object_id=0, label=label)]


class TimelessBox(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        return [MovingObject(object_id=0, label="ball", box=(0, 0, 1, 1))]


class NeedsMotion(BrightDetector):
    def detect(self, video, *, prompt="", rng):
        found = super().detect(video, prompt=prompt, rng=rng)
        return [found[0], *found[1:]]


class Diary(BrightDetector):
    seen = 0

    def detect(self, video, *, prompt="", rng):
        self.seen += 1
        return [MovingObject(object_id=self.seen, label="ball")]


class InventsTracks(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = dict(super().segment(video, objects, rng=rng))
        invented = [replace(track, object_id=99) for track in tracks.values()]
        return tracks | dict.fromkeys([99], invented[0]) if invented else tracks


class Enlarges(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        return {
            key: replace(track, masks=track.masks.repeat(2, axis=1).repeat(2, axis=2))
            for key, track in tracks.items()
        }


class OtherTimes(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        return {
            key: replace(track, times_s=track.times_s + 0.001 * key)
            for key, track in tracks.items()
        }


class RealClock(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        return {
            key: replace(track, times_s=track.times_s * video.time_scale)
            for key, track in tracks.items()
        }


class FirstComeFirstServed(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        order = sorted(tracks)
        return {
            entry.object_id: replace(tracks[order[index]], object_id=entry.object_id)
            for index, entry in enumerate(objects)
            if index < len(order)
        }


class FloatMasks(BrightSegmenter):
    def segment(self, video, objects, *, rng):
        tracks = super().segment(video, objects, rng=rng)
        return {
            key: replace(track, masks=track.masks * np.float32(0.2))
            for key, track in tracks.items()
        }


class HeaviestFirst(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {
            entry.object_id: MassEstimate(object_id=entry.object_id, mass_kg=3.0 - rank)
            for rank, entry in enumerate(objects)
        }


class InventsMasses(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {7: MassEstimate(object_id=7, mass_kg=1.0)}


class NanMass(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {
            entry.object_id: MassEstimate(object_id=entry.object_id, mass_kg=float("nan"))
            for entry in objects
        }


class BareFloats(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {entry.object_id: 1.0 for entry in objects}


class NeedsMasks(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        assert set(masks) >= {entry.object_id for entry in objects}
        return super().estimate_mass(
            video, objects, masks=masks, reconstruction=reconstruction, rng=rng
        )


class AnswersAboutAll(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {key: MassEstimate(object_id=key, mass_kg=1.0) for key in masks or {}}


class Moody(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        mood = 1.0 + time.perf_counter_ns() % 10_000
        return {
            entry.object_id: MassEstimate(object_id=entry.object_id, mass_kg=mood)
            for entry in objects
        }


class ForgetsItsWeights(DensityMassEstimator):
    density = 20.0

    def unload(self):
        self.density = None

    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {
            entry.object_id: MassEstimate(object_id=entry.object_id, mass_kg=self.density)
            for entry in objects
        }


class Swallows(DensityMassEstimator):
    def __init__(self, config=None, **options):
        super().__init__(config)


class LooseConfig:
    density = 1.0


class ThawedConfig(DensityMassEstimator):
    def __init__(self):
        super().__init__()
        self._config = LooseConfig()


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConfig(ComponentConfig):
    labels: frozenset = field(default_factory=lambda: frozenset({"ball"}))


class UnwritableConfig(DensityMassEstimator):
    config_class = SetConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TupleConfig(ComponentConfig):
    sizes: tuple = (1, 2)


class UnreadableConfig(DensityMassEstimator):
    config_class = TupleConfig


class NotMadeFromItsConfig(DensityMassEstimator):
    def __init__(self):
        super().__init__()


class Vandal(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        for track in (masks or {}).values():
            track.masks.base.flags.writeable = True
            track.masks.base[:] = False
        return {}


class NanPoints(WallReconstructor):
    def reconstruct(self, video, *, objects=(), masks=None, rng):
        points = super().reconstruct(video, objects=objects, masks=masks, rng=rng)
        return replace(points, points_m=np.where(points.points_m > 0.3, np.nan, points.points_m))


class NearestFirst(WallReconstructor):
    def reconstruct(self, video, *, objects=(), masks=None, rng):
        points = super().reconstruct(video, objects=objects, masks=masks, rng=rng)
        first = 1 + objects[0].object_id if objects else 1
        return replace(points, points_m=points.points_m * first)


class OwnTimes(WallReconstructor):
    def reconstruct(self, video, *, objects=(), masks=None, rng):
        return (
            super().reconstruct(video, objects=objects, masks=None, rng=rng)
            if not masks
            else (self._thinned(super().reconstruct(video, objects=objects, masks=masks, rng=rng)))
        )

    @staticmethod
    def _thinned(points):
        return replace(
            points,
            points_m=points.points_m[::2],
            confidence=points.confidence[::2],
            camera_to_world=points.camera_to_world[::2],
            times_s=points.times_s[::2],
        )


class SilentScale(WallReconstructor):
    def reconstruct(self, video, *, objects=(), masks=None, rng):
        points = super().reconstruct(video, objects=objects, masks=masks, rng=rng)
        return replace(points, scale_source=None)


class Centroid(CentroidVelocityEstimator):
    def changed(self, path):
        raise AssertionError

    def estimate_velocity(self, objects, masks, reconstruction, *, time_scale=1.0, rng):
        paths = super().estimate_velocity(
            objects, masks, reconstruction, time_scale=time_scale, rng=rng
        )
        return {key: self.changed(path) for key, path in paths.items()}


class ZeroWhereUnseen(Centroid):
    def changed(self, path):
        return replace(path, centroids_m=np.nan_to_num(path.centroids_m))


class Centimetres(Centroid):
    def changed(self, path):
        return replace(path, centroids_m=path.centroids_m * 100)


class IgnoresSlowMotion(Centroid):
    def changed(self, path):
        return replace(path, time_scale=1.0)


class ScalesTwice(Centroid):
    def changed(self, path):
        return replace(path, centroids_m=path.centroids_m * path.time_scale)


class FirstIsExact(CentroidVelocityEstimator):
    def estimate_velocity(self, objects, masks, reconstruction, *, time_scale=1.0, rng):
        paths = super().estimate_velocity(
            objects, masks, reconstruction, time_scale=time_scale, rng=rng
        )
        return {
            key: replace(path, centroids_m=path.centroids_m + 1e-3 * rank)
            for rank, (key, path) in enumerate(paths.items())
        }


class NeverSees(Centroid):
    def changed(self, path):
        return replace(path, centroids_m=np.full_like(path.centroids_m, np.nan))


BROKEN = [
    (TwinIds, "keeps_contract", "ids \\[0\\]"),
    (Names, "keeps_contract", "a str among the objects"),
    (ShortPrompts, "prompt", "prompt too long"),
    (GlobalDice, "leaves_global_randomness_alone", "global generator of numpy"),
    (SeedsItself, "leaves_global_randomness_alone", "of numpy, or seeded it"),
    (SeedsWhenMade, "leaves_global_randomness_alone", "of random, or seeded it"),
    (HidesItsDice, "leaves_global_randomness_alone", "another seed of the global generators"),
    (TimelessBox, "boxes", "a box at None s"),
    (NeedsMotion, "nothing_moves", "IndexError"),
    (Diary, "deterministic", "asked twice, it differs"),
    (InventsTracks, "keeps_contract", "invented the object ids \\[99\\]"),
    (Enlarges, "keeps_contract", "not enlarged"),
    (OtherTimes, "keeps_contract", "different times"),
    (RealClock, "slow_motion", "times within 0 to 0.800 s"),
    (FirstComeFirstServed, "object_order", "another order"),
    (FloatMasks, "keeps_contract", "masks must be bool, got float32; compare"),
    (HeaviestFirst, "object_order", "another order of objects gives other masses"),
    (NearestFirst, "object_order", "another order of objects gives other points"),
    (FirstIsExact, "object_order", "another order of objects gives other paths"),
    (UnreadableConfig, "config_round_trip", "comes back from JSON as another one"),
    (NotMadeFromItsConfig, "config_round_trip", "cannot be made from its own config"),
    (InventsMasses, "keeps_contract", "invented"),
    (NanMass, "keeps_contract", "mass_kg of object 0"),
    (BareFloats, "keeps_contract", "returned float"),
    (NeedsMasks, "without_geometry", "TypeError"),
    (AnswersAboutAll, "subset", "invented"),
    (Moody, "deterministic", "asked twice, it differs"),
    (ForgetsItsWeights, "unload", "mass_kg"),
    (Swallows, "unknown_option", "an unknown option is accepted"),
    (ThawedConfig, "implements_interface", "not frozen"),
    (UnwritableConfig, "config_round_trip", "not JSON serializable"),
    (Vandal, "leaves_inputs_alone", "it changed its inputs"),
    (NanPoints, "keeps_contract", "NaN or infinite"),
    (OwnTimes, "keeps_contract", "the masks' 20 frames"),
    (SilentScale, "says_its_scale", "which rung"),
    (ZeroWhereUnseen, "unseen_is_missing", "places a hidden object"),
    (Centimetres, "speeds", "object 0 moves at"),
    (IgnoresSlowMotion, "time_scale", "time_scale 1"),
    (ScalesTwice, "time_scale", "moves at 2.000 m/s, it says 8.000"),
    (NeverSees, "speeds", "it says nan"),
]


@pytest.mark.parametrize(
    ("broken", "check", "words"), BROKEN, ids=[case[0].__name__ for case in BROKEN]
)
def test_the_check_that_is_meant_for_it_notices(broken, check, words):
    (asked,) = [entry for entry in checks_for(broken.kind, broken) if entry.name == check]
    (result,) = run_checks([asked])
    assert result.outcome == "failed", f"{broken.__name__} passes {check}"
    assert re.search(words, result.message), result.message


class Hangs(DensityMassEstimator):
    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        time.sleep(600)


def test_a_component_that_hangs_is_noticed_and_left():
    checks = checks_for("mass_estimator", Hangs)
    asked = [entry for entry in checks if entry.name in ("keeps_contract", "subset")]
    results = list(run_checks(asked, limit_s=2.0))
    assert [result.outcome for result in results] == ["failed", "skipped"]
    assert results[0].message == "no answer within 2 s"
