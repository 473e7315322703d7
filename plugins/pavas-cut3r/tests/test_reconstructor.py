"""The reconstructor on real pictures of awkward kinds; what is asserted needs no trained weights."""

import dataclasses
import time

import numpy as np
import pytest
import torch
from pavas_cut3r import Cut3RConfig, Cut3RReconstructor, Cut3RSession, normalise, place, preprocess
from tiny_cut3r import clip, joined, plain, reconstruct, tiny

from pavas_sdk.data import Video, background_motion_m_s
from pavas_sdk.data.frame_changes import blank_frames, find_cuts
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.interfaces import progress_to
from pavas_sdk.interfaces.validation import check_reconstruction
from pavas_sdk.media import MemorySource
from pavas_sdk.physics import CentroidVelocityEstimator, PhysicsEstimator
from pavas_sdk.registry import default_registry
from pavas_sdk.registry.licences import is_non_commercial
from pavas_sdk.testing import moving_discs


def by_hand(reconstructor, video, size=64):
    """The frames of a video through a session, without the reconstructor."""
    session = Cut3RSession(reconstructor.model())
    found = []
    for picture in video.frames:
        small = preprocess(picture, place(*picture.shape[:2], size))
        found.append(session.step(torch.from_numpy(normalise(small))[None]))
    return found


def test_points_are_those_of_the_session_moved_by_the_pose():
    video, reconstructor = clip(4), tiny()
    answer = reconstructor.reconstruct(MemorySource(video), rng=np.random.default_rng(0))
    for index, frame in enumerate(by_hand(reconstructor, video)):
        own = frame.self_points[0].numpy()
        seen = own[..., 2] > 0
        want = frame.world_points_from_pose()[0].numpy()
        assert np.array_equal(answer.confidence[index] > 0, seen)
        assert np.array_equal(answer.points_m[index][seen], want[seen])
        assert np.allclose(answer.camera_to_world[index], frame.camera_to_world[0].numpy())
    assert answer.is_metric
    assert answer.scale_source == "cut3r"
    assert 0 < (answer.confidence > 0).mean() < 1


def test_direct_world_points():
    video, reconstructor = clip(3), tiny(world_points="direct")
    answer = reconstructor.reconstruct(MemorySource(video), rng=np.random.default_rng(0))
    last = by_hand(reconstructor, video)[-1]
    seen = answer.confidence[-1] > 0
    assert np.array_equal(answer.points_m[-1][seen], last.world_points[0].numpy()[seen])
    assert np.array_equal(answer.confidence[-1][seen], last.world_confidence[0].numpy()[seen])


def test_masks_give_the_times():
    tracks = moving_discs(1).masks
    source = moving_discs(1).source
    answer = tiny().reconstruct(source, masks=tracks, rng=np.random.default_rng(0))
    assert np.array_equal(answer.times_s, tracks[0].times_s)


def test_points_below_the_confidence_count_as_unknown():
    low, high = reconstruct(clip(2)), reconstruct(clip(2), min_confidence=2.0)
    kept = low.confidence >= 2.0
    assert 0 < kept.mean() < (low.confidence > 0).mean()
    assert np.array_equal(high.confidence > 0, kept)


def test_background_motion_is_delivered():
    answer = reconstruct(clip(5))
    assert answer.background_motion_m_s.shape == (4,)
    bare = dataclasses.replace(answer, background_motion_m_s=None)
    assert np.array_equal(
        answer.background_motion_m_s, background_motion_m_s({}, bare), equal_nan=True
    )


def test_the_estimator_fills_background_motion_and_keeps_notes():
    shown = moving_discs(1, frames=12)
    estimator = PhysicsEstimator(reconstructor=tiny(), mass_estimator=lambda thing: 1.0)
    result = estimator.estimate(shown.source)
    assert result.reconstruction.background_motion_m_s is not None
    assert set(result.reconstruction.notes) <= set(result.physics.notes)
    planar = PhysicsEstimator(mass_estimator=lambda thing: 1.0).estimate(shown.source)
    assert planar.reconstruction.background_motion_m_s.shape == (11,)


def test_it_says_after_every_frame_how_far_it_is():
    heard = []
    with progress_to(heard.append):
        reconstruct(clip(4), passes=2)
    assert [(report.done, report.total) for report in heard] == [(n, 8) for n in range(1, 9)]


def test_a_slow_machine_is_waited_for(monkeypatch):
    step = Cut3RSession.step

    def slow(self, *given, **options):
        time.sleep(0.2)
        return step(self, *given, **options)

    reconstructor = tiny()
    reconstructor.model()
    monkeypatch.setattr(Cut3RSession, "step", slow)
    estimator = PhysicsEstimator(
        reconstructor=reconstructor, mass_estimator=lambda thing: 1.0, timeout_s=2.0
    )
    started = time.monotonic()
    result = estimator.estimate(moving_discs(1, frames=12).source)
    assert time.monotonic() - started > 2.0
    assert result.reconstruction is not None


def test_one_frame():
    answer = check_reconstruction(reconstruct(clip(1)))
    assert answer.points_m.shape == (1, 48, 64, 3)
    assert answer.background_motion_m_s.shape == (0,)


@pytest.mark.parametrize("level", [0, 255])
def test_a_black_or_white_video_has_no_points_and_says_so(level):
    answer = check_reconstruction(reconstruct(plain(3, level=level)))
    assert not answer.confidence.any()
    assert np.isfinite(answer.camera_to_world).all()
    assert any("3 of 3 frames show nothing" in note for note in answer.notes)


def test_black_frames_are_passed_over():
    parts = clip(6)
    video = joined(plain(2), Video(frames=parts.frames[:3], times_s=np.arange(3) / 25.0), plain(1))
    answer = reconstruct(video)
    assert (answer.confidence > 0).any(axis=(1, 2)).tolist() == [False] * 2 + [True] * 3 + [False]
    alone = reconstruct(Video(frames=parts.frames[:3], times_s=np.arange(3) / 25.0))
    assert np.array_equal(answer.points_m[2:5], alone.points_m)  # the first one seen is the world
    assert np.array_equal(answer.camera_to_world[5], answer.camera_to_world[4])


def test_a_scene_cut_begins_a_new_session_and_no_speed_spans_it():
    first, second = clip(5, seed=1), clip(6, seed=2)
    video = joined(first, second)
    assert find_cuts(video.frames) == [5]
    answer = reconstruct(video)
    alone = reconstruct(second)
    assert np.array_equal(answer.points_m[5:], alone.points_m)
    assert not answer.confidence[5].any()
    assert np.array_equal(answer.confidence[6:], alone.confidence[1:])
    assert any("scene cut at 0.20 s" in note for note in answer.notes)
    track = moving_discs(1, frames=11).masks[0]
    everything = dataclasses.replace(track, masks=np.ones((11, 48, 64), dtype=bool))
    path = CentroidVelocityEstimator().estimate_velocity(
        moving_discs(1).objects, {0: everything}, answer, rng=np.random.default_rng(0)
    )[0]
    assert np.isnan(path.speed_m_s()[4:6]).all()
    # random weights put some frames wholly behind the camera; the others have speeds
    seen = (answer.confidence > 0).sum(axis=(1, 2)) >= 4
    assert np.array_equal(np.isfinite(path.speed_m_s()), seen[1:] & seen[:-1])
    assert (seen[1:] & seen[:-1]).any()
    whole = reconstruct(video, split_scenes=False)
    assert not any("scene cut" in note for note in whole.notes)
    assert not np.array_equal(whole.points_m[5:], alone.points_m)


def test_cuts_are_not_seen_in_motion_and_are_seen_over_black():
    assert find_cuts(clip(12).frames) == []
    assert find_cuts(moving_discs(3).video.frames) == []
    assert find_cuts(joined(clip(4, seed=1), plain(2), clip(4, seed=1)).frames) == []
    assert find_cuts(joined(clip(4, seed=1), plain(2), clip(4, seed=2)).frames) == [6]
    assert find_cuts(plain(4).frames) == []
    assert find_cuts(clip(1).frames) == []
    assert blank_frames(joined(plain(1), clip(2)).frames).tolist() == [True, False, False]


def test_revisiting_changes_the_first_frame_and_not_the_state_path():
    once, twice = reconstruct(clip(4)), reconstruct(clip(4), passes=2)
    assert not np.allclose(once.points_m[0], twice.points_m[0], atol=1e-4)


def test_4k_is_shrunk_while_reading_and_stated():
    video = clip(2, 2160, 3840)
    answer = reconstruct(video, points_max_side=32)
    assert max(answer.points_m.shape[1:3]) <= 32
    assert any("3840 x 2160 pixels were shrunk to a longer side of 1920" in n for n in answer.notes)
    assert not any("shrunk" in note for note in reconstruct(clip(2, 540, 960)).notes)


def test_square_pictures_are_cropped_and_the_grid_still_covers_them():
    video = clip(2, 64, 64)
    answer = reconstruct(video)
    assert answer.points_m.shape[1:3] == (64, 64)
    assert not answer.confidence[:, :8].any()
    assert not answer.confidence[:, 56:].any()
    assert answer.confidence[:, 8:56].any()
    whole = reconstruct(video, crop_square=False)
    assert whole.confidence[:, :8].any() or whole.confidence[:, 56:].any()


def test_thinned_maps_are_every_other_pixel():
    whole, half = reconstruct(clip(2)), reconstruct(clip(2), points_max_side=32)
    assert np.array_equal(half.points_m, whole.points_m[:, 1::2, 1::2])
    assert np.array_equal(half.confidence, whole.confidence[:, 1::2, 1::2])


def test_intrinsics_project_points_to_their_cells():
    """The matrix of the grid says where a point of the model's picture appears in it."""
    from pavas_cut3r.grid import OutputGrid

    focal, step = 70.0, 3
    grid = OutputGrid(place(100, 100, 96, crop_square=False), step)
    assert grid.placement.size == (96, 96)
    rows, columns = np.mgrid[:96, :96]
    z = 1.0 + 0.01 * rows
    points = np.stack([(columns - 48) * z / focal, (rows - 48) * z / focal, z], axis=-1)
    target = np.zeros((*grid.size, 3), dtype=np.float32)
    grid.write(target, points.astype(np.float32))
    pixel = target @ grid.intrinsics(focal).T
    found = pixel[..., :2] / pixel[..., 2:]
    rows, columns = np.mgrid[: grid.size[0], : grid.size[1]]
    assert np.allclose(found[..., 0], columns, atol=1e-3)
    assert np.allclose(found[..., 1], rows, atol=1e-3)


def test_intrinsics_of_the_source_picture():
    placement = place(1080, 1920)
    matrix = np.array([[400.0, 0, 256], [0, 400.0, 144], [0, 0, 1]])
    assert np.allclose(
        placement.source_intrinsics(matrix)[:2].ravel(), [1500, 0, 960, 0, 1500, 540]
    )


def test_failed_focal_lengths_are_said():
    answer = reconstruct(clip(2))  # random weights explain no camera
    assert answer.intrinsics is None or len(answer.notes) > 0
    assert any("no focal length fits" in note for note in answer.notes)


@pytest.mark.parametrize(("height", "width"), [(37, 501), (20, 400)])
def test_elongated_pictures_are_refused_in_words(height, width):
    with pytest.raises(InputError, match="too elongated"):
        reconstruct(clip(2, height, width))


@pytest.mark.parametrize(
    "options",
    [
        {"size": 8},
        {"points_max_side": 4},
        {"max_source_side": 100},
        {"world_points": "best"},
        {"block_dtype": "float16"},
        {"passes": 0},
        {"min_confidence": float("nan")},
    ],
)
def test_impossible_settings_are_refused(options):
    with pytest.raises(ConfigurationError):
        Cut3RConfig(**options)


def test_precision_options_reach_the_model():
    model = tiny(block_dtype="bfloat16", rope_float16_rounding=False).model()
    assert model.dec_blocks[0].attn.qkv.weight.dtype == torch.bfloat16
    assert not model.enc_blocks[0].attn.float16_rounding
    assert tiny().model().enc_blocks[0].attn.float16_rounding


def test_it_is_registered_with_the_licence_of_its_weights():
    entry = default_registry().get("reconstructor", "pavas-cut3r/cut3r")
    assert entry.load() is Cut3RReconstructor
    assert is_non_commercial(entry.licence)
