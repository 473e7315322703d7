"""Small files of many containers and codecs: one bright square that falls over grey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

# name: encoder and pixel format
KINDS = {
    "h264.mp4": ("libx264", "yuv420p"),
    "h264.mov": ("libx264", "yuv420p"),
    "h264.mkv": ("libx264", "yuv420p"),
    "h264.ts": ("libx264", "yuv420p"),
    "h264.avi": ("libx264", "yuv420p"),
    "h264.flv": ("libx264", "yuv420p"),
    "hevc.mkv": ("libx265", "yuv420p"),
    "hevc.ts": ("libx265", "yuv420p"),
    "mpeg4.avi": ("mpeg4", "yuv420p"),
    "mpeg4.mp4": ("mpeg4", "yuv420p"),
    "mpeg2.ts": ("mpeg2video", "yuv420p"),
    "mjpeg.avi": ("mjpeg", "yuvj420p"),
    "prores.mov": ("prores_ks", "yuva444p10le"),
    "vp9.webm": ("libvpx-vp9", "yuva420p"),
    "vp8.webm": ("libvpx", "yuv420p"),
    "ffv1.mkv": ("ffv1", "yuv420p"),
    "raw.avi": ("rawvideo", "yuv420p"),
    "huffyuv.avi": ("huffyuv", "yuv422p"),
    "gif.gif": ("gif", "rgb8"),
    "flv.flv": ("flv", "yuv420p"),
    "theora.ogv": ("libtheora", "yuv420p"),
    "wmv.asf": ("wmv2", "yuv420p"),
    "y4m.y4m": ("wrapped_avframe", "yuv420p"),
    "apng.apng": ("apng", "rgb24"),
}


def picture(index: int, height: int = 48, width: int = 64) -> np.ndarray:
    """(H, W, 3): a square at row ``index``."""
    image = np.full((height, width, 3), 40, np.uint8)
    top = index % (height - 12)
    image[top : top + 10, 20:30] = 220
    return image


def write_small(
    path: Path,
    codec: str,
    pixel_format: str,
    *,
    frames: int = 15,
    rate_hz: int = 25,
    size: tuple[int, int] = (48, 64),
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    **settings: object,
) -> Path | None:
    """Write a file; None when this FFmpeg has no such encoder."""
    try:
        av.codec.Codec(codec, "w")
    except av.codec.codec.UnknownCodecError:
        return None
    if codec == "libx265":
        options = {"x265-params": "log-level=none", **(options or {})}
    with av.open(str(path), "w", container_options=container_options or {}) as file:
        stream = file.add_stream(codec, rate=rate_hz, options=options or {})
        stream.height, stream.width, stream.pix_fmt = *size, pixel_format
        for name, value in settings.items():
            setattr(stream.codec_context, name, value)
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24")
            file.mux(stream.encode(frame.reformat(format=pixel_format)))
        file.mux(stream.encode(None))
    return path


def write_kind(folder: Path, name: str, **options: object) -> Path | None:
    """Write one of `KINDS` into a folder; None when this FFmpeg has no such encoder."""
    codec, pixel_format = KINDS[name]
    return write_small(folder / name, codec, pixel_format, **options)
