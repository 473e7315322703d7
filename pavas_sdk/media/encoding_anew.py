"""New sound under pictures that no container holds beside it: the pictures are encoded anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.media.sources import open_video
from pavas_sdk.media.video_writer import write_video_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pavas_sdk.data import Audio, Video
    from pavas_sdk.media.video_file import VideoFile

__all__ = ["encode_with_sound"]

_PART_S = 2.0


def encode_with_sound(
    video_path: str | Path,
    audio: Audio,
    out_path: str | Path,
    *,
    start_s: float = 0.0,
    fps: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the pictures of a file as H.264, with ``audio`` under them.

    Frame times are kept; pixels are made square and upright. Memory holds two seconds.

    Args:
        video_path: Any video.
        audio: Cut or filled with silence to the length of the pictures.
        out_path: ``*.mp4``, ``*.mov`` or ``*.mkv`` in an existing folder.
        start_s: Where in the video the pictures and the sound begin.
        fps: Ignore the file's timestamps, see `open_video`.
        overwrite: Replace an existing file.

    Raises:
        MediaError: The video cannot be read.
        ConfigurationError: Another suffix.
        OutputExistsError: The output exists.
        OutputError: It cannot be written.
    """
    with open_video(video_path, start_s=start_s, fps=fps) as source:
        return write_video_parts(
            out_path,
            _parts(source),
            audio,
            fps=source.frame_rate_hz,
            duration_s=source.duration_s,
            overwrite=overwrite,
        )


def _parts(source: VideoFile) -> Iterator[Video]:
    start_s, seen_s = 0.0, float("-inf")
    while start_s < source.duration_s:
        end_s = min(start_s + _PART_S, source.duration_s)
        part = source.read(start_s, end_s)
        if float(part.times_s[0]) > seen_s:  # else the frame before is still shown
            yield part
        seen_s = float(part.times_s[-1])
        start_s = end_s
