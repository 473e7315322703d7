"""Whole scenes through the eyes: what is found, where, and what must not be found."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.analysis import analyse, analyse_frames
from pavas_tiny.flight import fit_pieces
from scenes import (
    BLUE,
    RED,
    ballistic,
    bouncing,
    clock,
    overlap,
    render,
    resting_until,
    straight,
)

from pavas_sdk import Video
from pavas_sdk.media import MemorySource
from pavas_sdk.simulation import simulate

TIMES = clock(40)


def see(scene, **options):
    return analyse_frames(scene.frames, scene.times_s, **options).movers


def only(movers):
    assert len(movers) == 1, [round(mover.score, 2) for mover in movers]
    return movers[0]


def miss_px(mover, path):
    """Median distance from the true path (reference pixels) in the frames it was seen."""
    return float(np.nanmedian(np.linalg.norm(mover.centres - path, axis=1)))


def in_reference(scene, index=0):
    """The true path as the middle frame sees it."""
    return scene.centres[index] + scene.camera - scene.camera[scene.camera.shape[0] // 2]


def pan(frames, speed_px=0.6):
    return np.outer(np.arange(frames), [speed_px, 0.25 * speed_px])


def shake(frames, size_px=1.2):
    return np.random.default_rng(3).normal(scale=size_px, size=(frames, 2))


ARC = ballistic(TIMES, (10, 40), (38.0, -50.0), 70.0)


@pytest.mark.parametrize(
    ("camera", "least_overlap", "most_px"),
    [(None, 0.8, 0.15), (pan(40), 0.65, 0.5), (shake(40), 0.6, 0.6)],
    ids=["still", "panning", "shaking"],
)
def test_a_ballistic_disc(camera, least_overlap, most_px):
    scene = render([ARC], camera=camera)
    mover = only(see(scene))
    assert overlap(mover.masks, scene.masks[0]) > least_overlap
    assert miss_px(mover, in_reference(scene)) < most_px
    assert np.isfinite(mover.centres[:, 0]).sum() >= 36
    assert 0.3 < mover.score <= 1.0
    np.testing.assert_allclose(mover.colour, RED, atol=25)


@pytest.mark.parametrize("camera", [pan(40), pan(40, -1.5), shake(40)])
def test_a_moving_camera_alone_is_nothing(camera):
    assert see(render([], camera=camera)) == ()


@pytest.mark.parametrize("noise", [0.0, 2.0, 7.0])
def test_noise_alone_is_nothing(noise):
    assert see(render([], noise=noise)) == ()


@pytest.mark.parametrize(
    "light",
    [np.linspace(0.97, 1.03, 40), 1 + 0.03 * np.sin(np.arange(40))],
    ids=["dawn", "flicker"],
)
def test_light_alone_is_nothing(light):
    assert see(render([], light=light)) == ()


def test_a_disc_under_changing_light():
    scene = render([ARC], light=np.linspace(0.97, 1.03, 40))
    assert overlap(only(see(scene)).masks, scene.masks[0]) > 0.7


def test_a_plain_disc_before_a_busy_wall():
    path = straight(clock(50), (10, 30), (30.0, 0.0))
    scene = render([path], colours=((120, 112, 100),), roughness=45.0)
    assert overlap(only(see(scene)).masks, scene.masks[0]) > 0.4


def test_a_colourful_disc_before_a_busy_wall():
    path = straight(clock(50), (10, 30), (30.0, 0.0))
    scene = render([path], roughness=45.0)
    assert overlap(only(see(scene)).masks, scene.masks[0]) > 0.8


def test_a_shadow_that_touches_is_no_part_of_its_disc():
    scene = render([straight(TIMES, (12, 30), (35.0, 0.0))], shadow_shift=(3.0, 7.0))
    mover = only(see(scene))
    assert overlap(mover.masks, scene.masks[0]) > 0.65
    assert abs(np.nanmedian(mover.centres[:, 1]) - 30) < 1.0  # the shadow would draw it down


def test_a_shadow_apart_is_no_object():
    scene = render([straight(TIMES, (12, 16), (35.0, 0.0))], shadow_shift=(2.0, 30.0))
    mover = only(see(scene))
    assert overlap(mover.masks, scene.masks[0]) > 0.75


@pytest.mark.parametrize("rest_share", [0.3, 0.55, 0.75])
def test_what_rests_then_moves_is_one_object_and_leaves_no_ghost(rest_share):
    times = clock(60)
    path = resting_until(rest_share * 2.4, times, (22, 30), (60.0, 0.0))
    scene = render([path])
    mover = only(see(scene))
    moving = times > rest_share * 2.4 + 0.3  # well clear of where it lay
    assert overlap(mover.masks[moving], scene.masks[0][moving]) > 0.75
    lay = scene.masks[0][0]
    assert (mover.masks[moving] & lay).sum() < 0.02 * lay.sum() * moving.sum()
    seen = np.isfinite(mover.centres[:, 0])
    assert seen[moving & (path[:, 0] < 76)].all()


def test_a_resting_object_is_seen_before_it_moves():
    times = clock(60)
    scene = render([resting_until(1.2, times, (22, 30), (60.0, 0.0))])
    mover = only(see(scene))
    resting = times < 1.1
    assert np.isfinite(mover.centres[resting, 0]).mean() > 0.9
    assert overlap(mover.masks[resting], scene.masks[0][resting]) > 0.75


def test_two_that_cross_keep_who_they_are():
    paths = [straight(TIMES, (8, 20), (42.0, 14.0)), straight(TIMES, (72, 22), (-42.0, 12.0))]
    scene = render(paths)
    movers = see(scene)
    assert len(movers) == 2
    by_colour = sorted(movers, key=lambda mover: -mover.colour[0])
    np.testing.assert_allclose(by_colour[0].colour, RED, atol=30)
    np.testing.assert_allclose(by_colour[1].colour, BLUE, atol=30)
    apart = np.linalg.norm(paths[0] - paths[1], axis=1) > 16
    for mover, path in zip(by_colour, paths, strict=True):
        known = apart & np.isfinite(mover.centres[:, 0])
        assert known[:8].sum() > 5
        assert known[-8:].sum() > 5
        assert np.linalg.norm(mover.centres - path, axis=1)[known].max() < 1.5


def test_one_that_leaves_is_seen_until_it_leaves():
    path = straight(TIMES, (30, 30), (60.0, 0.0))  # out of the picture after 0.9 s
    scene = render([path])
    mover = only(see(scene))
    seen = np.isfinite(mover.centres[:, 0])
    assert seen[path[:, 0] < 72].all()
    assert not seen[path[:, 0] > 88].any()
    assert not mover.masks[path[:, 0] > 88].any()


def test_one_that_comes_in_later():
    path = straight(TIMES, (-30, 30), (70.0, 0.0))
    mover = only(see(render([path])))
    seen = np.isfinite(mover.centres[:, 0])
    assert not seen[path[:, 0] < -7].any()
    assert seen[(path[:, 0] > 8) & (path[:, 0] < 72)].all()


def test_the_time_of_a_bounce():
    times = clock(40)
    path, hit_s = bouncing(times, 40.0, 12.0, 54.0, 160.0)
    mover = only(see(render([path])))
    pieces = fit_pieces(times, mover.centres)
    breaks = [times[piece.first] for piece in pieces[1:]]
    assert min(abs(moment - hit_s) for moment in breaks) < 1.5 / 25
    flights = [piece for piece in pieces if piece.degree == 2]
    assert len(flights) >= 2
    for piece in flights[:2]:
        assert piece.acceleration[1] == pytest.approx(160.0, rel=0.06)


def test_rolling_at_constant_speed():
    mover = only(see(render([straight(TIMES, (10, 50), (40.0, 0.0))])))
    speed = np.linalg.norm(np.diff(mover.centres[2:-2], axis=0), axis=1) * 25
    assert np.median(speed) == pytest.approx(40.0, rel=0.02)
    assert np.abs(speed / 40.0 - 1).max() < 0.2


def test_at_most_so_many_the_best_first():
    paths = [straight(TIMES, (10, y), (v, 0.0)) for y, v in ((12, 30.0), (32, 36.0), (52, 42.0))]
    scene = render(paths)
    three = see(scene)
    assert len(three) == 3
    assert [mover.score for mover in three] == sorted((m.score for m in three), reverse=True)
    two = see(scene, max_objects=2)
    assert len(two) == 2
    for mover, same in zip(two, three, strict=False):
        np.testing.assert_array_equal(mover.masks, same.masks)


def test_where_everything_is_faint_nothing_moves():
    video = simulate(41_000_044).clip.source.read(max_side=160)
    part = slice(57, None)  # behind a cut
    assert analyse_frames(video.frames[part], video.times_s[part]).movers == ()


def test_one_frame_is_nothing():
    scene = render([ARC])
    found = analyse_frames(scene.frames[:1], scene.times_s[:1])
    assert found.movers == ()
    assert not found.camera.moving
    assert found.size == (64, 80)


def test_the_analysis_of_a_source_is_kept_for_its_settings():
    scene = render([ARC])
    source = MemorySource(Video(frames=scene.frames, times_s=scene.times_s))
    first = analyse(source)
    assert analyse(source) is first
    assert analyse(source, max_objects=1) is not first
    smaller = analyse(source, max_side=40)
    assert smaller.size == (32, 40)
    again = MemorySource(Video(frames=scene.frames, times_s=scene.times_s))
    assert analyse(again) is not first
