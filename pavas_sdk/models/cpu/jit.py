"""Compiled inner loops on a CPU, and several threads over their rows."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar, cast

import torch
from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["jit", "share_rows"]

F = TypeVar("F", bound="Callable[..., object]")


def jit(*, reorder: bool = False, inline: bool = False) -> Callable[[F], F]:
    """Compile a function with numba, keeping its type for the type checker.

    It is cached on disk where a cache can be written, and releases the interpreter lock.

    Args:
        reorder: Let the compiler reorder sums, as vector instructions need for a dot product.
        inline: Copy the function into its callers, whose loops then become vector instructions.
    """
    options: dict[str, Any] = {
        "nogil": True,
        "fastmath": {"contract", "nsz", *(["reassoc"] if reorder else [])},
        "error_model": "numpy",
        "inline": "always" if inline else "never",
    }

    def wrap(function: F) -> F:
        try:
            kernel = njit(cache=True, **options)(function)
        except RuntimeError:  # a read-only installation without any folder for a cache
            kernel = njit(**options)(function)
        return cast("F", kernel)

    return wrap


def share_rows(kernel: Callable[..., object], rows: int, *arguments: Any) -> None:
    """Call ``kernel(*arguments, start, stop)`` over all rows, shared among torch's threads.

    The threads end with the call: a pool that outlives it would be dead after a fork.
    """
    threads = min(torch.get_num_threads(), rows)
    if threads == 1:
        kernel(*arguments, 0, rows)
        return
    edges = [rows * k // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        jobs = [
            pool.submit(kernel, *arguments, first, last)
            for first, last in itertools.pairwise(edges)
        ]
        for job in jobs:
            job.result()
