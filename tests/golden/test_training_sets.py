"""The reference's own memory maps, read as they are: rows, order, latent statistics.

``PAVAS_GOLDENS_TRAINING`` names another folder of the same form.
"""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from pavas_sdk.training.datasets import (
    BatchLoader,
    MemoryMapSet,
    Mixture,
    RowBuffers,
    latent_statistics,
)

FOLDER = Path(os.environ.get("PAVAS_GOLDENS_TRAINING", Path(__file__).parent / "training"))
INDEX = json.loads((FOLDER / "index.json").read_text())
NAMES = [name for name, entry in INDEX.items() if entry["kind"] == "latent_stats"]
KEYS = {"a_mean": "mean", "a_std": "std"}


def sets():
    example = FOLDER / "memmap_example"
    return MemoryMapSet(example / "vgg-example"), MemoryMapSet(example / "audio-example")


@pytest.mark.parametrize("name", NAMES)
def test_items_are_the_reference_s(name):
    golden, entry = load_file(FOLDER / "goldens" / f"{name}.safetensors"), INDEX[name]
    mixture = Mixture(sets(), [3, 1])
    assert len(mixture) == entry["length"]
    assert [mixture.clip_id(row) for row in range(len(mixture))] == entry["ids"]
    texts = [mixture._place(row)[0].text(mixture._place(row)[1]) for row in range(len(mixture))]
    assert texts == entry["captions"]
    buffers = RowBuffers.of(mixture.layout, 1)
    for row in sorted(
        {int(key.split(".")[0].removeprefix("item")) for key in golden if "." in key}
    ):
        mixture.read(row, buffers, 0)
        values = {
            **buffers.features,
            "video_exist": buffers.video_exists,
            "text_exist": buffers.text_exists,
        }
        for key in (key for key in golden if key.startswith(f"item{row}.")):
            kind = key.split(".")[1]
            found = np.ravel(values[KEYS.get(kind, kind)])[: golden[key].size]
            np.testing.assert_array_equal(found.astype(np.float32), golden[key], err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_latent_statistics_are_the_reference_s(name):
    golden = load_file(FOLDER / "goldens" / f"{name}.safetensors")
    mean, std = latent_statistics(sets()[0])
    np.testing.assert_allclose(mean, golden["latent_mean"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(std, golden["latent_std"], rtol=1e-5)
    rows, steps, _ = np.shape(np.empty((4, 6, 5)))
    biased = std * np.sqrt((rows * steps - 1) / (rows * steps))  # the deliberate mistake
    assert np.abs(biased / golden["latent_std"] - 1).max() > 1e-3


def test_batches_of_memory_maps_are_float32_and_without_pictures_where_there_are_none():
    batch = BatchLoader(Mixture(sets(), [3, 1]), batch=14, seed=1).read(0)
    assert str(batch.clip_features.dtype) == "torch.float32"
    assert batch.objects is None
    audio = batch.rows >= 12
    assert (batch.video_exists == ~audio).all()
    assert (batch.clip_features[audio] == 0).all()
    assert batch.text_exists.all()
