"""Clips on disk: what is kept, what is resumed, what is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import CONFIG, toy_takes

from pavas_sdk.data import Audio, Contact
from pavas_sdk.data.alignment import mask_grids_at
from pavas_sdk.errors import FormatError, InputError
from pavas_sdk.models import MEL_48K, MelSpectrogram
from pavas_sdk.pipelines.adapter_inputs import adapter_inputs
from pavas_sdk.training import ClipStore, StoreConfig, write_shard
from pavas_sdk.training.shards import is_finished
from pavas_sdk.training.store import clip_arrays, clip_facts


def test_arrays_of_a_clip():
    takes = toy_takes(1)
    arrays = clip_arrays(takes, CONFIG)
    assert arrays["frames"].shape == (32, 64, 64, 3)
    np.testing.assert_array_equal(arrays["frames"], takes[0].video.frames)
    assert arrays["mel"].shape == (2, 80, 80)
    assert arrays["masks"].shape == (2, 32, 8, 8)
    entry = takes[0].physics.objects[0]
    assert arrays["mass_kg"][0, 0] == pytest.approx(entry.mass_kg)
    assert arrays["mass_kg"][1, 0] == pytest.approx(8 * entry.mass_kg)
    assert np.isnan(arrays["mass_kg"][:, 1]).all()
    assert np.isfinite(arrays["speed_m_s"][:, 0]).all()
    assert np.isnan(arrays["speed_m_s"][:, 1]).all()
    for take, energy_j in zip(takes, arrays["impact_energy_j"][:, 0], strict=True):
        wanted = sum(contact.energy_change_j for contact in take.contacts)
        assert energy_j.sum() == pytest.approx(wanted, rel=1e-6)
        assert 2 <= (energy_j > 0).sum() <= 4


def test_mel_is_that_of_the_take():
    takes = toy_takes(4)
    wave = torch.tensor(takes[1].true_audio.mono)[None]
    wanted = MelSpectrogram(MEL_48K)(wave)[0].numpy()
    np.testing.assert_allclose(clip_arrays(takes, CONFIG)["mel"][1], wanted, atol=2e-3)


def test_masks_keep_the_covered_share_and_never_lose_a_sliver():
    takes = toy_takes(2)
    share = mask_grids_at(takes[0].masks[3], CONFIG.times_s, 8)
    kept = clip_arrays(takes, CONFIG)["masks"][0] / 255.0
    np.testing.assert_allclose(kept, share, atol=1 / 255)
    assert ((share > 0) == (kept > 0)).all()


def test_what_is_stored_is_what_inference_gives_the_adapter():
    take = toy_takes(3)[0]
    entry, track = take.physics[3], take.masks[3]
    early = slice(0, 16)
    known = replace(
        entry, speed_times_s=entry.speed_times_s[early], speed_m_s=entry.speed_m_s[early]
    )
    seen = replace(
        track,
        masks=track.masks[early],
        times_s=track.times_s[early],
        scores=track.scores[early],
    )
    take = replace(take, physics=replace(take.physics, objects=(known,)), masks={3: seen})
    arrays = clip_arrays((take,), CONFIG)
    given = adapter_inputs(
        take.physics.objects,
        take.masks,
        CONFIG.times_s,
        CONFIG.grid,
        impacts=take.physics.impacts(),
    )
    np.testing.assert_array_equal(
        arrays["impact_energy_j"][0, 0], given.impact_energy_j[0, 0].numpy()
    )
    assert arrays["impact_energy_j"][0, 0].any()
    np.testing.assert_array_equal(arrays["speed_m_s"][0, 0], given.speed_m_s[0, 0].numpy())
    assert np.isnan(arrays["speed_m_s"][0, 0, 17:]).all()
    np.testing.assert_allclose(arrays["masks"][0] / 255.0, given.masks[0, 0].numpy(), atol=1 / 255)
    assert not arrays["masks"][0, 16:].any()


def test_a_store_reads_shards_in_order(store_folder):
    store = ClipStore(store_folder)
    assert len(store) == 10
    assert [fact["seed"] for fact in store.facts] == list(range(10))
    assert store.config == CONFIG
    np.testing.assert_array_equal(
        store.get("frames", 7), clip_arrays(toy_takes(7), CONFIG)["frames"]
    )
    assert store.all("mass_kg").shape == (10, 2, 2)
    fact = store.facts[2]
    assert fact["object_ids"] == [3]
    assert fact["takes"][0]["times_s"] == pytest.approx(
        [contact.time_s for contact in toy_takes(2)[0].contacts], abs=1e-5
    )


def test_a_finished_shard_is_left_alone_and_an_interrupted_one_is_made_again(tmp_path):
    folder = tmp_path / "shard-0000"
    write_shard(folder, range(2), toy_takes, CONFIG)
    before = (folder / "frames.npy").stat().st_mtime_ns

    def refuse(seed):
        raise AssertionError(f"clip {seed} was made again")

    write_shard(folder, range(2), refuse, CONFIG)
    assert (folder / "frames.npy").stat().st_mtime_ns == before
    (folder / "meta.json").unlink()
    (folder / "left_over.npy").write_bytes(b"half")
    write_shard(folder, range(2), toy_takes, CONFIG)
    assert not (folder / "left_over.npy").exists()
    assert len(ClipStore(tmp_path)) == 2


def test_an_interrupted_shard_does_not_count(tmp_path):
    def fail(seed):
        if seed == 1:
            raise KeyboardInterrupt
        return toy_takes(seed)

    with pytest.raises(KeyboardInterrupt):
        write_shard(tmp_path / "shard-0000", range(3), fail, CONFIG)
    with pytest.raises(InputError, match="no finished shard"):
        ClipStore(tmp_path)


def test_newer_formats_and_mixed_sizes_are_refused(tmp_path):
    write_shard(tmp_path / "a", range(1), toy_takes, CONFIG)
    write_shard(tmp_path / "b", range(1), toy_takes, StoreConfig(duration_s=1.0, takes=1))
    with pytest.raises(FormatError, match="differ in size"):
        ClipStore(tmp_path)
    meta = tmp_path / "b" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format_version": 99}))
    with pytest.raises(FormatError, match="99"):
        ClipStore(tmp_path)


def test_a_store_of_before_there_were_impacts_says_what_to_do(tmp_path):
    write_shard(tmp_path / "a", range(1), toy_takes, CONFIG)
    meta = tmp_path / "a" / "meta.json"
    meta.write_text(json.dumps({**json.loads(meta.read_text()), "format_version": 2}))
    with pytest.raises(FormatError, match=r"format 2, .* reads 4; make the clips again: delete"):
        ClipStore(tmp_path)


def test_contacts_without_energy_are_not_kept():
    take = toy_takes(0)[0]
    silent = [Contact(time_s=0.5, object_id=3, energy_change_j=0.0), Contact(time_s=0.6)]
    takes = (replace(take, contacts=(*take.contacts, *silent)),)
    (kept, _) = clip_facts(takes, CONFIG)["takes"]
    assert kept["times_s"] == pytest.approx([c.time_s for c in take.contacts], abs=1e-5)
    floor = Contact(time_s=0.7, energy_change_j=1.0)
    (kept, _) = clip_facts((replace(take, contacts=(floor,)),), CONFIG)["takes"]
    assert kept["object_ids"] == [-1]


def test_sound_at_another_rate_is_refused():
    first, second = toy_takes(0)
    other = replace(second, audio=Audio(samples=np.zeros(8000), sample_rate_hz=8000))
    with pytest.raises(InputError, match="8000 Hz"):
        clip_arrays((first, other), CONFIG)
    with pytest.raises(InputError, match="no true sound"):
        clip_arrays((first, replace(second, audio=None)), CONFIG)


def test_takes_must_show_the_same_picture_and_objects():
    first, second = toy_takes(0)
    other = replace(
        second, physics=second.physics.without(3), masks={}, contacts=(), materials={}, sizes_m={}
    )
    with pytest.raises(InputError, match="different objects"):
        clip_arrays((first, other), CONFIG)
    with pytest.raises(InputError, match="one picture, got clips 0 and 1"):
        clip_arrays((first, toy_takes(1)[1]), CONFIG)
    with pytest.raises(InputError, match="at least one take"):
        clip_arrays((), CONFIG)


@pytest.mark.parametrize("text", ["", '{"format_version"', "[]"])
def test_a_shard_with_half_a_meta_json_is_made_again(tmp_path, text):
    folder = tmp_path / "shard-0000"
    folder.mkdir()
    (folder / "meta.json").write_text(text)
    assert not is_finished(folder)
    made = []

    def source(seed):
        made.append(seed)
        raise RuntimeError("made again")

    with pytest.raises(RuntimeError, match="made again"):
        write_shard(folder, [7], source, StoreConfig(estimate_every=0))
    assert made == [7]
