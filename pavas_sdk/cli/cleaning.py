"""``pavas doctor --clean``: what runs that were killed left behind."""

from __future__ import annotations

import shutil
import time
from typing import TYPE_CHECKING

from pavas_sdk.data.claims import recover
from pavas_sdk.data.temporary_names import clear_abandoned
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.interfaces import cache_folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["clean"]

OLD_S = 24 * 3600.0


def clean(folders: Iterable[Path]) -> tuple[list[str], list[str]]:
    """Finish what dead runs had ready and remove the rest of theirs, here and in the cache.

    What it cannot be asked about (of another machine, or of an earlier version) is removed when
    nobody has touched it for a day. What a live process writes stays.

    Args:
        folders: Of results; the cache is always looked at.

    Returns:
        Files that were brought to an end, and what was removed.

    Raises:
        ConfigurationError: A folder is none.
        OutputError: One cannot be written.
    """
    cache = cache_folder()
    places = [cache, *(cache / name for name in ("physics", "components", "pipelines"))]
    for folder in folders:
        if not folder.is_dir():
            raise ConfigurationError(f"no such folder: {folder}; give the -o folder of a run")
        places.append(folder)
    finished: list[str] = []
    removed: list[str] = []
    for place in places:
        if not place.is_dir():
            continue
        finished += [str(place / name) for name in recover(place)]
        removed += map(str, clear_abandoned(place, unknown_older_than_s=OLD_S))
        removed += _old_drafts(place)
    return finished, removed


def _old_drafts(folder: Path) -> list[str]:
    """Remove folders of drafts without a lock, which earlier versions left."""
    removed = []
    for drafts in sorted(folder.glob(".pavas-*")):
        lock = drafts.with_name(f"{drafts.name}.lock")
        if drafts.is_dir() and not lock.exists() and _is_old(drafts):
            shutil.rmtree(drafts, ignore_errors=True)
            removed.append(str(drafts))
    return removed


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > OLD_S
    except OSError:
        return False
