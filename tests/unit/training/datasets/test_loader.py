"""Batches: a function of (seed, step), whatever the processes, micro-batches and threads."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from training_datasets_world import LAYOUT, toy_objects, toy_row, write_set

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.training.datasets import BatchLoader, BatchOrder, FeatureSet, Mixture, SetLayout


@pytest.fixture(scope="module")
def features(tmp_path_factory):
    return FeatureSet(write_set(tmp_path_factory.mktemp("features")))


def joined(parts, name):
    return torch.cat([getattr(part, name) for part in parts])


@given(rows=st.integers(1, 40), batch=st.integers(1, 50), seed=st.integers(0, 5))
def test_every_row_is_seen_equally_often(rows, batch, seed):
    order = BatchOrder(rows, batch, seed)
    steps = -(-3 * rows // batch)
    seen = np.concatenate([order.at(step) for step in range(steps)])
    counts = np.bincount(seen[: 3 * rows], minlength=rows)
    assert (counts == 3).all()
    # asked out of turn, the same
    np.testing.assert_array_equal(BatchOrder(rows, batch, seed).at(steps - 1), order.at(steps - 1))


def test_seeds_and_epochs_shuffle_differently():
    orders = [BatchOrder(50, 50, seed).at(step).tolist() for seed in (0, 1) for step in (0, 1)]
    assert all(a != b for a, b in itertools.combinations(orders, 2))


@given(
    processes=st.integers(1, 6),
    micro_batch=st.one_of(st.none(), st.integers(1, 7)),
    start=st.integers(0, 9),
)
def test_processes_and_micro_batches_share_the_same_rows(features, processes, micro_batch, start):
    loader = BatchLoader(Mixture([features]), batch=6, seed=3, ahead=2)
    whole = [loader.read(step) for step in range(start, start + 2)]
    shared = [
        list(
            loader.steps(
                start, start + 2, process=rank, processes=processes, micro_batch=micro_batch
            )
        )
        for rank in range(processes)
    ]
    for at, expected in enumerate(whole):
        parts = [part for rank in shared for part in rank[at]]
        assert all(part.step == start + at for part in parts)
        for name in ("positions", "rows", "mean", "std", "clip_features", "text_features"):
            assert torch.equal(joined(parts, name), getattr(expected, name)), name
        padded = [part.padded_objects() for part in parts]
        for name in ("objects", "visible", "valid", "mass_kg", "speed_m_s"):
            value = getattr(expected.padded_objects(), name)
            assert torch.equal(joined(padded, name).nan_to_num(-1), value.nan_to_num(-1)), name


def test_a_batch_holds_its_clips(features):
    batch = BatchLoader(Mixture([features]), batch=10, seed=0).read(0)
    padded = batch.padded_objects()
    assert sorted(batch.rows.tolist()) == list(range(10))
    assert padded.objects.shape == (10, LAYOUT.max_objects, LAYOUT.clip_length, LAYOUT.patch_dim)
    for place, clip in enumerate(batch.rows.tolist()):
        mean = toy_row(clip).features["mean"].astype(np.float16)
        np.testing.assert_array_equal(batch.mean[place].numpy(), mean)
        objects = toy_objects(clip)
        assert padded.valid[place].sum() == len(objects)
        for slot in range(len(objects)):
            np.testing.assert_array_equal(padded.mass_kg[place, slot], objects.mass_kg[slot])
            np.testing.assert_array_equal(padded.objects[place, slot], objects.objects[slot])
            np.testing.assert_array_equal(padded.speed_m_s[place, slot], objects.speed_m_s[slot])
        assert padded.mass_kg[place, len(objects) :].isnan().all()


def test_a_batch_moves_in_float32_with_its_physics(features):
    batch = BatchLoader(Mixture([features]), batch=10, seed=0).read(0)
    moved = batch.to("cpu")
    assert moved.mean.dtype == moved.objects.objects.dtype == torch.float32
    assert moved.objects.visible.dtype == torch.bool
    assert batch.mean.dtype == torch.float16
    assert torch.equal(moved.mean, batch.mean.float())


def test_sets_are_repeated_and_mixed(features, tmp_path):
    plain = SetLayout(**{**_fields(), "patch_dim": 0})
    other = FeatureSet(write_set(tmp_path / "plain", clips=3, layout=plain))
    mixture = Mixture([features, other], [2, 1])
    assert len(mixture) == 23
    assert [mixture.clip_id(row) for row in (0, 10, 19, 20, 22)] == [
        "clip-0",
        "clip-0",
        "clip-9",
        "clip-0",
        "clip-2",
    ]
    batch = BatchLoader(mixture, batch=23, seed=0).read(0)
    assert torch.equal(batch.has_physics, batch.rows < 20)
    assert not batch.padded_objects().valid[batch.rows >= 20].any()


def test_sets_of_other_sizes_are_refused(features, tmp_path):
    wide = SetLayout(**{**_fields(), "latent_dim": 9})
    other = FeatureSet(write_set(tmp_path / "wide", clips=1, layout=wide))
    with pytest.raises(ConfigurationError, match="latent_dim 3 and 9"):
        Mixture([features, other])
    with pytest.raises(InputError, match="at least one"):
        Mixture([])
    with pytest.raises(ConfigurationError, match="repeats"):
        Mixture([features], [0])


@pytest.mark.parametrize(("process", "processes", "micro"), [(0, 7, None), (2, 2, None), (0, 1, 0)])
def test_shares_that_cannot_be_are_refused(features, process, processes, micro):
    loader = BatchLoader(Mixture([features]), batch=6)
    with pytest.raises(ConfigurationError):
        loader.shares(process, processes, micro)


def test_a_reader_s_error_reaches_the_loop(tmp_path):
    folder = write_set(tmp_path)
    loader = BatchLoader(Mixture([FeatureSet(folder)]), batch=10)
    broken = folder / "shards/00000/mean.npy"
    broken.write_bytes(broken.read_bytes()[:140])
    with pytest.raises(InputError, match=r"mean\.npy"):
        next(loader.steps(0, 3))


def _fields():
    return {name: getattr(LAYOUT, name) for name in LAYOUT.__slots__}
