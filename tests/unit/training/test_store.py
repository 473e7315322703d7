"""Clips on disk: what is kept, what is resumed, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import CONFIG, toy_clip

from pavas_sdk.data import Audio
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.models import MEL_16K, MelSpectrogram
from pavas_sdk.training import ClipStore, StoreConfig, write_shard
from pavas_sdk.training.store import clip_arrays, mask_grids, object_speeds


def test_arrays_of_a_clip():
    clip = toy_clip(1)
    arrays = clip_arrays(clip, CONFIG)
    assert arrays["frames"].shape == (32, 64, 64, 3)
    np.testing.assert_array_equal(arrays["frames"], clip.video.frames)
    assert arrays["mel"].shape == (2, 80, 80)
    assert arrays["masks"].shape == (2, 32, 8, 8)
    entry = clip.takes[0].physics.objects[0]
    assert arrays["mass_kg"][0, 0] == pytest.approx(entry.mass_kg)
    assert arrays["mass_kg"][1, 0] == pytest.approx(8 * entry.mass_kg)
    assert np.isnan(arrays["mass_kg"][:, 1]).all()
    assert np.isfinite(arrays["speed_m_s"][:, 0]).all()
    assert np.isnan(arrays["speed_m_s"][:, 1]).all()


def test_mel_is_that_of_the_take():
    clip = toy_clip(4)
    wave = torch.tensor(clip.takes[1].audio.mono)[None]
    wanted = MelSpectrogram(MEL_16K)(wave)[0].numpy()
    np.testing.assert_allclose(clip_arrays(clip, CONFIG)["mel"][1], wanted, atol=2e-3)


def test_masks_keep_the_covered_share_and_never_lose_a_sliver():
    clip = toy_clip(2)
    share = mask_grids(clip.masks[3], CONFIG.times_s, 8)
    kept = clip_arrays(clip, CONFIG)["masks"][0] / 255.0
    np.testing.assert_allclose(kept, share, atol=1 / 255)
    assert ((share > 0) == (kept > 0)).all()


def test_an_object_without_track_or_speeds():
    assert not mask_grids(None, CONFIG.times_s, 8).any()
    entry = toy_clip(1).takes[0].physics.objects[0]
    nothing = replace(entry, speed_times_s=np.zeros(0), speed_m_s=np.zeros(0))
    assert np.isnan(object_speeds(nothing, CONFIG.times_s)).all()


def test_a_store_reads_shards_in_order(store_folder):
    store = ClipStore(store_folder)
    assert len(store) == 10
    assert [fact["seed"] for fact in store.facts] == list(range(10))
    assert store.config == CONFIG
    np.testing.assert_array_equal(
        store.get("frames", 7), clip_arrays(toy_clip(7), CONFIG)["frames"]
    )
    assert store.all("mass_kg").shape == (10, 2, 2)
    fact = store.facts[2]
    assert fact["object_ids"] == [3]
    assert fact["takes"][0]["times_s"] == pytest.approx(toy_clip(2).takes[0].contacts.times_s)


def test_a_finished_shard_is_left_alone_and_an_interrupted_one_is_made_again(tmp_path):
    folder = tmp_path / "shard-0000"
    write_shard(folder, range(2), toy_clip, CONFIG)
    before = (folder / "frames.npy").stat().st_mtime_ns

    def refuse(seed):
        raise AssertionError(f"clip {seed} was made again")

    write_shard(folder, range(2), refuse, CONFIG)
    assert (folder / "frames.npy").stat().st_mtime_ns == before
    (folder / "meta.json").unlink()
    (folder / "left_over.npy").write_bytes(b"half")
    write_shard(folder, range(2), toy_clip, CONFIG)
    assert not (folder / "left_over.npy").exists()
    assert len(ClipStore(tmp_path)) == 2


def test_an_interrupted_shard_does_not_count(tmp_path):
    def fail(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return toy_clip(seed)

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "shard-0000", range(3), fail, CONFIG)
    with pytest.raises(InputError, match="no finished shard"):
        ClipStore(tmp_path)


def test_newer_formats_and_mixed_sizes_are_refused(tmp_path):
    write_shard(tmp_path / "a", range(1), toy_clip, CONFIG)
    write_shard(tmp_path / "b", range(1), toy_clip, StoreConfig(duration_s=1.0, takes=1))
    with pytest.raises(FormatError, match="differ in size"):
        ClipStore(tmp_path)
    meta = tmp_path / "b" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format_version": 99}))
    with pytest.raises(FormatError, match="99"):
        ClipStore(tmp_path)


def test_sound_at_another_rate_is_refused():
    clip = toy_clip(0)
    take = replace(clip.takes[0], audio=Audio(samples=np.zeros(8000), sample_rate_hz=8000))
    with pytest.raises(InputError, match="8000 Hz"):
        clip_arrays(replace(clip, takes=(take, take)), CONFIG)


def test_takes_must_show_the_same_objects():
    clip = toy_clip(0)
    other = replace(clip.takes[1], physics=clip.takes[1].physics.without(3))
    with pytest.raises(InputError, match="different objects"):
        replace(clip, takes=(clip.takes[0], other))
    with pytest.raises(InputError, match="no take"):
        replace(clip, takes=())
