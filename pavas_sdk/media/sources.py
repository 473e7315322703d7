"""Frame sources from whatever the user has: a path, a `Video`, or another source."""

from __future__ import annotations

from pathlib import Path

from pavas_sdk.data import FrameSource, Video
from pavas_sdk.errors import InputError
from pavas_sdk.media.arguments import checked_number
from pavas_sdk.media.memory_source import MemorySource
from pavas_sdk.media.video_file import VideoFile

__all__ = ["as_source", "open_video", "read_video"]

_CACHE_BYTES = 128 * 2**20


def open_video(
    path: str | Path,
    *,
    time_scale: float = 1.0,
    start_s: float = 0.0,
    duration_s: float | None = None,
    fps: float | None = None,
    cache_bytes: int = _CACHE_BYTES,
) -> VideoFile:
    """Open a video file; every packet's timestamp is read once, one frame is decoded.

    Args:
        path: A local file in any container and codec that FFmpeg reads.
        time_scale: How many times slower than life it plays (4: shot at four times the rate).
            Times and sound stay on the video's clock; only speeds and energies change.
        start_s: Where to begin; becomes time 0 of the result.
        duration_s: How much to use; to the end by default.
        fps: Only for files whose timestamps are wrong: ignore them and show frame k at k / fps.
            This changes the clock, so sound made for it does not fit the file's own timestamps;
            for slow motion use ``time_scale``.
        cache_bytes: How much decoded picture to keep, so that several readers of one window
            decode it once.

    Raises:
        MediaNotFoundError: No such file.
        MediaError: A folder, no video, sound only, no frames, or smaller than 16 x 16 pixels.
        DamagedMediaError: Nothing could be decoded.
        InputError: An argument is impossible.
    """
    return VideoFile(
        Path(path).expanduser(),
        time_scale=checked_number("time_scale", time_scale, above=0.0),
        start_s=checked_number("start_s", start_s, at_least=0.0),
        duration_s=None
        if duration_s is None
        else checked_number("duration_s", duration_s, above=0),
        fps=None if fps is None else checked_number("fps", fps, above=0.0),
        cache_bytes=cache_bytes,
    )


def read_video(
    path: str | Path,
    start_s: float = 0.0,
    end_s: float | None = None,
    *,
    fps: float | None = None,
    max_side: int | None = None,
    time_scale: float = 1.0,
) -> Video:
    """Open ``path`` and read one window into memory; see `open_video` and `VideoFile.read`."""
    with open_video(path, time_scale=time_scale, cache_bytes=0) as video:
        return video.read(start_s, end_s, fps=fps, max_side=max_side)


def as_source(video: str | Path | Video | FrameSource) -> FrameSource:
    """Return a frame source for a path, a `Video`, or a frame source (returned as it is).

    Raises:
        InputError: Something else was given.
        MediaError: See `open_video` and `MemorySource`.
    """
    if isinstance(video, (str, Path)):
        return open_video(video)
    if isinstance(video, Video):
        return MemorySource(video)
    if isinstance(video, FrameSource):
        return video
    raise InputError(
        f"cannot read frames from {type(video).__name__}; expected a path, a pavas_sdk.data.Video "
        "or an object with read() and frames_at() (pavas_sdk.data.FrameSource)"
    )
