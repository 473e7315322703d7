"""Opening a set of features whoever made it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pavas_sdk.errors import FormatError
from pavas_sdk.training.datasets.feature_set import FeatureSet
from pavas_sdk.training.datasets.layout import DESCRIPTION_NAME
from pavas_sdk.training.datasets.memory_maps import MemoryMapSet

if TYPE_CHECKING:
    from pavas_sdk.training.datasets.rows import RowSource

__all__ = ["open_features"]


def open_features(folder: str | Path) -> RowSource:
    """Return the set in a folder: of `pavas prepare`, or of MMAudio's own extraction.

    Raises:
        FormatError: Neither, unfinished, or damaged.
    """
    path = Path(folder)
    if not (path / DESCRIPTION_NAME).is_file() and (path / "meta.json").is_file():
        return MemoryMapSet(path)
    if not path.is_dir():
        raise FormatError(
            f"no such folder of features: {path}; make one with: pavas prepare DATA -o {path}"
        )
    return FeatureSet(path)
