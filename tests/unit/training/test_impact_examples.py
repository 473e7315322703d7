"""Rows of the impact detector's training: labels follow what the changed picture shows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from training_pictures_world import SIZES, toy_picture

from pavas_sdk.training.camera_changes import blurred_and_noisy, draw_camera_change
from pavas_sdk.training.impact_examples import draw_example
from pavas_sdk.training.impact_labels import clip_contacts, slot_labels
from pavas_sdk.training.impact_store import ImpactStore, write_pictures


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    write_pictures(root / "shard-0000", range(8), SIZES, source=toy_picture)
    return ImpactStore(root)


def contact(time_s, energy_j):
    return {"time_s": time_s, "energy_change_j": energy_j}


def test_a_place_follows_the_camera():
    rng = np.random.default_rng(0)
    seen = 0
    for _ in range(60):
        change = draw_camera_change(5, rng)
        place = (float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.2, 0.8)))
        column, row = (int(share * 64) for share in place)
        pictures = torch.zeros(5, 1, 64, 64)
        pictures[:, :, row - 1 : row + 2, column - 1 : column + 2] = 1.0
        changed = change.of_pictures(pictures)[:, 0]
        middle = ((column + 0.5) / 64, (row + 0.5) / 64)
        for frame in range(5):
            across, down = change.of_place(middle, frame)
            if 0.05 < across < 0.95 and 0.05 < down < 0.95:
                peak = int(changed[frame].argmax())
                assert abs(peak % 64 + 0.5 - 64 * across) < 2.5
                assert abs(peak // 64 + 0.5 - 64 * down) < 2.5
                seen += 1
    assert seen > 100


def test_a_still_clip_stays_still_but_for_shake_and_noise():
    rng = np.random.default_rng(2)
    still = torch.rand(1, 8, 8).repeat_interleave(8, 1).repeat_interleave(8, 2).expand(6, 64, 64)
    moved = 0
    for _ in range(20):
        camera = draw_camera_change(6, rng)
        seen = blurred_and_noisy(camera.of_pictures(still[:, None])[:, 0], rng)
        assert seen.shape == still.shape
        assert 0.0 <= float(seen.min()) <= float(seen.max()) <= 1.0
        moved += float((seen[1:] - seen[:-1]).abs().mean()) > 0.05
    assert moved <= 12


def test_labels_lie_where_the_changed_row_blinks(store):
    rng = np.random.default_rng(3)
    looked_at = 0
    for index in range(120):
        row = draw_example(store, index % 8, frames=32, slots=4, rng=rng)
        assert row.changes.shape == (32, 5, 64, 64)
        assert row.wanted.shape == row.counted.shape == (128,)
        assert row.moving.shape == row.log10_speed.shape == (32, 8, 8)
        for impact in row.impacts:
            across, down = impact.place
            if not (0.1 < across < 0.9 and 0.1 < down < 0.9):
                continue
            frame = impact.slot // 4
            if not 1 <= frame < 22:  # the row begins too late or ends too early to show the blink
                continue
            # the film has the blink up to 0.02 s later, the store's next frame shows it, slowed
            change = row.changes[frame : frame + 5, 1].abs().amax(dim=0)
            column, line = int(64 * across), int(64 * down)
            near = change[line - 3 : line + 4, column - 3 : column + 4]
            # beyond the edge the picture is mirrored, and what blinks may be there once more
            assert float(near.max()) > 0.5 * float(change.max())
            assert float(change.median()) < 0.3 * float(near.max())
            looked_at += 1
    assert looked_at > 40


def test_facts_are_those_of_the_energy_and_taught_at_true_speed_only(store):
    rng = np.random.default_rng(4)
    tempi = []
    for index in range(60):
        row = draw_example(store, index % 8, frames=32, slots=4, rng=rng)
        for impact in row.impacts:
            assert 10**impact.log10_speed == pytest.approx(3.0)
            assert 10**impact.log10_mass == pytest.approx(0.2)
            assert row.wanted[impact.slot] == 1.0
            assert row.counted[impact.slot] == 1.0
            tempi.append(impact.true_tempo)
    assert 0 < sum(tempi) < len(tempi)


def test_what_moves_is_where_the_object_is_until_it_stops(store):
    rng = np.random.default_rng(5)
    for index in range(40):
        row = draw_example(store, index % 8, frames=32, slots=4, rng=rng)
        where = row.moving > 0.3
        if where.any():
            assert float((row.log10_speed[where] - np.log10(3.0)).abs().max()) < 0.16
        for impact in row.impacts:
            assert not (row.moving[impact.slot // 4 + 2 :] > 0.3).any()


def test_a_row_depends_on_its_draws_alone(store):
    one, two = (
        draw_example(store, 3, frames=24, slots=4, rng=np.random.default_rng([1, 2]))
        for _ in range(2)
    )
    assert torch.equal(one.changes, two.changes)
    assert torch.equal(one.wanted, two.wanted)
    assert one.impacts == two.impacts


def test_weak_contacts_are_neither_impacts_nor_none():
    found = clip_contacts([contact(0.50, 1.0), contact(0.9, 2e-5), contact(1.3, 1e-8)])
    assert [c["time_s"] for c in found.heard] == [0.50]
    assert [c["time_s"] for c in found.weak] == [0.9]
    alone = clip_contacts([contact(0.9, 2e-5)])
    assert [c["time_s"] for c in alone.heard] == [0.9]
    assert clip_contacts([]) == ([], [])


def test_contacts_at_one_moment_are_their_strongest():
    found = clip_contacts([contact(0.53, 0.2), contact(0.50, 0.1), contact(0.515, 0.3)])
    assert [c["energy_change_j"] for c in found.heard] == [0.3]


def test_slots_beside_an_impact_are_wanted_a_little_and_uncertain_ones_do_not_count():
    labels = slot_labels(12, hits=[4, 11], uncertain=[6])
    np.testing.assert_allclose(labels.wanted, [0, 0, 0, 0.3, 1, 0.3, 0, 0, 0, 0, 0.3, 1])
    np.testing.assert_allclose(labels.counted, [1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1])
    assert slot_labels(3, hits=[], uncertain=[0]).counted.tolist() == [0, 0, 0]
