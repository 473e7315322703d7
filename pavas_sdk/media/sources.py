"""Frame sources from whatever the user has: a path, a `Video`, or another source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from pavas_sdk.data import FrameSource, Video
from pavas_sdk.data.paths import expanded
from pavas_sdk.data.video import checked_time_scale
from pavas_sdk.errors import InputError
from pavas_sdk.media.arguments import checked_number, checked_rate
from pavas_sdk.media.clock import check_times
from pavas_sdk.media.memory_source import MemorySource
from pavas_sdk.media.video_file import VideoFile
from pavas_sdk.media.video_forms import SpooledVideo, file_of, is_frames, video_of_frames

if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from av.container import InputContainer
    from numpy.typing import NDArray
    from PIL import Image
    from torch import Tensor

__all__ = ["VideoInput", "as_source", "open_video", "read_video"]

VideoInput: TypeAlias = (
    "str | Path | Video | FrameSource | NDArray[Any] | Tensor | list[Image.Image] | bytes | BinaryIO"
    " | InputContainer"
)
"""One video in any form; see `as_source`."""

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
        expanded(path),
        time_scale=checked_time_scale(time_scale),
        start_s=checked_number("start_s", start_s, at_least=0.0),
        duration_s=None
        if duration_s is None
        else checked_number("duration_s", duration_s, above=0),
        fps=None if fps is None else checked_rate(fps),
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


def as_source(video: VideoInput, *, fps: float | None = None) -> FrameSource:
    """Return a frame source for a video in any form.

    Args:
        video: A path; a `Video`; a frame source (returned as it is); RGB frames (T, H, W, 3) or
            (T, 3, H, W), uint8 or floats from 0 to 1, as an array or a torch tensor; a list of PIL
            images; the bytes of a video file, a file opened for reading bytes, or an open PyAV
            container (whose positions stay where they are).
        fps: Frames per second of frames that have no clock, or of a file whose clock is wrong.

    Raises:
        InputError: Something else was given, frames without ``fps``, or ``fps`` for what has its
            own times.
        MediaError: See `open_video` and `MemorySource`.
    """
    if isinstance(video, (str, Path)):
        return open_video(video, fps=fps)
    if is_frames(video):
        return MemorySource(video_of_frames(video, fps))
    if isinstance(video, Video | FrameSource):
        if fps is not None:
            raise InputError(
                f"fps={fps:g} is given for a {type(video).__name__}, which has its own times; "
                "leave fps out, or make it with those times"
            )
        if isinstance(video, Video):
            check_times(video)
            return MemorySource(video)
        return video
    file = file_of(video)
    if isinstance(file, str | Path):
        return open_video(file, fps=fps)
    if file is not None:
        return SpooledVideo(
            file,
            time_scale=1.0,
            start_s=0.0,
            duration_s=None,
            fps=None if fps is None else checked_rate(fps),
            cache_bytes=_CACHE_BYTES,
        )
    raise InputError(
        f"cannot read frames from {type(video).__name__}; expected a path, frames (T, H, W, 3) with "
        "fps=, a list of PIL images, an open file, a pavas_sdk.data.Video or an object with read() "
        "and frames_at() (pavas_sdk.data.FrameSource)"
    )
