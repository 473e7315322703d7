"""Writing frames as an H.264 file, with or without sound."""

from __future__ import annotations

import platform
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import av
import numpy as np

from pavas_sdk.data.files import replacing
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media.containers import audio_packets, container_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, FrameSource, Video

__all__ = ["write_source", "write_video", "write_video_parts"]

_TICKS = 90_000
_PART_S = 2.0
# x264's macroblock tree, as written for newer processors, reads memory that nobody set: a file in
# thirty differed. The older code gives the same files as it does otherwise; elsewhere, no tree.
_X86 = platform.machine().lower() in ("x86_64", "amd64")
_REPEATABLE = {"x264-params": "asm=SSE2"} if _X86 else {"mbtree": "0"}


def write_video(
    path: str | Path,
    video: Video,
    audio: Audio | None = None,
    *,
    crf: float = 18.0,
    preset: str = "veryfast",
    keyframe_interval_s: float = 2.0,
    overwrite: bool = False,
) -> Path:
    """Write ``video`` as H.264 (4:2:0) with its own frame times, and ``audio`` if given.

    No B-frames, so that decoding order is showing order and the declared duration is exact with
    any frame times. One thread and fixed settings: the same input gives the same file on the same machine. Odd
    sides lose their last row or column, which 4:2:0 cannot hold.

    Args:
        path: ``*.mp4``, ``*.mov`` or ``*.mkv`` in an existing folder.
        video: Frames and times; variable frame rates are kept.
        audio: Sound, beginning with the first frame; cut or filled with silence to its length.
        crf: x264 quality, 0 (lossless) to 51.
        preset: x264 speed preset.
        keyframe_interval_s: At most so many seconds between keyframes.
        overwrite: Replace an existing file.

    Returns:
        The path.

    Raises:
        ConfigurationError: Another suffix, or frames smaller than 2 x 2.
        OutputExistsError: The file exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    return write_video_parts(
        path,
        [video],
        audio,
        fps=video.fps,
        duration_s=video.duration_s,
        crf=crf,
        preset=preset,
        keyframe_interval_s=keyframe_interval_s,
        overwrite=overwrite,
    )


def write_video_parts(
    path: str | Path,
    parts: Iterable[Video],
    audio: Audio | None = None,
    *,
    fps: float,
    duration_s: float,
    crf: float = 18.0,
    preset: str = "veryfast",
    keyframe_interval_s: float = 2.0,
    overwrite: bool = False,
) -> Path:
    """Write a video that comes in parts, one after the other in time; see `write_video`.

    Memory holds one part at a time, so a long video can be copied at another size.

    Args:
        path: See `write_video`.
        parts: At least one; their times increase from part to part, and all have one size.
        audio: See `write_video`.
        fps: Typical frames per second.
        duration_s: Of the whole, from the first frame to the end of the last.
        crf: See `write_video`.
        preset: See `write_video`.
        keyframe_interval_s: See `write_video`.
        overwrite: See `write_video`.

    Raises:
        ConfigurationError: Another suffix, no part, or frames smaller than 2 x 2.
        OutputExistsError: The file exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    file = expanded(path)
    container_format = container_of(file)
    if container_format.name == "webm":
        raise ConfigurationError("webm cannot hold H.264; expected .mp4, .mov or .mkv")
    frames = _ticked(parts, duration_s)
    first = next(frames, None)
    if first is None:
        raise ConfigurationError("a video needs at least one frame, got none")
    height, width = (side // 2 * 2 for side in first[0].shape[:2])
    if min(height, width) < 2:
        raise ConfigurationError(
            f"frames are {first[0].shape[1]} x {first[0].shape[0]}; expected 2 x 2 up"
        )
    with (
        replacing(file, overwrite=overwrite) as temporary,
        av.open(
            str(temporary),
            "w",
            format=container_format.muxer,
            container_options=container_format.options,
        ) as container,
    ):
        fixed = {"threads": "1", "bf": "0", **_REPEATABLE}
        stream = container.add_stream(
            "libx264",
            rate=Fraction(fps).limit_denominator(1001),
            options={"crf": str(crf), "preset": preset, **fixed},
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = max(1, round(keyframe_interval_s * fps))
        stream.codec_context.time_base = Fraction(1, _TICKS)
        sound = None if audio is None else container_format.add_audio(container, audio)
        for pixels, tick, ticks in chain([first], frames):
            container.mux(stream.encode(_frame(pixels[:height, :width], tick, ticks)))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            samples = round(duration_s * audio.sample_rate_hz)
            container.mux(list(audio_packets(sound, audio.fitted(samples))))
    return file


def write_source(
    path: str | Path, source: FrameSource, audio: Audio | None = None, *, overwrite: bool = False
) -> Path:
    """Write what a frame source shows, two seconds at a time; see `write_video`.

    Raises:
        ConfigurationError: See `write_video`.
        OutputExistsError: The file exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    duration_s = source.duration_s
    starts = np.arange(0.0, max(duration_s - 1e-6, 1e-6), _PART_S)
    parts = (source.read(float(start), min(float(start) + _PART_S, duration_s)) for start in starts)
    return write_video_parts(
        path, parts, audio, fps=source.frame_rate_hz, duration_s=duration_s, overwrite=overwrite
    )


def _ticked(
    parts: Iterable[Video], duration_s: float
) -> Iterator[tuple[NDArray[np.uint8], int, int]]:
    """Yield each frame with its start and length in ticks; the first frame starts at 0."""
    origin: float | None = None
    waiting: tuple[NDArray[np.uint8], int] | None = None
    for part in parts:
        origin = float(part.times_s[0]) if origin is None else origin
        for pixels, tick in zip(
            part.frames, np.rint((part.times_s - origin) * _TICKS).astype(np.int64), strict=True
        ):
            if waiting is not None:
                yield waiting[0], waiting[1], max(1, int(tick) - waiting[1])
            waiting = pixels, int(tick)
    if waiting is not None:
        yield waiting[0], waiting[1], max(1, round(duration_s * _TICKS) - waiting[1])


def _frame(pixels: NDArray[np.uint8], tick: int, duration: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame.pts, frame.duration, frame.time_base = tick, duration, Fraction(1, _TICKS)
    return frame
