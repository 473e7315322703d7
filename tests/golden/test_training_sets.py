"""The reference's own memory maps, read as they are: rows, order, latent statistics.

``PAVAS_GOLDENS_TRAINING`` names another folder of the same form.
"""

import numpy as np
import pytest
from training_goldens import FOLDER, of_kind, params

from pavas_sdk.training.datasets import (
    BatchLoader,
    MemoryMapSet,
    Mixture,
    RowBuffers,
    latent_statistics,
)

GOLDENS = of_kind("latent_stats")
KEYS = {"a_mean": "mean", "a_std": "std"}


def sets():
    """The video set, then the audio set."""
    tables = (FOLDER / "memmap_example").glob("*.tsv")
    found = [MemoryMapSet(table.with_suffix(""), table) for table in tables]
    return sorted(found, key=lambda part: not part.layout.has_video)


@pytest.mark.parametrize("golden", params(GOLDENS))
def test_items_are_the_reference_s(golden):
    tensors, entry = golden.tensors, golden.entry
    mixture = Mixture(sets(), [3, 1])
    assert len(mixture) == entry["length"]
    assert [mixture.clip_id(row) for row in range(len(mixture))] == entry["ids"]
    texts = [mixture._place(row)[0].text(mixture._place(row)[1]) for row in range(len(mixture))]
    assert texts == entry["captions"]
    buffers = RowBuffers.of(mixture.layout, 1)
    for row in sorted(
        {int(key.split(".")[0].removeprefix("item")) for key in tensors if "." in key}
    ):
        mixture.read(row, buffers, 0)
        values = {
            **buffers.features,
            "video_exist": buffers.video_exists,
            "text_exist": buffers.text_exists,
        }
        for key in (key for key in tensors if key.startswith(f"item{row}.")):
            kind = key.split(".")[1]
            found = np.ravel(values[KEYS.get(kind, kind)])[: tensors[key].size]
            np.testing.assert_array_equal(found.astype(np.float32), tensors[key], err_msg=key)


@pytest.mark.parametrize("golden", params(GOLDENS))
def test_latent_statistics_are_the_reference_s(golden):
    wanted = golden.tensors
    mean, std = latent_statistics(sets()[0])
    np.testing.assert_allclose(mean, wanted["latent_mean"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(std, wanted["latent_std"], rtol=1e-5)
    count = len(sets()[0]) * sets()[0].layout.latent_length
    biased = std * np.sqrt((count - 1) / count)  # the deliberate mistake
    assert np.abs(biased / wanted["latent_std"] - 1).max() > 1e-4


def test_batches_of_memory_maps_are_float32_and_without_pictures_where_there_are_none():
    both = sets()
    mixture = Mixture(both, [3, 1])
    batch = BatchLoader(mixture, batch=len(mixture), seed=1).read(0)
    assert str(batch.clip_features.dtype) == "torch.float32"
    assert batch.objects is None
    audio = batch.rows >= 3 * len(both[0])
    assert (batch.video_exists == ~audio).all()
    assert (batch.clip_features[audio] == 0).all()
    assert batch.text_exists.all()
