"""Copies of this process that work for it: all is imported already, and each may die."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fork", "import_what", "in_fork", "said_in_fork"]


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


def import_what(work: Callable[[], object]) -> None:
    """Import here what ``work`` imports in a fork: the next fork begins with its work."""
    mark = "modules: "

    def tell() -> None:
        work()
        sys.stdout.write(f"\n{mark}{json.dumps(list(sys.modules))}\n")
        sys.stdout.flush()

    _, said = said_in_fork(tell)
    for line in said.splitlines():
        if line.startswith(mark):
            for name in json.loads(line.removeprefix(mark)):
                with contextlib.suppress(Exception):  # made at run time, or not to be had alone
                    importlib.import_module(name)
