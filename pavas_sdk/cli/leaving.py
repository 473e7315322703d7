"""Ending the process: what stands in stdout is written, and no thread of a plugin holds it back."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from typing import NoReturn

from pavas_sdk.cli.output import say

__all__ = ["leave"]

PATIENCE_S = 5.0


def leave(code: int) -> NoReturn:
    """End the process with ``code``.

    Python waits for every thread that is no daemon. One that a plugin left at work is given
    `PATIENCE_S` seconds, then named and left behind.
    """
    threading.Thread(target=_end_anyway, args=(code,), name="pavas leaving", daemon=True).start()
    sys.exit(code)


def _end_anyway(code: int) -> None:
    time.sleep(PATIENCE_S)
    left = [
        thread.name
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    if not left:
        return
    with suppress(Exception):  # whatever happens to stderr, the process must end
        say(f"Warning: left behind, still at work: thread {', '.join(left)} (of a plugin?)")
        sys.stderr.flush()
        sys.stdout.flush()
    os._exit(code)
