"""The folder in which everything that can be made again is kept."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["cache_folder"]


def cache_folder() -> Path:
    """Return the cache folder of pavas; it need not exist yet.

    ``PAVAS_CACHE``, else ``pavas`` in the user's cache folder: ``XDG_CACHE_HOME`` or ``~/.cache``
    on Linux, the usual place on other systems. A plugin takes a folder of its own in it.
    """
    named = os.environ.get("PAVAS_CACHE")
    if named:
        from pavas_sdk.data.paths import expanded  # takes numpy along

        return expanded(named)
    from platformdirs import user_cache_path

    return user_cache_path("pavas", appauthor=False)
