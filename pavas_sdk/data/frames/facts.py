"""A video's fingerprint: equal for equal pictures at equal times, whatever the file is called."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pavas_sdk.data import FrameSource

__all__ = ["fingerprint"]

_WINDOW_S = 2.0


def fingerprint(source: FrameSource) -> str:
    """Return a SHA-256 of what a frame source shows, as 64 hexadecimal digits.

    A source with a ``fingerprint()`` of its own (files: the file's bytes; frames in memory: the
    frames) is asked for it; of any other, all frames are read, two seconds at a time.
    """
    own = getattr(source, "fingerprint", None)
    if callable(own):
        return str(own())
    digest = hashlib.sha256()
    duration_s = source.duration_s
    digest.update(json.dumps([duration_s, source.height, source.width]).encode())
    start_s = 0.0
    while start_s < duration_s - 1e-6:
        part = source.read(start_s, min(start_s + _WINDOW_S, duration_s))
        digest.update(part.times_s.tobytes())
        digest.update(part.frames.tobytes())
        start_s += _WINDOW_S
    return digest.hexdigest()
