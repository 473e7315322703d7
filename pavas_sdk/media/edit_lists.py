"""Edit lists of mp4 and mov: ignored where they cannot be meant, shortened where FFmpeg leaves them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
from av.stream import Disposition

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from av.container import InputContainer

    from pavas_sdk.media.timeline import PacketTable

__all__ = [
    "IGNORE_EDIT_LIST",
    "edit_list_is_absurd",
    "edit_list_was_ignored",
    "hide_after",
    "needed_packets",
    "shows_more",
]

IGNORE_EDIT_LIST = "ignore_editlist"  # FFmpeg's option of its mov demuxer
_LONGEST_STEP_S = 1.0
_MOST_ENTRIES = 2000  # of an index; one that is longer is not down to a few pictures


def edit_list_is_absurd(container: InputContainer) -> bool:
    """Return whether an mp4 or mov's edit list hides so much that it cannot be meant.

    It counts in the clocks of the file, of which one is wrong: of many pictures at most one would be
    shown, or less than one per second. A video that was trimmed without encoding it again is none.
    """
    if "mov" not in container.format.name:
        return False
    for stream in container.streams.video:
        entries = stream.index_entries
        if (
            stream.disposition & Disposition.attached_pic
            or stream.frames < 2
            or not 0 < len(entries) <= _MOST_ENTRIES
            or stream.time_base is None
        ):
            continue
        shown = [entry.timestamp for entry in entries if not entry.is_discard]
        if len(shown) >= stream.frames:
            continue
        span_s = float((shown[-1] - shown[0]) * stream.time_base) if shown else 0.0
        if len(shown) < 2 or span_s > _LONGEST_STEP_S * (len(shown) - 1):
            return True
    return False


def edit_list_was_ignored(container: InputContainer) -> bool:
    """Return whether `open_input` opened a file without its edit list."""
    return IGNORE_EDIT_LIST in container.container_options


def needed_packets(table: PacketTable) -> int:
    """Return how many packets there are up to the last that is shown; a copy would show the rest again.

    Half a packet at the end of a truncated file is not among them.
    """
    shown = np.flatnonzero(~table.hidden)
    return int(shown[-1]) + 1 if shown.size else int(table.hidden.size)


def shows_more(table: PacketTable, count: int) -> bool:
    """Return whether among the first packets are pictures behind the end, from which others are coded."""
    hidden = table.hidden[:count]
    if not hidden.any() or hidden.all():
        return False
    return bool((hidden & (table.pts[:count] > table.pts[:count][~hidden].max())).any())


def hide_after(file: Path, end_s: float) -> None:
    """Let the pictures of an mp4 or mov that was just written end at ``end_s``.

    FFmpeg's muxer lets an edit list end with the last picture. One that is only there because
    others are coded from it is hidden by the edit's length (ISO/IEC 14496-12, 8.6.6).

    Args:
        file: Changed in place.
        end_s: Seconds, from the first picture that is shown.
    """
    with file.open("r+b") as stream:
        stream.seek(0, 2)
        start, stop = next(
            (first, last)
            for kind, first, last in _boxes(stream, 0, stream.tell())
            if kind == b"moov"
        )
        clock_hz = 0
        for kind, first, last in _boxes(stream, start, stop):
            if kind == b"mvhd":
                stream.seek(first)
                long = stream.read(1) == b"\1"
                stream.seek(first + (20 if long else 12))
                (clock_hz,) = struct.unpack(">I", stream.read(4))
            elif kind == b"trak" and _is_video(stream, first, last):
                _set_length(stream, first, last, round(end_s * clock_hz))


def _boxes(stream: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, first byte of the content, and end of the boxes from ``start`` to ``stop``."""
    while start + 8 <= stop:
        stream.seek(start)
        size, kind = struct.unpack(">I4s", stream.read(8))
        content = start + 8
        if size == 1:
            (size,) = struct.unpack(">Q", stream.read(8))
            content += 8
        if size < content - start:
            return
        yield kind, content, start + size
        start += size


def _inner(stream: BinaryIO, start: int, stop: int, *path: bytes) -> tuple[int, int] | None:
    for wanted in path:
        found = [(a, b) for kind, a, b in _boxes(stream, start, stop) if kind == wanted]
        if not found:
            return None
        start, stop = found[0]
    return start, stop


def _is_video(stream: BinaryIO, start: int, stop: int) -> bool:
    place = _inner(stream, start, stop, b"mdia", b"hdlr")
    if place is None:
        return False
    stream.seek(place[0] + 8)
    return stream.read(4) == b"vide"


def _set_length(stream: BinaryIO, start: int, stop: int, length: int) -> None:
    """Shorten the last edit so that all together last ``length``."""
    place = _inner(stream, start, stop, b"edts", b"elst")
    if place is None:
        return
    stream.seek(place[0])
    head = stream.read(8)
    layout = ">QqI" if head[0] == 1 else ">IiI"
    (count,) = struct.unpack(">I", head[4:])
    at, before = place[0] + 8, 0
    for _ in range(count - 1):
        before += struct.unpack(layout, stream.read(struct.calcsize(layout)))[0]
        at += struct.calcsize(layout)
    stream.seek(at)
    last = struct.unpack(layout, stream.read(struct.calcsize(layout)))
    stream.seek(at)
    stream.write(struct.pack(layout, max(1, min(last[0], length - before)), *last[1:]))
