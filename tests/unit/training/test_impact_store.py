"""Pictures for the impact detector: what is kept, what is made again, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from training_pictures_world import FPS, SIZES, toy_picture

from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.training.impact_store import ImpactStore, picture_arrays, write_pictures
from pavas_sdk.training.shards import make_shards

write_toys = partial(write_pictures, config=SIZES, source=toy_picture)


def test_a_frame_is_the_one_that_is_shown_at_its_moment():
    for seed in range(6):
        picture = toy_picture(seed, SIZES.scene)
        arrays = picture_arrays(picture, seed, SIZES)
        times_s = SIZES.times_s(seed)
        assert arrays["grey"].shape == (SIZES.frames, 64, 64)
        hit_s = picture.contacts[0].time_s
        shown_s = np.floor(times_s * FPS + 1e-3) / FPS
        blinks = arrays["grey"].reshape(SIZES.frames, -1).max(axis=1) > 150
        np.testing.assert_array_equal(blinks, (shown_s >= hit_s) & (shown_s < hit_s + 0.1))
        masks = arrays["masks"][0] / 255.0
        np.testing.assert_allclose(64 * masks.sum(axis=(1, 2)), 25.0, atol=0.5)
        assert not arrays["masks"][1].any()
        speed = arrays["speed_m_s"]
        np.testing.assert_allclose(speed[0], np.where(times_s < hit_s, 3.0, 0.0), atol=3.0 * 0)
        assert np.isnan(speed[1]).all()


def test_some_clips_are_looked_at_from_within_a_frame():
    firsts = np.array([SIZES.times_s(seed)[0] for seed in range(200)])
    assert ((firsts >= 0) & (firsts < 0.04)).all()
    assert 0.45 < (firsts > 0).mean() < 0.75
    np.testing.assert_allclose(np.diff(SIZES.times_s(3)), 0.04)
    assert not any(replace(SIZES, shifted_share=0.0).times_s(seed)[0] for seed in range(20))


def test_a_store_reads_what_was_written_and_makes_interrupted_shards_again(tmp_path):
    make_shards(tmp_path, range(10, 15), write_toys, shard=2)
    store = ImpactStore(tmp_path)
    assert [fact["seed"] for fact in store.facts] == [10, 11, 12, 13, 14]
    assert store.config == SIZES
    wanted = toy_picture(13, SIZES.scene)
    np.testing.assert_array_equal(store.get("grey", 3), picture_arrays(wanted, 13, SIZES)["grey"])
    contact = store.facts[3]["contacts"][0]
    assert contact["time_s"] == wanted.contacts[0].time_s
    assert tuple(contact["place"]) == wanted.contacts[0].place
    assert store.facts[3]["first_frame_s"] == SIZES.times_s(13)[0]

    made = []

    def counted(seed, config):
        made.append(seed)
        return toy_picture(seed, config)

    (tmp_path / "shard-0001" / "meta.json").write_text('{"format_version"')
    make_shards(
        tmp_path, range(10, 15), partial(write_pictures, config=SIZES, source=counted), shard=2
    )
    assert made == [12, 13]
    assert len(ImpactStore(tmp_path)) == 5


def test_an_interrupt_leaves_no_shard(tmp_path):
    def fail(seed, config):
        if seed == 1:
            raise KeyboardInterrupt
        return toy_picture(seed, config)

    with pytest.raises(KeyboardInterrupt):
        write_pictures(tmp_path / "shard-0000", range(3), SIZES, source=fail)
    with pytest.raises(InputError, match="no finished shard"):
        ImpactStore(tmp_path)


def test_other_versions_and_sizes_are_refused(tmp_path):
    write_pictures(tmp_path / "a", range(1), SIZES, source=toy_picture)
    write_pictures(tmp_path / "b", range(1), replace(SIZES, max_objects=1), source=toy_picture)
    with pytest.raises(FormatError, match="differ in size"):
        ImpactStore(tmp_path)
    meta = tmp_path / "b" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format_version": 99}))
    with pytest.raises(FormatError, match="99"):
        ImpactStore(tmp_path)
