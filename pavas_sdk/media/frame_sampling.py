"""Picking frames out of a stream of (time, frame) without keeping the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import av
    from numpy.typing import NDArray

    from pavas_sdk.media.pixels import FrameConverter

__all__ = ["every_frame", "frames_shown"]

_TOLERANCE_S = 1e-6


def every_frame(
    stream: Iterator[tuple[float, av.VideoFrame]],
    start_s: float,
    end_s: float,
    converter: FrameConverter,
    expected: int,
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return every frame that appears in [start_s, end_s), each once.

    Args:
        stream: Increasing times, beginning with the frame shown at ``start_s``.
        start_s: Seconds.
        end_s: Seconds.
        converter: Makes the pixels.
        expected: About how many frames there will be (memory is taken for so many at once).

    Returns:
        Pixels (T, H, W, 3) and times (T,). If none appears, the one shown at ``start_s``, with
        that time; if ``stream`` begins behind the interval, nothing.
    """
    frames = np.empty((max(1, expected), converter.height, converter.width, 3), dtype=np.uint8)
    times: list[float] = []
    for time_s, frame in stream:
        if time_s >= end_s - _TOLERANCE_S:
            break
        if times and times[-1] < start_s - _TOLERANCE_S:
            times.clear()  # held from before the interval, but another appears within it
        if len(times) == len(frames):
            frames = np.concatenate([frames, np.empty_like(frames)])
        converter.write(frame, frames[len(times)])
        times.append(time_s)
    return frames[: len(times)], np.maximum(np.asarray(times, dtype=np.float64), start_s)


def frames_shown(
    stream: Iterator[tuple[float, av.VideoFrame]],
    times_s: NDArray[np.float64],
    converter: FrameConverter,
) -> NDArray[np.uint8] | None:
    """Return the frame shown at each time: the last one that appeared at or before it.

    Args:
        stream: Increasing times, beginning with the frame shown at ``times_s[0]`` (or the first
            of all). Only as much as needed is consumed.
        times_s: Strictly increasing seconds, (N,).
        converter: Makes the pixels.

    Returns:
        (N, H, W, 3), or None when ``stream`` is empty.
    """
    frames = np.empty((times_s.size, converter.height, converter.width, 3), dtype=np.uint8)
    done, held = 0, None
    for time_s, frame in stream:
        until = int(np.searchsorted(times_s, time_s - _TOLERANCE_S, side="left"))
        if held is not None:
            done = _fill(converter, held, frames, done, until)
        held = frame
        if done == times_s.size:
            break
    if held is None:
        return None
    _fill(converter, held, frames, done, times_s.size)
    return frames


def _fill(
    converter: FrameConverter,
    frame: av.VideoFrame,
    frames: NDArray[np.uint8],
    done: int,
    until: int,
) -> int:
    """Write ``frame`` into frames[done:until]; return how far the result is filled."""
    if until <= done:
        return done
    converter.write(frame, frames[done])
    frames[done + 1 : until] = frames[done]
    return until
