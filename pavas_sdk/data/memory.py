"""Memory that was freed but not given back to the system."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["give_back_freed_memory"]


def give_back_freed_memory() -> None:
    """Let the C library return freed pages to the system, where it can (glibc).

    Arrays of a window end up between smaller blocks that live on, so without this the process
    grows by about a megabyte per second of video. Takes milliseconds.
    """
    if (trim := _malloc_trim()) is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    if not sys.platform.startswith("linux"):
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
