"""MMAudio's memory maps: what does not belong together is told."""

import json
import shutil
from pathlib import Path

import pytest

from pavas_sdk.errors import FormatError
from pavas_sdk.training.datasets import MemoryMapSet

EXAMPLE = Path(__file__).parents[3] / "golden/training/memmap_example"


@pytest.fixture
def copied(tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / "maps")
    return tmp_path / "maps"


def test_a_short_map_is_told(copied):
    path = copied / "vgg-example/mean.memmap"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FormatError, match=r"479 bytes, expected 480"):
        MemoryMapSet(copied / "vgg-example")


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ("id\tlabel\na\tx\na\ty\nb\tz\nc\tw\n", "twice: a"),
        ("id\tlabel\na\tx\n\ty\nb\tz\nc\tw\n", "row 2 has no id"),
        ("id\tlabel\na\tx\n", "numbers of items differ"),
        ("name\tlabel\na\tx\n", "columns id and label"),
        ("", "columns id and label"),
    ],
)
def test_a_table_that_does_not_fit_is_told(copied, table, expected):
    (copied / "vgg-example.tsv").write_text(table)
    with pytest.raises(FormatError, match=expected):
        MemoryMapSet(copied / "vgg-example")


@pytest.mark.parametrize("entry", [None, {"shape": [4, 6], "dtype": "torch.float32"}, {"shape": 3}])
def test_a_broken_meta_is_told(copied, entry):
    path = copied / "vgg-example/meta.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "mean": entry}))
    with pytest.raises(FormatError, match="mean"):
        MemoryMapSet(copied / "vgg-example")


def test_a_folder_without_meta_is_told(copied):
    with pytest.raises(FormatError, match=r"meta\.json"):
        MemoryMapSet(copied)
