"""Animated WebP, which FFmpeg does not read: copied by Pillow, without loss, into what it does."""

from __future__ import annotations

import atexit
import shutil
import tempfile
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image

from pavas_sdk.errors import DamagedMediaError

__all__ = ["is_animated_webp", "webp_frames"]

_SHORTEST_MS, _UNTOLD_MS = 10, 100  # as browsers do: what is shown for less is shown for 100 ms
_TIME_BASE = Fraction(1, 1000)
_ANIMATED = 0x02  # flag of the VP8X chunk

_copies: dict[tuple[str, int, int], Path] = {}
_lock = threading.Lock()


def is_animated_webp(file: Path) -> bool:
    """Return whether a file is an animated WebP, by its first bytes."""
    with file.open("rb") as stream:
        head = stream.read(21)
    marked = head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) == 21
    return marked and bool(head[20] & _ANIMATED)


def webp_frames(file: Path) -> Path:
    """Return an APNG with the pictures of an animated WebP, made once per process.

    What lies behind transparent pictures is black.

    Raises:
        DamagedMediaError: A picture cannot be decoded.
    """
    facts = file.stat()
    key = (str(file.absolute()), facts.st_size, facts.st_mtime_ns)
    with _lock:
        if key not in _copies:
            folder = Path(tempfile.mkdtemp(prefix="pavas-"))
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
            _copy(file, folder / "frames.apng")
            _copies[key] = folder / "frames.apng"
        return _copies[key]


def _copy(file: Path, target: Path) -> None:
    index = count = 0
    try:
        with Image.open(file) as animation:
            count = getattr(animation, "n_frames", 1)
            with av.open(str(target), "w", format="apng") as output:
                stream = output.add_stream("apng", rate=25, options={"compression_level": "1"})
                stream.width, stream.height, stream.pix_fmt = *animation.size, "rgb24"
                stream.time_base = stream.codec_context.time_base = _TIME_BASE
                at_ms = 0
                for index in range(count):
                    animation.seek(index)
                    frame = av.VideoFrame.from_ndarray(
                        np.asarray(animation.convert("RGB")), format="rgb24"
                    )
                    animation.load()
                    shown_ms = int(animation.info.get("duration", 0))
                    shown_ms = shown_ms if shown_ms > _SHORTEST_MS else _UNTOLD_MS
                    frame.pts, frame.time_base, frame.duration = at_ms, _TIME_BASE, shown_ms
                    at_ms += shown_ms
                    output.mux(stream.encode(frame))
                output.mux(stream.encode(None))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as err:
        raise DamagedMediaError(
            f"{file}: picture {index + 1} of {count or 'an unknown number'} of an animated WebP cannot be decoded "
            f"({err}); the file is damaged: fetch or make it again"
        ) from err
