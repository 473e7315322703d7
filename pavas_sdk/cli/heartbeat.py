"""On a terminal, nothing is silent for more than two seconds: a line says that work goes on.

The line stands where nothing else does: it is written when stderr has been quiet for two seconds and
its last line is finished, and taken away before anything else is written. Where stderr is no
terminal, nothing changes.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["heartbeat", "is_beating", "tell"]

QUIET_S = 2.0
EVERY_S = 0.5
_CLEAR = "\r\x1b[K"

_beats: list[_Heartbeat] = []


def is_beating() -> bool:
    """Return whether there is a line: stderr is a terminal."""
    return bool(_beats)


def tell(what: str) -> None:
    """Set what the line says, where there is one."""
    for beat in _beats:
        beat.what = what


@contextmanager
def heartbeat() -> Iterator[None]:
    """Show on stderr that work goes on while the block runs, if it is a terminal."""
    stream = sys.stderr
    if stream is None or not _is_terminal(stream):
        yield
        return
    beat = _Heartbeat(stream)
    out = sys.stdout
    shares = out is not None and _is_terminal(out)
    data = _GivesWay(out, beat) if shares else None
    sys.stderr = cast("TextIO", beat)
    if data is not None:
        sys.stdout = cast("TextIO", data)
    _beats.append(beat)
    beat.start()
    try:
        yield
    finally:
        beat.stop()
        _beats.remove(beat)
        now: tuple[object, object] = (sys.stderr, sys.stdout)
        if now[0] is beat:
            sys.stderr = stream
        if data is not None and now[1] is data:
            sys.stdout = out


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False


class _Heartbeat:
    """stderr, which hears what is written to it.

    Args:
        stream: The stderr that was there.
        clock: Seconds, from any moment.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._began_s = self._heard_s = clock()
        self._line_is_open = False
        self._shown = False
        self.what = ""

    # -- what others write ---------------------------------------------------------------------

    def write(self, text: str) -> int:
        """Write what somebody says; the line gives way."""
        with self._lock:
            self.give_way(text)
            return self._stream.write(text)

    def give_way(self, text: str) -> None:
        """Take the line away because ``text`` is written to the terminal."""
        with self._lock:
            if self._shown:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._shown = False
            if text:
                self._heard_s = self._clock()
                # a progress bar is an open line; one that was taken away ends with a return
                self._line_is_open = not text.endswith(("\n", "\r"))

    def flush(self) -> None:
        """Hand on."""
        with self._lock:
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    # -- the line ------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch, in a thread that does not keep the program alive."""
        threading.Thread(target=self._watch, name="pavas heartbeat", daemon=True).start()

    def stop(self) -> None:
        """Take the line away and watch no more."""
        self._ended.set()
        with self._lock:
            if self._shown:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._shown = False

    def _watch(self) -> None:
        while not self._ended.wait(EVERY_S):
            with self._lock:
                if not self._ended.is_set():
                    self._beat()

    def _beat(self) -> None:
        quiet_s = self._clock() - self._heard_s
        if quiet_s < QUIET_S or self._line_is_open:
            return
        text = f"  {self.what or 'at work'} ... {self._clock() - self._began_s:.0f} s"
        try:
            self._stream.write(f"{_CLEAR}{text[: self._width()]}")
            self._stream.flush()
        except (OSError, ValueError):  # the terminal is gone
            self._ended.set()
            return
        self._shown = True

    @staticmethod
    def _width() -> int:
        return max(20, shutil.get_terminal_size().columns - 1)


class _GivesWay:
    """stdout on the same terminal: the line gives way to it.

    Args:
        stream: The stdout that was there.
        beat: Owner of the line.
    """

    def __init__(self, stream: TextIO, beat: _Heartbeat) -> None:
        self._stream = stream
        self._beat = beat

    def write(self, text: str) -> int:
        """Write what somebody says."""
        self._beat.give_way(text)
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
