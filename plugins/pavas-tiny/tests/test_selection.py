"""Which tracks are objects: made by hand, so that what is right is known."""

from __future__ import annotations

import numpy as np
import pytest
from pavas_tiny.camera_motion import CameraMotion
from pavas_tiny.selection import _in_frame, select_movers
from pavas_tiny.tracking import Parts, Track
from scenes import disc, overlap

SIZE = (60, 90)
STILL = CameraMotion(matrix=np.tile(np.eye(2, 3), (60, 1, 1)), moving=False, residual=0.0)


class Stage:
    """Tracks with parts and labels that agree."""

    def __init__(self, frames=30):
        self.labels = np.zeros((frames, *SIZE), np.int32)
        self.tracks, self.rows = [], []

    def add(self, centres, *, start=0, radius=5.0, contrast=6.0, shade=0.0, light=1.0):
        track = Track()
        level = np.broadcast_to(contrast, len(centres))
        for k, centre in enumerate(np.asarray(centres, dtype=float)):
            frame = start + k
            mask = disc(centre, radius, SIZE) > 0.5
            edge = mask[[0, -1]].any() or mask[:, [0, -1]].any()
            self.rows.append((frame, centre, mask.sum(), level[k], shade, light, edge))
            self.labels[frame][mask] = len(self.rows)
            track.frames.append(frame)
            track.parts.append(len(self.rows) - 1)
            track.centres.append(centre)
            track.areas.append(float(mask.sum()))
            track.shared.append(False)
        self.tracks.append(track)
        return self

    def movers(self, *, max_objects=4, camera=STILL, offset=(0.0, 0.0)):
        frame, centre, area, contrast, shade, light, edge = zip(*self.rows, strict=True)
        parts = Parts(
            frame=np.array(frame),
            centre=np.array(centre),
            area=np.array(area, dtype=float),
            colour=np.zeros((len(frame), 3)),
            contrast=np.array(contrast),
            shade=np.array(shade),
            light=np.array(light),
            edge=np.array(edge),
        )
        return select_movers(self.tracks, parts, self.labels, offset, camera, SIZE, max_objects)


def path(frames, start, step):
    return np.asarray(start) + np.outer(np.arange(frames), step)


def starts(movers):
    return sorted(int(np.flatnonzero(np.isfinite(m.centres[:, 0]))[0]) for m in movers)


ACROSS = path(30, (10, 30), (2.0, 0.0))
BENDING = ACROSS + np.stack([np.zeros(30), 4 + 0.1 * (np.arange(30) - 15.0) ** 2], axis=1)


def test_a_mover_has_its_masks_and_centres():
    (mover,) = Stage().add(ACROSS).movers()
    np.testing.assert_allclose(mover.centres, ACROSS)
    for t in (0, 14, 29):
        np.testing.assert_array_equal(mover.masks[t], disc(ACROSS[t], 5.0, SIZE) > 0.5)
    assert 0.45 < mover.score <= 1.0


def test_centres_are_in_the_reference_picture():
    (mover,) = Stage().add(ACROSS).movers(offset=(-5.0, 3.0))
    np.testing.assert_allclose(mover.centres, ACROSS + np.array([-5.0, 3.0]))


def test_what_stays_or_jitters_is_none():
    rng = np.random.default_rng(0)
    assert Stage().add(np.tile((30.0, 30.0), (30, 1))).movers() == []
    assert Stage().add(rng.normal((30.0, 30.0), 0.4, size=(30, 2))).movers() == []


def test_four_frames_are_too_few():
    fast = path(5, (10, 30), (10.0, 0.0))
    assert Stage().add(fast[:4]).movers() == []
    assert len(Stage().add(fast).movers()) == 1


def test_faint_is_none():
    assert Stage().add(ACROSS, contrast=1.4).movers() == []
    short = path(30, (10, 30), (0.15, 0.0))  # faint and hardly moving
    assert Stage().add(short, contrast=2.2).movers() == []
    assert len(Stage().add(short, contrast=4.0).movers()) == 1


def test_a_moving_camera_asks_for_more_travel():
    little = path(30, (10, 30), (0.1, 0.0))  # 2.7 px
    moving = CameraMotion(matrix=STILL.matrix, moving=True, residual=0.0)
    assert len(Stage().add(little).movers()) == 1
    assert Stage().add(little).movers(camera=moving) == []


def test_straight_motion_beats_a_random_walk():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(scale=1.2, size=(30, 2)), axis=0) + np.array([45, 20])
    movers = Stage().add(walk, radius=4).add(path(30, (10, 50), (2.0, 0.0)), radius=4).movers()
    assert movers[0].centres[0, 1] == 50


def test_of_two_that_go_equally_far_the_smoother_one_is_better():
    zigzag = path(30, (10, 20), (2.0, 0.0))
    zigzag[::2, 1] += 5.0
    movers = Stage().add(zigzag).add(path(30, (10, 50), (2.0, 0.0))).movers()
    assert [mover.centres[1, 1] for mover in movers] == [50, 20]


def test_only_clear_ones_stay_beside_the_best():
    weak = path(30, (10, 50), (0.12, 0.0))
    movers = Stage().add(ACROSS).add(weak, contrast=2.6).movers()
    assert len(movers) == 1
    both = Stage().add(ACROSS).add(path(30, (10, 50), (2.0, 0.0)))
    assert len(both.movers()) == 2
    assert len(both.movers(max_objects=1)) == 1


def test_specks_and_short_pieces_beside_the_main_object_go():
    near = path(30, (20, 50), (0.7, 0.0))
    assert len(Stage().add(ACROSS).add(near).movers()) == 2
    assert len(Stage().add(ACROSS, radius=9.0).add(near, radius=3.5).movers()) == 1
    for frames, count in ((25, 2), (14, 1)):
        piece = path(frames, (40, 50), (1.0, 0.0))
        stage = Stage(60).add(path(60, (10, 30), (1.1, 0.0))).add(piece, start=9)
        assert len(stage.movers()) == count


def test_a_hand_that_throws_is_not_what_is_heard():
    arm = path(30, (30, 57), (1.5, -0.2))
    assert len(Stage().add(ACROSS - (0, 10)).add(arm, radius=6.0).movers()) == 1
    # nothing flies: who reaches in is the one that acts
    still = path(30, (50, 20), (0.3, 0.0))
    assert len(Stage().add(still, contrast=30.0).add(arm, radius=6.0).movers()) == 2


def test_a_hand_that_comes_back_over_the_edge_is_the_same():
    first, second = path(12, (1, 20), (1.5, 0.0)), path(12, (86, 40), (-1.5, 0.0))
    gone = path(12, (70, 20), (1.5, 0.0))
    assert len(Stage(60).add(gone).add(second, start=30).movers()) == 1
    assert len(Stage(60).add(first).add(second, start=30).movers()) == 2  # it left nowhere
    assert len(Stage(90).add(gone).add(second, start=78).movers()) == 2  # long ago


@pytest.mark.parametrize("light", [0.6, 0.9])
def test_a_shadow_that_a_solid_thing_leads_goes(light):
    solid = ACROSS - (0, 15)
    shadow = solid * (1.1, 0.2) + (3, 42)  # an affine map of its caster's path
    movers = Stage().add(solid).add(shadow, shade=0.9, light=light).movers()
    assert len(movers) == 1
    assert movers[0].centres[0, 1] == 15


def test_a_grey_thing_on_its_own_way_stays():
    stage = Stage().add(ACROSS - (0, 18)).add(BENDING, shade=0.9, light=0.6)
    assert len(stage.movers()) == 2


def test_light_shade_goes_even_on_its_own_way():
    stage = Stage().add(ACROSS - (0, 18)).add(BENDING, shade=0.9, light=0.9)
    assert len(stage.movers()) == 1


def test_a_shadow_alone_is_the_thing():
    stage = Stage().add(ACROSS, shade=0.9, light=0.9)
    assert len(stage.movers()) == 1


def test_what_is_lost_and_found_is_one_object():
    stage = Stage()
    stage.add(ACROSS[:12]).add(ACROSS[18:], start=18)
    (mover,) = stage.movers()
    seen = np.isfinite(mover.centres[:, 0])
    np.testing.assert_array_equal(np.flatnonzero(~seen), np.arange(12, 18))
    assert mover.masks[20].any()


def test_what_is_fast_is_found_where_it_was_heading_for():
    fast = path(17, (2, 30), (5.0, 0.0))
    stage = Stage().add(fast[:5], radius=3).add(fast[10:], start=10, radius=3)
    assert starts(stage.movers()) == [0]


def test_what_begins_elsewhere_is_another():
    stage = Stage().add(ACROSS[:12]).add(path(12, (20, 50), (2.0, 0.0)), start=18)
    assert starts(stage.movers()) == [0, 18]


def test_another_size_is_another():
    stage = Stage().add(ACROSS[:12], radius=3).add(ACROSS[18:], start=18, radius=9)
    assert starts(stage.movers()) == [0, 18]


def test_the_faint_rest_that_stays_behind_is_cut():
    places = np.concatenate([ACROSS[:15], np.repeat(ACROSS[14:15], 15, axis=0)])
    contrast = np.where(np.arange(30) < 16, 6.0, 1.6)
    (mover,) = Stage().add(places, contrast=contrast).movers()
    assert np.isfinite(mover.centres[:, 0]).sum() == 16
    clear = Stage().add(places, contrast=6.0).movers()[0]
    assert np.isfinite(clear.centres[:, 0]).all()  # a thing at rest stays seen
    (fading,) = Stage().add(ACROSS, contrast=contrast).movers()
    assert np.isfinite(fading.centres[:, 0]).all()  # and one that still moves


def test_a_shared_part_is_divided_by_nearness():
    stage = Stage(frames=20)
    stage.add(path(20, (20, 30), (1.0, 0.0))).add(path(20, (60, 30), (-1.0, 0.0)))
    first, second = stage.tracks
    frame, joined = 17, first.parts[17]
    stage.labels[frame][stage.labels[frame] > 0] = joined + 1
    second.parts[frame], second.shared[frame] = joined, True
    movers = sorted(stage.movers(), key=lambda mover: mover.centres[0, 0])
    left, right = (mover.masks[frame] for mover in movers)
    assert not (left & right)[:, :39].any()
    assert left.sum() == pytest.approx(right.sum(), rel=0.15)
    assert np.nonzero(left)[1].mean() < 39 < np.nonzero(right)[1].mean() + 3


def test_a_shared_part_is_divided_by_size():
    stage = Stage(frames=20).add(path(20, (18, 30), (1.0, 0.0)), radius=8)
    stage.add(path(20, (64, 30), (-1.0, 0.0)), radius=4)
    large, small = stage.tracks
    frame = 18  # centres at 36 and 46
    stage.labels[frame][stage.labels[frame] > 0] = large.parts[frame] + 1
    small.parts[frame], small.shared[frame] = large.parts[frame], True
    left, right = sorted(stage.movers(), key=lambda mover: mover.centres[0, 0])
    assert overlap(left.masks[frame], disc((36, 30), 8, SIZE) > 0.5) > 0.9
    assert overlap(right.masks[frame], disc((46, 30), 4, SIZE) > 0.5) > 0.8


def test_a_mask_goes_back_into_its_own_frame():
    matrix = np.tile(np.eye(2, 3), (3, 1, 1))
    matrix[1, :, 2] = (4.0, -2.0)
    camera = CameraMotion(matrix=matrix, moving=True, residual=0.0)
    canvas = np.zeros((70, 100), dtype=bool)
    canvas[20:26, 30:40] = True
    back = _in_frame(canvas, camera, 1, (-5.0, -3.0), SIZE)
    expected = np.zeros(SIZE, dtype=bool)
    expected[20 - 3 + 2 : 26 - 3 + 2, 30 - 5 - 4 : 40 - 5 - 4] = True
    np.testing.assert_array_equal(back, expected)
    outside = _in_frame(canvas, camera, 1, (200.0, 0.0), SIZE)
    assert not outside.any()
