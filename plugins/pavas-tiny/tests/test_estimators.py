"""The light estimators through the public door, on clips whose truth is known."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pavas_tiny.mass import SizePriorMassEstimator
from pavas_tiny.motion import MotionDetector, MotionSegmenter, name_objects
from pavas_tiny.planar import PlanarReconstructor
from scenes import RED, clock, render, wall
from scipy import ndimage

from pavas_sdk import PhysicsEstimator, Video
from pavas_sdk.data import MovingObject
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media import MemorySource, open_video
from pavas_sdk.testing import (
    mass_estimator_checks,
    moving_discs,
    moving_object_detector_checks,
    parametrize_with_checks,
    reconstructor_checks,
    segmenter_checks,
)

G = 9.81
CLIPS = Path(os.environ.get("PAVAS_CLIPS", Path(__file__).parents[4] / "shared" / "clips"))


@parametrize_with_checks(list(moving_object_detector_checks(MotionDetector)))
def test_detector_contract(check):
    check()


@parametrize_with_checks(list(segmenter_checks(MotionSegmenter)))
def test_segmenter_contract(check):
    check()


@parametrize_with_checks(list(reconstructor_checks(PlanarReconstructor)))
def test_reconstructor_contract(check):
    check()


@parametrize_with_checks(list(mass_estimator_checks(SizePriorMassEstimator)))
def test_mass_contract(check):
    check()


def textured(height, width, seed=0):
    """A wall with soft spots, uint8 (H, W, 3)."""
    rng = np.random.default_rng(seed)
    spots = ndimage.gaussian_filter(rng.normal(size=(height, width)), 3.0)
    grey = 110 + 18 * spots / spots.std()
    return np.repeat(grey[..., None], 3, axis=2) * np.array([1.0, 0.95, 0.85])


def bouncing_ball(
    *,
    px_per_m=60.0,
    radius_m=0.08,
    direction=(0.0, 1.0),
    size=(96, 128),
    frames=75,
    fps=25.0,
    time_scale=1.0,
    shake=0.0,
    shadow=False,
    colour=(200, 60, 40),
):
    """A ball that rests, falls 1.2 m and bounces (e = 0.6), rendered with soft edges.

    Returns the source, the true speeds at mid times and the time of the first impact.
    """
    height, width = size
    rng = np.random.default_rng(1)
    times = np.arange(frames) / fps
    fall_m, restitution, wait_s = 1.2, 0.6, 0.4
    real = np.maximum(times / time_scale - wait_s / time_scale, 0.0)
    depth = np.empty(frames)
    hit_s = np.sqrt(2 * fall_m / G)
    for k, t in enumerate(real):
        start, launch = 0.0, 0.0
        if t < hit_s:
            depth[k] = 0.5 * G * t * t
            continue
        start, launch = hit_s, G * hit_s * restitution
        while launch > 0.3 and t > start + 2 * launch / G:
            start, launch = start + 2 * launch / G, launch * restitution
        dt = t - start
        depth[k] = fall_m - max(launch * dt - 0.5 * G * dt * dt, 0.0) if launch > 0.3 else fall_m
    d = np.asarray(direction, dtype=float)
    side = np.array([d[1], -d[0]])
    middle = np.array([width / 2, height / 2]) - d * px_per_m * fall_m / 2
    centres = middle + np.outer(depth, d) * px_per_m + 4.0 * side * times[:, None]
    wall = textured(height + 24, width + 24)
    y, x = np.mgrid[0:height, 0:width]
    pictures = np.empty((frames, height, width, 3))
    for k in range(frames):
        dx, dy = rng.normal(scale=shake, size=2) if shake else (0.0, 0.0)
        moved = ndimage.shift(wall, (dy, dx, 0), order=1) if shake else wall
        view = moved[12:-12, 12:-12]
        if shadow:
            far = np.hypot((x - centres[k, 0]) / 2, y - (height - 8))
            view = view * (1 - 0.3 * np.clip(8 - far, 0, 4) / 4)[..., None]
        distance = np.hypot(x - centres[k, 0] - dx, y - centres[k, 1] - dy)
        cover = np.clip(radius_m * px_per_m + 0.5 - distance, 0, 1)[..., None]
        pictures[k] = view * (1 - cover) + np.array(colour) * cover
    pictures += rng.normal(scale=1.5, size=pictures.shape)
    video = Video(
        frames=np.clip(np.rint(pictures), 0, 255).astype(np.uint8),
        times_s=times,
        end_s=frames / fps,
        time_scale=time_scale,
    )
    true = np.abs(np.diff(depth)) * fps * time_scale
    return MemorySource(video), true, wait_s + hit_s * time_scale


def best(result):
    assert len(result.physics) >= 1, "nothing was found"
    return result.physics[0]


def test_ball_by_gravity():
    source, true, hit_s = bouncing_ball()
    result = PhysicsEstimator().estimate(source)
    assert len(result.physics) == 1
    entry = best(result)
    assert entry.object.label == "ball"
    assert entry.sources == {"mass": "size-prior", "scale": "gravity"}
    fast = true > 1.0
    error = np.median(np.abs(entry.speed_m_s[fast] / true[fast] - 1))
    assert error < 0.15
    assert np.nanmax(entry.speed_m_s[:8]) < 0.3  # it rests first: seen, and still
    assert min(abs(hit.time_s - hit_s) for hit in result.physics.impacts()) < 0.06
    volume = 4 / 3 * np.pi * 0.08**3
    assert 100 * volume < entry.mass_kg < 2500 * volume


@pytest.mark.parametrize("direction", [(1.0, 0.0), (0.0, -1.0)])
def test_what_falls_sideways_or_up_is_no_ruler(direction):
    source, _, _ = bouncing_ball(direction=direction, px_per_m=55.0, size=(112, 128))
    entry = best(PhysicsEstimator().estimate(source))
    assert entry.sources["scale"] == "size-prior"


def test_what_hangs_from_the_edge_is_no_ruler():
    """An arm with a ball in its hand, from the top of the picture: it falls like nothing else."""
    times, fall_px = (
        clock(50),
        np.minimum(4.0 + 300.0 * np.maximum(clock(50) - 0.6, 0.0) ** 2, 90.0),
    )
    height, width = 112, 96
    y, x = np.mgrid[0:height, 0:width]
    frames = np.repeat(wall(height, width)[None], times.size, axis=0)
    free = frames.copy()
    for t, reach in enumerate(fall_px):
        hand = np.hypot(x - 48, y - reach) < 8
        frames[t, hand | ((np.abs(x - 48) < 5) & (y < reach))] = RED
        free[t, hand] = RED
    for pictures, source in ((frames, "size-prior"), (free, "gravity")):
        video = MemorySource(Video(frames=pictures.astype(np.uint8), times_s=times))
        entry = best(PhysicsEstimator().estimate(video))
        assert entry.sources["scale"] == source


def test_a_pendulum_is_no_ruler():
    """Its turns look like falls, sideways."""
    times = clock(100)
    angle = 0.7 * np.cos(2 * np.pi * times / 1.3) * np.exp(-0.1 * times)
    path = np.stack([60 + 70 * np.sin(angle), 5 + 70 * np.cos(angle)], axis=1)
    scene = render([path], size=(100, 120), radius=7.0)
    source = MemorySource(Video(frames=scene.frames, times_s=times))
    assert best(PhysicsEstimator().estimate(source)).sources["scale"] == "size-prior"


def test_slow_motion():
    source, true, _ = bouncing_ball(time_scale=4.0, frames=160)
    entry = best(PhysicsEstimator().estimate(source))
    fast = true > 1.0
    assert entry.sources["scale"] == "gravity"
    assert np.nanmedian(np.abs(entry.speed_m_s[fast] / true[fast] - 1)) < 0.15


def test_shaking_camera_is_no_moving_object():
    source, true, _ = bouncing_ball(shake=1.2)
    result = PhysicsEstimator().estimate(source)
    assert len(result.physics) == 1
    fast = true > 1.0
    error = np.nanmedian(np.abs(result.physics[0].speed_m_s[fast] / true[fast] - 1))
    assert error < 0.25


def test_nothing_moves_under_a_moving_camera():
    wall = textured(140, 180)
    pan = [wall[10:106, 5 + k : 133 + k] for k in range(40)]
    frames = np.clip(np.rint(np.stack(pan)), 0, 255).astype(np.uint8)
    source = MemorySource(Video(frames=frames, times_s=np.arange(40) / 25))
    assert len(MotionDetector().detect(source, rng=np.random.default_rng(0))) == 0


def test_noise_alone_is_nothing():
    rng = np.random.default_rng(0)
    frames = np.clip(textured(80, 96)[None] + rng.normal(scale=6, size=(40, 80, 96, 3)), 0, 255)
    source = MemorySource(Video(frames=frames.astype(np.uint8), times_s=np.arange(40) / 25))
    assert len(MotionDetector().detect(source, rng=rng)) == 0


def test_a_shadow_is_no_object():
    source, _, _ = bouncing_ball(shadow=True)
    assert len(PhysicsEstimator().estimate(source).physics) == 1


def test_a_grey_ball_before_a_grey_wall_is_one():
    source, _, _ = bouncing_ball(colour=(58, 56, 52))
    assert len(PhysicsEstimator().estimate(source).physics) == 1


def test_the_users_scale_wins():
    source, true, _ = bouncing_ball()
    entry = best(
        PhysicsEstimator(reconstructor=PlanarReconstructor(metres_per_pixel=1 / 30)).estimate(
            source
        )
    )
    fast = true > 1.0
    assert entry.sources["scale"] == "user"
    assert np.median(entry.speed_m_s[fast] / true[fast]) == pytest.approx(2.0, rel=0.15)
    sized = best(
        PhysicsEstimator(reconstructor=PlanarReconstructor(object_size_m=0.16)).estimate(source)
    )
    assert sized.sources["scale"] == "user-size"
    assert np.median(sized.speed_m_s[fast] / true[fast]) == pytest.approx(1.0, rel=0.25)


@pytest.mark.parametrize(
    "options",
    [
        {"metres_per_pixel": 0.0},
        {"object_size_m": -1.0},
        {"metres_per_pixel": 1, "object_size_m": 1},
    ],
)
def test_impossible_scales(options):
    with pytest.raises(ConfigurationError):
        PlanarReconstructor(**options)


@pytest.mark.parametrize("options", [{"max_side": 4}, {"max_objects": 0}])
def test_impossible_motion_settings(options):
    with pytest.raises(ConfigurationError):
        MotionDetector(**options)


def test_objects_from_elsewhere_find_their_masks_again():
    clip = moving_discs(2, frames=40, height=96, width=128)
    rng = np.random.default_rng(0)
    found = MotionDetector().detect(clip.source, rng=rng)
    assert len(found) == 2
    renamed = [
        MovingObject.from_json({**thing.to_json(), "object_id": thing.object_id + 5, "label": "x"})
        for thing in found
    ]
    first = MotionSegmenter().segment(clip.source, found, rng=rng)
    again = MotionSegmenter().segment(clip.source, renamed, rng=rng)
    for thing in found:
        np.testing.assert_array_equal(
            first[thing.object_id].masks, again[thing.object_id + 5].masks
        )


def test_masks_fit_the_discs():
    clip = moving_discs(2, frames=40, height=96, width=128)
    rng = np.random.default_rng(0)
    found = MotionDetector().detect(clip.source, rng=rng)
    tracks = MotionSegmenter().segment(clip.source, found, rng=rng)
    overlaps = []
    for truth in clip.masks.values():
        scores = [
            (track.masks & truth.masks).sum() / (track.masks | truth.masks).sum()
            for track in tracks.values()
        ]
        overlaps.append(max(scores))
    assert min(overlaps) > 0.5


def test_same_clip_same_answer():
    source, _, _ = bouncing_ball(frames=40)
    again, _, _ = bouncing_ball(frames=40)
    assert (
        PhysicsEstimator().estimate(source).physics.dumps()
        == PhysicsEstimator().estimate(again).physics.dumps()
    )


@pytest.mark.parametrize(
    ("kinds", "prompt", "labels"),
    [
        (["ball"], "", ["ball"]),
        (["ball"], "a wooden ball dropped on carpet", ["wooden ball"]),
        (["object"], "a hammer hits a nail", ["hammer"]),
        (["stick", "ball"], "a ball and a metal stick", ["metal stick", "ball"]),
        (["ball", "ball"], "a tennis ball", ["tennis ball", "tennis ball"]),
        (["ball"], "impact sounds", ["ball"]),
    ],
)
def test_labels(kinds, prompt, labels):
    assert name_objects(kinds, prompt) == labels


def test_a_named_thing_brings_size_and_mass():
    source, _, _ = bouncing_ball(radius_m=0.0335, px_per_m=70.0)
    entry = best(PhysicsEstimator().estimate(source, prompt="a tennis ball falling"))
    assert entry.mass_kg == pytest.approx(0.0577, rel=0.01)
    assert entry.sources["mass"] == "label"
    stated = best(PhysicsEstimator().estimate(source, prompt="500 g ball"))
    assert stated.mass_kg == pytest.approx(0.5)
    assert stated.sources["mass"] == "stated"


def clip(name):
    path = CLIPS / name
    if not path.is_file():
        pytest.skip(f"no {path}; set PAVAS_CLIPS")
    return path


def test_real_drop_in_slow_motion():
    with open_video(clip("01_ball_drop_slowmo.mp4"), time_scale=4.0) as source:
        physics = PhysicsEstimator().estimate(source).physics
    entry = max(physics, key=lambda e: np.isfinite(e.speed_m_s).sum())
    before = (entry.speed_times_s > 6.5) & (entry.speed_times_s < 6.7)
    assert entry.sources["scale"] == "gravity"
    assert np.nanmax(entry.speed_m_s[before]) == pytest.approx(6.69, rel=0.2)


def test_real_arc_of_a_tennis_ball():
    with open_video(clip("05_tennis_ball_arc.mp4")) as source:
        entry = best(PhysicsEstimator().estimate(source))
    across = np.abs(np.nanmedian(entry.velocity_m_s[:, 0]))
    assert entry.sources["scale"] == "gravity"
    assert across == pytest.approx(1.45, rel=0.25)
