"""Writing frames as an H.264 file, with or without sound."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media.atomic import replacing
from pavas_sdk.media.containers import audio_packets, container_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pavas_sdk.data import Audio, Video

__all__ = ["write_video"]

_TICKS = 90_000


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
    file = Path(path).expanduser()
    container_format = container_of(file)
    if container_format.name == "webm":
        raise ConfigurationError("webm cannot hold H.264; expected .mp4, .mov or .mkv")
    height, width = video.height // 2 * 2, video.width // 2 * 2
    if min(height, width) < 2:
        raise ConfigurationError(f"frames are {video.width} x {video.height}; expected 2 x 2 up")
    origin = float(video.times_s[0])
    ticks = np.rint((video.times_s - origin) * _TICKS).astype(np.int64)
    with (
        replacing(file, overwrite=overwrite) as temporary,
        av.open(
            str(temporary),
            "w",
            format=container_format.muxer,
            container_options=container_format.options,
        ) as container,
    ):
        rate = Fraction(video.fps).limit_denominator(1001)
        stream = container.add_stream(
            "libx264",
            rate=rate,
            options={"crf": str(crf), "preset": preset, "threads": "1", "bf": "0"},
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = max(1, round(keyframe_interval_s * video.fps))
        stream.codec_context.time_base = Fraction(1, _TICKS)
        sound = None if audio is None else container_format.add_audio(container, audio)
        durations = np.diff(ticks, append=round(video.duration_s * _TICKS))
        for pixels, tick, duration in zip(video.frames, ticks, durations, strict=True):
            frame = _frame(pixels[:height, :width], int(tick), max(1, int(duration)))
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None and sound is not None:
            samples = round(video.duration_s * audio.sample_rate_hz)
            container.mux(list(audio_packets(sound, audio.fitted(samples))))
    return file


def _frame(pixels: NDArray[np.uint8], tick: int, duration: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame.pts, frame.duration, frame.time_base = tick, duration, Fraction(1, _TICKS)
    return frame
