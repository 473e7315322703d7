"""Every slot filled by a third-party plugin: by name, by object, by function; good and bad ones.

The plugin is a module of its own with the metadata that an installer leaves, found through its
entry point as any other.
"""

from __future__ import annotations

import importlib
import re
import time

import numpy as np
import pytest
from plugin_folders import module_name, write_plugin

from pavas_sdk.data import MaskTrack, MovingObject, Trajectory
from pavas_sdk.errors import ComponentError, ComponentFailedError, ContractError
from pavas_sdk.interfaces import (
    mass_estimator,
    moving_object_detector,
    reconstructor,
    segmenter,
    velocity_estimator,
)
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.registry import SLOTS, Registry
from pavas_sdk.testing import (
    BrightDetector,
    BrightSegmenter,
    DensityMassEstimator,
    WallReconstructor,
    moving_discs,
)

SOURCE = '''
    import time
    from dataclasses import replace

    import numpy as np

    from pavas_sdk import ComponentSpec, hookimpl
    from pavas_sdk.data import MassEstimate, MovingObject
    from pavas_sdk.physics import CentroidVelocityEstimator
    from pavas_sdk.testing import (
        BrightDetector,
        BrightSegmenter,
        DensityMassEstimator,
        WallReconstructor,
    )

    BASES = {
        "moving_object_detector": (BrightDetector, "detect"),
        "segmenter": (BrightSegmenter, "segment"),
        "reconstructor": (WallReconstructor, "reconstruct"),
        "velocity_estimator": (CentroidVelocityEstimator, "estimate_velocity"),
        "mass_estimator": (DensityMassEstimator, "estimate_mass"),
    }


    def raises(answer):
        raise ValueError("out of paint")


    def hangs(answer):
        time.sleep(5)


    def wrong_shape(answer):
        """A list in place of a mapping; for the detector and reconstructor, something else."""
        return 7


    def short(answer):
        """Arrays of another length than the question."""
        if isinstance(answer, dict):
            first = next(iter(answer.values()))
            if hasattr(first, "masks"):
                return {
                    key: replace(t, masks=t.masks[:, :, :3]) for key, t in answer.items()
                }
            if hasattr(first, "centroids_m"):
                return {
                    key: replace(
                        t,
                        times_s=t.times_s + 100.0,
                    )
                    for key, t in answer.items()
                }
            return {key: [t.mass_kg, t.mass_kg] for key, t in answer.items()}
        if hasattr(answer, "points_m"):
            return replace(
                answer,
                points_m=answer.points_m[:3],
                confidence=answer.confidence[:3],
                camera_to_world=answer.camera_to_world[:3],
                times_s=answer.times_s[:3],
            )
        return [thing.label for thing in answer]


    def invents(answer):
        if isinstance(answer, dict):
            first = next(iter(answer.values()))
            return {**answer, 99: replace(first, object_id=99)}
        if hasattr(answer, "points_m"):
            return [answer]
        return [*answer, answer[0]]


    def not_a_number(answer):
        if isinstance(answer, dict):
            first = next(iter(answer.values()))
            if hasattr(first, "masks"):
                return {
                    key: replace(t, times_s=np.full_like(t.times_s, np.nan))
                    for key, t in answer.items()
                }
            if hasattr(first, "centroids_m"):
                return {
                    key: replace(t, centroids_m=np.full_like(t.centroids_m, np.inf))
                    for key, t in answer.items()
                }
            return {key: MassEstimate(object_id=key, mass_kg=float("nan")) for key in answer}
        if hasattr(answer, "points_m"):
            return replace(answer, points_m=np.full_like(answer.points_m, np.nan))
        return [replace(thing, score=float("nan")) for thing in answer]


    FAULTS = {"works": lambda answer: answer}
    for fault in (raises, hangs, wrong_shape, short, invents, not_a_number):
        FAULTS[fault.__name__] = fault


    def make(kind, fault):
        base, method = BASES[kind]

        def answer(self, *args, **options):
            return FAULTS[fault](getattr(base, method)(self, *args, **options))

        return type(f"{base.__name__}_{fault}", (base,), {method: answer, "__module__": __name__})


    for kind in BASES:
        for fault in FAULTS:
            globals()[f"{kind}_{fault}"] = make(kind, fault)


    @hookimpl
    def pavas_register_components():
        for kind in BASES:
            for fault in FAULTS:
                yield ComponentSpec(kind, fault.replace("_", "-"), f"{__name__}:{kind}_{fault}")
'''

FAULTS = ("raises", "hangs", "wrong-shape", "short", "invents", "not-a-number")
GOOD = {
    "moving_object_detector": BrightDetector,
    "segmenter": BrightSegmenter,
    "reconstructor": WallReconstructor,
    "mass_estimator": DensityMassEstimator,
}


@pytest.fixture
def acme(plugin_folder):
    """The registry with the plugin of ``acme-parts`` loaded through its entry point."""
    write_plugin(plugin_folder, "acme-parts", SOURCE)
    registry = Registry(environ={"PAVAS_PLUGINS": "acme-parts"})
    assert {entry.kind for entry in registry.components()} >= set(SLOTS)
    assert registry.failures == ()
    return registry


def good_slots(**changed):
    made = {slot: cls() for slot, cls in GOOD.items()}
    return {**made, "velocity_estimator": "pavas-sdk/centroid", **changed}


def summary(physics):
    return [
        (entry.object_id, entry.mass_kg, np.round(entry.speed_m_s, 9).tolist()) for entry in physics
    ]


@pytest.fixture(scope="module")
def clip():
    return moving_discs(2)


@pytest.fixture(scope="module")
def expected(clip):
    return summary(PhysicsEstimator(**good_slots()).estimate(clip.source).physics)


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("name", ["works", "acme-parts/works", "Acme.Parts/works"])
def test_by_name(acme, clip, expected, slot, name):
    estimator = PhysicsEstimator(**good_slots(**{slot: name}), registry=acme)
    result = estimator.estimate(clip.source)
    assert summary(result.physics) == expected
    ref = result.physics.provenance[slot]
    assert (ref.qualified_name, ref.version, ref.licence) == ("acme-parts/works", "1.2.3", "MIT")


@pytest.mark.parametrize("slot", SLOTS)
def test_by_object(acme, clip, expected, slot):
    module = importlib.import_module(module_name("acme-parts"))
    part = getattr(module, f"{slot}_works")()
    result = PhysicsEstimator(**good_slots(**{slot: part}), registry=acme).estimate(clip.source)
    assert summary(result.physics) == expected
    assert result.physics.provenance[slot].qualified_name == "acme-parts/works"


@pytest.mark.parametrize("slot", SLOTS)
def test_by_name_on_top_of_a_named_estimator(acme, slot):
    registry = Registry()
    estimator = PhysicsEstimator.from_name("tiny", registry=registry, **{slot: "acme-parts/works"})
    for other, ref in estimator.provenance.items():
        assert (ref.distribution == "acme-parts") == (other == slot)


def bright_masks(video, thing):
    track = (
        BrightSegmenter()
        .segment(moving_discs(2).source, [thing], rng=np.random.default_rng(0))
        .get(thing.object_id)
    )
    return None if track is None else track.masks


def wall_points(video):
    assert video.times_s.size == 20
    return WallReconstructor().reconstruct(moving_discs(2).source, rng=np.random.default_rng(0))


def middles(track, points):
    centres = np.full((track.times_s.size, 3), np.nan)
    for frame, mask in enumerate(track.masks):
        if mask.any():
            centres[frame] = points.points_m[frame][mask].mean(axis=0)
    return centres


FUNCTIONS = {
    "moving_object_detector": (
        moving_object_detector,
        lambda video: ["bright thing", MovingObject(object_id=1, label="other bright thing")],
    ),
    "segmenter": (segmenter, bright_masks),
    "reconstructor": (reconstructor, wall_points),
    "velocity_estimator": (velocity_estimator, middles),
    "mass_estimator": (mass_estimator, lambda thing: None if thing.object_id else 3.0),
}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("slot", SLOTS)
def test_by_function(clip, slot, wrapped):
    module, function = FUNCTIONS[slot]
    part = module.from_function(function) if wrapped else function
    plain = PhysicsEstimator(**good_slots()).estimate(clip.source).physics
    physics = PhysicsEstimator(**good_slots(**{slot: part})).estimate(clip.source).physics
    ref = physics.provenance[slot]
    assert (ref.name, ref.distribution) == (function.__name__, "")
    assert len(physics) == 2
    if slot == "mass_estimator":
        assert [entry.mass_kg for entry in physics] == [3.0, None]
    if slot == "moving_object_detector":
        assert [entry.object.label for entry in physics] == ["bright thing", "other bright thing"]
    for a, b in zip(physics, plain, strict=True):
        # the plain mean of a disc's pixels is the trimmed mean up to the discs' roundness
        np.testing.assert_allclose(a.speed_m_s, b.speed_m_s, atol=0.1)
        assert np.isfinite(a.speed_m_s).all()


BROKEN = [(slot, fault) for slot in SLOTS for fault in FAULTS]
# what the physics still holds when a slot failed
KNOWN = {
    "moving_object_detector": (),
    "segmenter": ("objects",),
    "reconstructor": ("objects", "masks", "masses"),
    "velocity_estimator": ("objects", "masks", "masses"),
    "mass_estimator": ("objects", "masks", "speeds"),
}


def known(result):
    physics = result.physics
    return {
        "objects": len(physics) == 2,
        "masks": len(result.masks) == 2,
        "speeds": bool(len(physics)) and all(np.isfinite(e.speed_m_s).any() for e in physics),
        "masses": bool(len(physics)) and all(e.mass_kg is not None for e in physics),
    }


@pytest.mark.parametrize(("slot", "fault"), BROKEN, ids=[f"{s}-{f}" for s, f in BROKEN])
def test_what_a_broken_plugin_leads_to(acme, clip, slot, fault):
    slots = good_slots(**{slot: f"acme-parts/{fault}"})
    if slot == "segmenter":  # masses that need no masks are kept too
        slots["mass_estimator"] = lambda thing: 1.0
    limit = 0.3 if fault == "hangs" else None
    started = time.monotonic()
    with pytest.raises(ComponentError) as caught:
        PhysicsEstimator(**slots, registry=acme, timeout_s=limit).estimate(clip.source)
    error = caught.value
    assert time.monotonic() - started < 4.0
    if fault in ("raises", "hangs"):
        assert isinstance(error, ComponentFailedError)
    assert isinstance(error, ComponentFailedError | ContractError)
    text = str(error)
    assert slot in text
    assert f"acme-parts/{fault}" in text
    assert (error.slot, error.component) == (slot, f"acme-parts/{fault}")
    if slot != "moving_object_detector":
        assert re.search(r"0 \(bright thing\), 1 \(bright thing\)", text)
        assert error.object_ids == (0, 1)
    # what was known by then comes with the error
    partial = known(error.partial)
    order = ("objects", "masks", "speeds", "masses")
    wanted = {"masses": False} | {key: key in KNOWN[slot] for key in order[:3]}
    assert {**partial, "masses": False} == wanted
    # and the run can go on without the slot
    result = PhysicsEstimator(**slots, registry=acme, timeout_s=limit, on_error="partial").estimate(
        clip.source
    )
    expected = set(KNOWN[slot]) | ({"masses"} if slot == "segmenter" else set())
    assert {key for key, there in known(result).items() if there} == expected
    assert any(f"acme-parts/{fault}" in note for note in result.physics.notes)


def test_an_object_is_named_when_only_one_answer_is_wrong(clip):
    class OneBad(DensityMassEstimator):
        def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
            found = dict(super().estimate_mass(video, objects, masks=masks, rng=rng))
            return {**found, 1: "heavy"}

    with pytest.raises(ContractError, match=r"mass_estimator OneBad returned str for object 1"):
        PhysicsEstimator(**good_slots(mass_estimator=OneBad())).estimate(clip.source)


def test_an_unseen_object_is_missing_never_zero():
    clip = moving_discs(1, hidden=(8, 13))

    class Truth(BrightSegmenter):
        def segment(self, video, objects, *, rng):
            return {0: clip.masks[0]}

    physics = PhysicsEstimator(**good_slots(segmenter=Truth())).estimate(clip.source).physics
    speed = physics[0].speed_m_s
    assert np.isnan(speed[7:13]).all()
    assert np.isfinite(speed[:7]).all()
    assert (speed[:7] > 0).all()


def test_values_validate_themselves():
    with pytest.raises(ValueError, match="inf"):
        Trajectory(
            object_id=0,
            times_s=np.arange(2.0),
            centroids_m=np.full((2, 3), np.inf),
            point_counts=np.ones(2, dtype=np.int64),
        )
    with pytest.raises(ValueError, match="scores"):
        MaskTrack(
            object_id=0,
            masks=np.ones((2, 4, 4), dtype=bool),
            times_s=np.arange(2.0),
            scores=np.array([0.5, 3.0]),
        )
