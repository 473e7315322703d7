"""What is freed between blocks that live on goes back to the system."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest

from pavas_sdk.data import memory


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


@pytest.mark.skipif(
    not sys.platform.startswith("linux") or memory._malloc_trim() is None,
    reason="not glibc: its allocator cannot be asked",
)
def test_fragments_are_given_back():
    blocks = [np.ones(2**13) for _ in range(3000)]  # 64 KB each, 188 MB
    kept = blocks[::50]
    del blocks
    before = resident_mb()
    memory.give_back_freed_memory()
    assert resident_mb() < before - 100
    assert all(block.sum() == 2**13 for block in kept)


def test_other_systems_are_left_alone(monkeypatch):
    monkeypatch.setattr(memory, "_malloc_trim", lambda: None)
    memory.give_back_freed_memory()
