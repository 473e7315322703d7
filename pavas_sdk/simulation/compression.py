"""What H.264 does to a clip, in memory."""

from __future__ import annotations

import io
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["through_h264"]


def through_h264(frames: NDArray[np.uint8], fps: float, crf: int) -> NDArray[np.uint8]:
    """Encodes and decodes frames.

    Args:
        frames: uint8 (T, H, W, 3).
        fps: Frames per second.
        crf: x264 quality, 0 (best) to 51. One thread, so the result is the same every time.

    Returns:
        uint8 (T, H, W, 3).
    """
    count, height, width, _ = frames.shape
    # 4:2:0 needs even sides
    pad = ((0, 0), (0, height % 2), (0, width % 2), (0, 0))
    even = np.pad(frames, pad, mode="edge") if height % 2 or width % 2 else frames
    buffer = io.BytesIO()
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream(
            "libx264", rate=rate, options={"crf": str(crf), "preset": "ultrafast", "threads": "1"}
        )
        stream.width, stream.height, stream.pix_fmt = even.shape[2], even.shape[1], "yuv420p"
        for image in even:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    buffer.seek(0)
    out = np.empty_like(frames)
    with av.open(buffer, "r") as container:
        container.streams.video[0].thread_type = "NONE"
        for index, frame in enumerate(container.decode(video=0)):
            if index < count:
                out[index] = frame.to_ndarray(format="rgb24")[:height, :width]
    return out
