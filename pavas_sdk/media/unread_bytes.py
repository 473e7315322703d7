"""Bytes of a file behind the last frame that could be read: damage that no decoder tells of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["unread_note"]

_LEAST = 65_536  # indexes and tags at the end of a file are smaller, or a small part of it
_SHARE = 0.1


def unread_note(path: Path, container: str, read_end: int) -> str | None:
    """Return a sentence when a file holds pictures or sound behind what was read, else None.

    Args:
        path: The file.
        container: FFmpeg's name of its format.
        read_end: Where the last packet of any stream ends, in bytes.
    """
    if read_end <= 0:
        return None
    size = path.stat().st_size
    left = size - read_end
    if "mp4" in container:
        with path.open("rb") as stream:
            unread = _is_fragmented(stream, size) and not _ends_well(stream, read_end, size)
    else:
        unread = left > max(_LEAST, _SHARE * size)
    if not unread:
        return None
    return (
        f"{left} bytes behind the last frame (of {size}) could not be read: the file is damaged "
        "there, and its rest is missing; the readable part is used"
    )


def _is_fragmented(stream: BinaryIO, size: int) -> bool:
    return any(kind == b"moof" for kind, _ in _boxes(stream, 0, size))


def _ends_well(stream: BinaryIO, start: int, size: int) -> bool:
    """Return whether only whole boxes without pictures and sound follow."""
    end = start
    for kind, after in _boxes(stream, start, size):
        if kind in (b"moof", b"mdat"):
            return False
        end = after
    return end == size


def _boxes(stream: BinaryIO, start: int, size: int) -> list[tuple[bytes, int]]:
    """Return kind and end of the boxes from ``start`` on, up to the first that is none."""
    found: list[tuple[bytes, int]] = []
    at = start
    while at + 8 <= size:
        stream.seek(at)
        head = stream.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1 and len(head) == 16:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size or not kind.isascii():
            break
        at += length
        found.append((kind, at))
    return found
