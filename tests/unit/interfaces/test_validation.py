"""Answers that break a contract are named; good ones pass through."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from pavas_sdk.data import Impact, MaskTrack, MassEstimate, MovingObject
from pavas_sdk.errors import ContractError
from pavas_sdk.interfaces.validation import (
    check_masks,
    check_masses,
    check_objects,
    check_reconstruction,
    check_trajectories,
)
from pavas_sdk.physics import CentroidVelocityEstimator
from pavas_sdk.testing import moving_discs

CLIP = moving_discs(2)
MASSES = {
    entry.object_id: MassEstimate(object_id=entry.object_id, mass_kg=entry.mass_kg, source="truth")
    for entry in CLIP.physics
}
DURATION_S = CLIP.video.duration_s
SIZE = (CLIP.video.height, CLIP.video.width)
RNG = np.random.default_rng(0)
PATHS = CentroidVelocityEstimator().estimate_velocity(
    CLIP.objects, CLIP.masks, CLIP.reconstruction, rng=RNG
)


def shifted(track, seconds):
    return replace(track, times_s=track.times_s + seconds)


def shrunk(track, rows, columns):
    return replace(track, masks=track.masks[:, :rows, :columns])


def hit(time_s):
    nan = float("nan")
    return Impact(
        object_id=0,
        time_s=time_s,
        speed_before_m_s=2.0,
        speed_after_m_s=0.0,
        velocity_change_m_s=2.0,
        energy_before_j=nan,
        energy_after_j=nan,
    )


def test_good_answers_pass_through():
    assert check_objects(CLIP.objects) == list(CLIP.objects)
    assert check_objects([]) == []
    assert check_masses(MASSES, [0, 1]) == MASSES
    assert check_masses({}, [0, 1]) == {}
    assert check_masks(CLIP.masks, [0, 1], duration_s=DURATION_S, size=SIZE) == CLIP.masks
    points = check_reconstruction(CLIP.reconstruction, masks=CLIP.masks, duration_s=DURATION_S)
    assert points is CLIP.reconstruction
    assert check_trajectories(PATHS, [0, 1], duration_s=DURATION_S, time_scale=1.0) == PATHS


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "returned NoneType; its interface asks for a sequence of MovingObject"),
        ("ball", "returned str"),
        ({0: CLIP.objects[0]}, "returned dict"),
        (iter(CLIP.objects), "returned tuple_iterator"),
        (["ball"], "a str among the objects"),
        ([CLIP.objects[0], CLIP.objects[0]], r"the ids \[0\] to several"),
    ],
)
def test_objects(answer, words):
    with pytest.raises(ContractError, match=f"acme/x .*{words}"):
        check_objects(answer, who="acme/x")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "returned NoneType"),
        ([MASSES[0]], "returned list; .*a mapping of id to MassEstimate"),
        ({7: MassEstimate(object_id=7, mass_kg=1.0)}, r"invented the object ids \[7\].*\[0, 1\]"),
        ({"0": MASSES[0]}, r"invented the object ids \['0'\]"),
        ({0: MASSES[0], "x": 1, 9: 2}, "invented"),
        ({0: 1.5}, "returned float for object 0"),
        ({0: MASSES[1]}, "returned object 1 under the key 0"),
    ],
)
def test_masses(answer, words):
    with pytest.raises(ContractError, match=words):
        check_masses(answer, [0, 1])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({5: replace(CLIP.masks[0], object_id=5)}, r"invented the object ids \[5\]"),
        ({0: CLIP.masks[0].masks}, "returned ndarray for object 0"),
        ({0: CLIP.masks[0], 1: shifted(CLIP.masks[1], 0.01)}, "different times or sizes"),
        ({0: CLIP.masks[0], 1: shrunk(CLIP.masks[1], 24, 64)}, "different times or sizes"),
        ({0: shifted(CLIP.masks[0], 1.0)}, "track 0.*times at 1.000 to"),
        ({0: shifted(CLIP.masks[0], -0.1)}, "times at -0.100"),
        ({0: shrunk(CLIP.masks[0], 20, 64)}, "masks of 20 x 64 pixels.*48 x 64"),
        ({0: shrunk(CLIP.masks[0], 0, 64)}, "at least one frame"),
    ],
)
def test_masks(answer, words):
    with pytest.raises(ContractError, match=words):
        check_masks(answer, [0, 1], duration_s=DURATION_S, size=SIZE)


@pytest.mark.parametrize("size", [(48, 64), (24, 32), (12, 16), (7, 9), (3, 4)])
def test_masks_may_be_smaller_in_whole_pixels(size):
    track = shrunk(CLIP.masks[0], *size)
    assert check_masks({0: track}, [0], size=SIZE)[0] is track


def test_enlarged_masks_are_refused():
    big = MaskTrack(
        object_id=0, masks=np.ones((1, 96, 128), dtype=bool), times_s=[0.0], scores=[1.0]
    )
    with pytest.raises(ContractError, match="not enlarged"):
        check_masks({0: big}, [0], size=SIZE)


def changed(**arrays):
    fields = {}
    for name, (index, value) in arrays.items():
        array = getattr(CLIP.reconstruction, name).copy()
        array[index] = value
        fields[name] = array
    return replace(CLIP.reconstruction, **fields)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "returned NoneType"),
        (CLIP.reconstruction.points_m, "returned ndarray"),
        (changed(points_m=((0, 0, 0), np.nan)), "1 points that are NaN.*confidence 0 there"),
        (changed(points_m=((3, 2, 1, 0), np.inf)), "1 points"),
        (changed(confidence=((0, 0, 0), -1.0)), "negative or NaN confidence"),
        (changed(confidence=((0, 0, 0), np.nan)), "negative or NaN confidence"),
        (changed(camera_to_world=((2, 0, 0), np.nan)), "poses that are not finite"),
        (shifted(CLIP.reconstruction, 0.02), "the masks' 20 frames"),
        (
            replace(
                CLIP.reconstruction,
                **{
                    name: getattr(CLIP.reconstruction, name)[:5]
                    for name in (
                        "points_m",
                        "confidence",
                        "camera_to_world",
                        "times_s",
                        "intrinsics",
                    )
                },
            ),
            "5 frames at .* the masks' 20 frames",
        ),
    ],
)
def test_reconstructions(answer, words):
    with pytest.raises(ContractError, match=words):
        check_reconstruction(answer, masks=CLIP.masks)


def test_unknown_points_may_be_anything():
    unknown = changed(points_m=((0, 0, 0), np.nan), confidence=((0, 0, 0), 0.0))
    assert check_reconstruction(unknown, masks=CLIP.masks) is unknown


def test_times_outside_the_clip_are_refused():
    with pytest.raises(ContractError, match=r"times within 0 to 0\.500 s"):
        check_reconstruction(CLIP.reconstruction, duration_s=0.5)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([PATHS[0]], "returned list"),
        ({3: replace(PATHS[0], object_id=3)}, "invented"),
        ({0: SimpleNamespace(object_id=0)}, "returned SimpleNamespace for object 0"),
        ({0: PATHS[1]}, "object 1 under the key 0"),
        ({0: replace(PATHS[0], time_scale=4.0)}, "time_scale 4; .* asks for 1"),
        ({0: shifted(PATHS[0], 5.0)}, "times at 5.000"),
        (
            {0: replace(PATHS[0], impacts=[hit(DURATION_S + 0.1)])},
            "an impact at 0.9 s.* in the clip",
        ),
        ({0: replace(PATHS[0], impacts=[hit(-0.1)])}, "an impact at -0.1"),
    ],
)
def test_trajectories(answer, words):
    with pytest.raises(ContractError, match=words):
        check_trajectories(answer, [0, 1], duration_s=DURATION_S, time_scale=1.0)


def test_the_message_says_how_to_check():
    with pytest.raises(ContractError, match="pavas plugins check NAME"):
        check_objects(None)


def test_labels_may_repeat():
    twins = [MovingObject(object_id=index, label="ball") for index in range(2)]
    assert check_objects(twins) == twins
