"""Decoding forwards from any time: seeking by keyframe, damage counted, nothing kept."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

import av
from av.codec.context import ThreadType

from pavas_sdk.media.opening import demuxed, open_input, select_video
from pavas_sdk.media.timeline import counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from pavas_sdk.media.timeline import Timeline

__all__ = ["Damage", "FrameCursor", "OutOfOrderError"]

_TOLERANCE_S = 1e-6
_LARGE_FRAME = 4096 * 2304  # above this, frames in flight cost more memory than threads save


class OutOfOrderError(Exception):
    """Decoded frames do not follow their timestamps (internal; the reader changes its mode)."""


class Damage:
    """What decoding showed to be wrong, however often it is read."""

    def __init__(self) -> None:
        self.concealed_s: set[float] = set()
        self.undecodable: set[int] = set()
        self.resized_s: set[float] = set()

    def warnings(self) -> tuple[str, ...]:
        """Return what was found so far, in plain words."""
        found = []
        if self.concealed_s:
            found.append(
                f"{counted(len(self.concealed_s), 'damaged frame')} between {min(self.concealed_s):.3f} and "
                f"{max(self.concealed_s):.3f} s; the decoder filled in, and frames up to the next "
                "keyframe may be wrong"
            )
        if self.undecodable:
            found.append(
                f"{counted(len(self.undecodable), 'damaged packet')} could not be decoded; "
                "the frames before them are held"
            )
        if self.resized_s:
            found.append(
                f"the size of the pictures changes at {min(self.resized_s):.3f} s; "
                "all are scaled to the first size"
            )
        return tuple(found)


class FrameCursor:
    """Reads one file forwards. Successive windows continue where the last one ended."""

    def __init__(self, path: Path, timeline: Timeline) -> None:
        """Prepare; the file is opened on the first read.

        Args:
            path: A file that `open_input` opens.
            timeline: Its presentation times.
        """
        self.damage = Damage()
        self._path = path
        self._timeline = timeline
        self._can_seek = not timeline.by_order
        self._container: InputContainer | None = None
        self._stream: VideoStream | None = None
        self._size: tuple[int, int] | None = None
        self._frames: Iterator[tuple[float, av.VideoFrame]] | None = None
        self._before: tuple[float, av.VideoFrame] | None = None  # the one shown before `_held`
        self._held: tuple[float, av.VideoFrame] | None = None
        self._ahead: deque[tuple[float, av.VideoFrame]] = deque()  # empty only at the end

    def close(self) -> None:
        """Close the file; a later read opens it again."""
        if self._container is not None:
            self._container.close()
        self._container = self._stream = self._frames = self._before = self._held = None
        self._ahead.clear()

    def walk(self, start_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield (time, frame), increasing, beginning with the frame shown at ``start_s``.

        Before the first frame that can be decoded, that one is taken. Yields nothing when
        nothing can be decoded. Frames are only valid until the next one is asked for.

        Raises:
            OutOfOrderError: Decoded frames run backwards in time.
        """
        self._position(start_s)
        if self._held is None:
            return
        yield self._held
        while self._ahead:
            self._advance()
            assert self._held is not None
            yield self._held

    def _position(self, start_s: float) -> None:
        """Make ``_held`` the frame shown at ``start_s``, and the rest follow it."""
        latest = start_s + _TOLERANCE_S
        if self._before and self._held and self._before[0] <= latest < self._held[0]:
            # the window before ended by seeing this frame; this one begins in the gap before it
            self._ahead.appendleft(self._held)
            self._held, self._before = self._before, None
        if not self._reachable_forwards(start_s):
            self._restart(start_s)
        while self._ahead and self._ahead[0][0] <= latest:
            self._advance()

    def _reachable_forwards(self, start_s: float) -> bool:
        if self._frames is None or self._held is None or self._held[0] > start_s + _TOLERANCE_S:
            return False
        if not self._can_seek or not self._ahead:
            return True
        key = self._timeline.keyframe_before(start_s)
        reached = self._ahead[-1][0] + _TOLERANCE_S
        return key is None or self._timeline.key_times_s[key] <= reached

    def _restart(self, start_s: float) -> None:
        key = self._timeline.keyframe_before(start_s) if self._can_seek else None
        if key is not None and key > 0:
            self._begin(self._seek(key))
            if self._held is not None and self._held[0] <= start_s + _TOLERANCE_S:
                return
            # the container landed behind its own keyframe, or that keyframe is damaged
        self._rewind()
        self._begin(float("-inf"))

    def _begin(self, from_s: float) -> None:
        self._frames = self._usable(from_s)
        self._ahead.clear()
        self._before, self._held = None, self._next()
        self._look_ahead()

    def _advance(self) -> None:
        self._before, self._held = self._held, self._ahead.popleft()
        if not self._ahead:
            self._look_ahead()

    def _look_ahead(self) -> None:
        upcoming = self._next()
        if upcoming is not None:
            self._ahead.append(upcoming)

    def _next(self) -> tuple[float, av.VideoFrame] | None:
        assert self._frames is not None
        try:
            return next(self._frames, None)
        except BaseException:
            # an interrupted generator is finished: without this, the next read would take the
            # place of the interruption for the end of the video
            self.close()
            raise

    def _usable(self, from_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield frames in increasing order of time.

        Frames before ``from_s``, the keyframe that decoding began with, may refer to pictures
        that were not read: they are dropped.
        """
        last = float("-inf")
        for time_s, frame in self._decode():
            if time_s < from_s - _TOLERANCE_S:
                continue
            size = (frame.width, frame.height)
            if size != (self._size or size):
                self.damage.resized_s.add(round(time_s, 6))
            self._size = size
            if frame.is_corrupt:
                self.damage.concealed_s.add(round(time_s, 6))
            if time_s < last - _TOLERANCE_S and not self._timeline.by_order:
                raise OutOfOrderError
            if time_s > last + _TOLERANCE_S:
                last = time_s
                yield time_s, frame

    def _decode(self) -> Iterator[tuple[float, av.VideoFrame]]:
        assert self._container is not None
        assert self._stream is not None
        shown = 0
        try:
            for packet in demuxed(self._container, self._stream):
                try:
                    frames = packet.decode()
                except av.EOFError:
                    continue
                except av.FFmpegError:
                    self.damage.undecodable.add(packet.dts or packet.pts or packet.pos or -1)
                    continue
                for frame in frames:
                    yield self._time_of(frame, shown), frame
                    shown += 1
        except av.FFmpegError:
            return  # reading stopped; the scan has already noted the missing rest

    def _time_of(self, frame: av.VideoFrame, shown: int) -> float:
        timeline = self._timeline
        if timeline.by_order:
            extra = shown - timeline.times_s.size + 1
            known = float(timeline.times_s[min(shown, timeline.times_s.size - 1)])
            return known + max(0, extra) * timeline.step_s
        if frame.pts is None:
            raise OutOfOrderError
        return timeline.time_of(frame.pts)

    def _seek(self, key: int) -> float:
        if self._container is None:
            self._rewind()
        assert self._container is not None
        assert self._stream is not None
        timeline = self._timeline
        pts, dts = int(timeline.key_pts[key]), int(timeline.key_dts[key])
        # mp4 and its family look timestamps up in decoding order, the others as shown
        tick = min(pts, dts) if "mp4" in self._container.format.name and dts > -(2**62) else pts
        self._container.seek(tick, stream=self._stream, backward=True)
        return float(timeline.key_times_s[key])

    def _rewind(self) -> None:
        self.close()
        self._container = open_input(self._path)
        self._stream = select_video(self._container, self._path)
        context = self._stream.codec_context
        # Frame threads also with one thread: with slice threads FFmpeg's H.264 decoder does not
        # say which frames it had to conceal.
        self._stream.thread_type = ThreadType.FRAME
        large = context.width * context.height > _LARGE_FRAME
        self._stream.thread_count = 1 if large else min(4, os.cpu_count() or 1)
