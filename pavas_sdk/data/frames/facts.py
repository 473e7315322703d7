"""What a frame source knows beside its frames; the rest do without."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from pavas_sdk.data.video import FrameSource

__all__ = ["SourceFacts", "facts_of", "fingerprint"]

_PART_S = 2.0


@runtime_checkable
class SourceFacts(Protocol):
    """What a `pavas_sdk.data.FrameSource` may tell beside its frames.

    A source that knows any of it inherits from this class and overrides what it knows.
    """

    @property
    def start_s(self) -> float:
        """Where in the file of ``source`` time 0 lies, seconds."""
        return 0.0

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the video, as far as it has been read, in plain words."""
        return ()

    @property
    def frame_times_s(self) -> NDArray[np.float64] | None:
        """When each frame appears, (T,) increasing seconds from 0; None when that is not known."""
        return None

    def shown_times_s(self, times_s: ArrayLike, rate_hz: float) -> NDArray[np.float64]:
        """Return when the frame appears that an encoder is to see at each time, (T,) seconds.

        Args:
            times_s: Ticks k / rate_hz of an encoder, (T,) increasing seconds.
            rate_hz: Frames per second of the encoder.

        Returns:
            The given times, unless the source picks frames by a clock of its own; then not
            decreasing: a frame may be shown several times.
        """
        del rate_hz
        return np.asarray(times_s, dtype=np.float64)

    def fingerprint(self) -> str | None:
        """Return a SHA-256 of what the source shows, in hexadecimal; None: read all frames."""
        return None


class _Unknown(SourceFacts):
    """The facts of a source that tells none."""


_UNKNOWN = _Unknown()


def facts_of(source: FrameSource) -> SourceFacts:
    """Return what a frame source knows beside its frames; the defaults when it does not say."""
    return source if isinstance(source, SourceFacts) else _UNKNOWN


def fingerprint(source: FrameSource) -> str:
    """Return a SHA-256 of what a frame source shows, as 64 hexadecimal digits.

    Equal for equal pictures at equal times, whatever the file is called. A source that tells its
    own (files: the file's bytes; frames in memory: the frames) is asked for it; of any other, all
    frames are read, two seconds at a time.
    """
    own = facts_of(source).fingerprint()
    if own is not None:
        return own
    digest = hashlib.sha256()
    duration_s = source.duration_s
    digest.update(json.dumps([duration_s, source.height, source.width]).encode())
    start_s = 0.0
    while start_s < duration_s - 1e-6:
        part = source.read(start_s, min(start_s + _PART_S, duration_s))
        digest.update(part.times_s.tobytes())
        digest.update(part.frames.tobytes())
        start_s += _PART_S
    return digest.hexdigest()
