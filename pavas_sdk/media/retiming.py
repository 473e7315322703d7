"""New timestamps for picture packets whose own ones cannot be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
from av.codec.context import Flags, ThreadType

from pavas_sdk.media.opening import open_input, readable, select_video

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.media.timeline import PacketTable, Timeline

__all__ = ["TICKS_PER_S", "new_timestamps"]

TICKS_PER_S = 90_000


def new_timestamps(path: Path, table: PacketTable, timeline: Timeline) -> NDArray[np.int64]:
    """Return pts, dts and duration of every packet in file order, (N, 3), in 1 / 90000 s.

    Frames are shown at the repaired times. Where timestamps cannot tell the order of showing
    (AVI, for instance, stores none), the file is decoded once to learn it.
    """
    count = table.pts.size
    if timeline.by_order:
        rank = _showing_order(path, count)
        seconds = np.resize(timeline.times_s, count)
    else:
        rank = np.argsort(np.argsort(table.pts, kind="stable"), kind="stable")
        seconds = np.sort([timeline.time_of(int(tick)) for tick in table.pts])
    ticks = np.rint(seconds * TICKS_PER_S).astype(np.int64)
    steps = np.arange(count)
    ticks = np.maximum.accumulate(ticks - steps) + steps  # each at least one tick after the last
    end = max(round(timeline.end_s * TICKS_PER_S), int(ticks[-1]) + 1)
    pts, duration = ticks[rank], np.diff(ticks, append=end)[rank]
    dts = ticks - max(0, int((ticks - pts).max()))
    return np.stack([pts, dts, duration], axis=1)


def _showing_order(path: Path, count: int) -> NDArray[np.int64]:
    """Return for each packet in file order its place in the order of showing."""
    place = np.full(count, np.nan)
    shown = 0
    with open_input(path) as container:
        stream = select_video(container, path)
        stream.thread_type = ThreadType.FRAME
        stream.codec_context.flags |= Flags.copy_opaque
        index = 0
        for packet in readable(container, stream):
            packet.opaque = index
            index += packet.size > 0
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue  # that packet keeps the place after the one before it
            for frame in frames:
                if isinstance(frame.opaque, int) and frame.opaque < count:
                    place[frame.opaque] = shown
                    shown += 1
    for at in np.flatnonzero(np.isnan(place)):
        place[at] = place[at - 1] + 0.5 if at else -1.0
    return np.argsort(np.argsort(place, kind="stable"), kind="stable")
