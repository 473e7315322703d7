"""Copies of this process that work for it: all is imported already, and each may die."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fork", "in_fork", "said_in_fork"]


def fork(work: Callable[[], object], said: int | None = None) -> int:
    """Start ``work`` in a copy of this process, and return its id.

    Args:
        work: Its integer is the exit code; 70 when it raises.
        said: Where its stdout and stderr go, a file descriptor; nowhere by default.
    """
    child = os.fork()
    if child:
        return child
    code = 70
    try:
        if said is None:
            said = os.open(os.devnull, os.O_WRONLY)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False, buffering=1)
        torch.set_num_threads(1)
        found = work()
        code = found if isinstance(found, int) else 0
    finally:
        os._exit(code)


def in_fork(work: Callable[[], object]) -> int:
    """Run ``work`` in a fork to its end and return its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])


def said_in_fork(work: Callable[[], object]) -> tuple[int, str]:
    """Run ``work`` in a fork to its end and return its exit code, and what it said."""
    reading, writing = os.pipe()
    child = fork(work, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), said.decode("utf-8", "replace")
