"""Reading a video file window by window."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.frames import SourceFacts
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.errors import DamagedMediaError, InputError, MediaNotFoundError
from pavas_sdk.media.arguments import (
    checked_number,
    checked_side,
    checked_times,
    checked_window,
)
from pavas_sdk.media.clock import check_clock, check_given_rate, clock_notes
from pavas_sdk.media.declared import declared_notes, pixel_ratio
from pavas_sdk.media.decoder import FrameCursor, OutOfOrderError
from pavas_sdk.media.file_facts import missing_parts, probe
from pavas_sdk.media.frame_sampling import every_frame, frames_shown
from pavas_sdk.media.pixels import FrameConverter, Orientation, fitted_size
from pavas_sdk.media.timeline import Timeline, build_timeline
from pavas_sdk.media.unread_bytes import unread_note
from pavas_sdk.media.window_cache import ReadRequest, WindowCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import av
    from numpy.typing import ArrayLike, NDArray

__all__ = ["VideoFile"]

logger = logging.getLogger(__name__)

_T = TypeVar("_T")
_TOLERANCE_S = 1e-6


class VideoFile(SourceFacts):
    """A video file as a `pavas_sdk.data.FrameSource`. Made by `open_video`.

    A frame is shown from its timestamp to the next one's; the first also before it. Pictures are
    upright RGB with square pixels. Reading goes forwards from the nearest keyframe and keeps only
    the wanted frames, so memory does not depend on the file's length; successive windows continue
    without decoding anything twice. Safe to use from several threads (one reads at a time).

    Oddities of a file are collected in ``warnings`` and logged once each; the list grows, because
    damage inside a file shows only when that part is decoded (`check` decodes everything). Damage
    that the decoder cannot notice is not in it.
    """

    def __init__(
        self,
        path: Path,
        *,
        time_scale: float,
        start_s: float,
        duration_s: float | None,
        fps: float | None,
        cache_bytes: int,
    ) -> None:
        """Use `open_video`."""
        self._path = path
        self._fps = fps
        self._time_scale = time_scale
        self._facts, self._table = probe(path)
        self._lock = threading.RLock()
        self._cache = WindowCache(cache_bytes)
        self._notes: tuple[str, ...] = ()
        self._logged: set[str] = set()
        self._use_timeline(by_order=False)
        if fps is not None:
            check_given_rate(self._timeline, fps, path.name)
        else:
            ignored = self._facts.edit_list_ignored
            check_clock(self._table, self._timeline, path.name, edit_list_ignored=ignored)
            self._notes += missing_parts(self._facts, self._table, self._timeline)
            self._notes += clock_notes(self._timeline)
            unread = unread_note(path, self._facts.container, self._table.read_end)
            self._notes += () if unread is None else (unread,)
        self._start_s, self._duration_s = self._part(start_s, duration_s)
        self._orientation, self._height, self._width = self._decoded(self._first_look)

    # what the file is

    @property
    def source(self) -> str:
        """The path as given."""
        return str(self._path)

    @property
    def duration_s(self) -> float:
        """Seconds, to the end of the last frame (or of the chosen part)."""
        return self._duration_s

    @property
    def start_s(self) -> float:
        """Where in the file time 0 lies (`mux` takes it as ``offset_s``)."""
        return self._start_s

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second, from the median time between frames."""
        return 1.0 / self._timeline.step_s

    @property
    def height(self) -> int:
        """Pixels, upright and square."""
        return self._height

    @property
    def width(self) -> int:
        """Pixels, upright and square."""
        return self._width

    @property
    def rotation_deg(self) -> int:
        """How far the stored pictures are turned counter-clockwise to be upright."""
        return self._orientation.rotation_deg

    @property
    def time_scale(self) -> float:
        """How many times slower than life the video plays."""
        return self._time_scale

    @property
    def has_audio(self) -> bool:
        """Whether the file has a sound track."""
        return self._facts.audio_codec is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file, as far as it has been read, in plain words."""
        texts = (*self._notes, *self._timeline.warnings, *self._cursor.damage.warnings())
        return tuple(f"{self._path.name}: {text}" for text in texts)

    @property
    def frame_times_s(self) -> NDArray[np.float64]:
        """Times at which frames appear, (T,), as the container tells them."""
        times = np.unique(self._timeline.times_s) - self._start_s
        times = times[int(hold_index(times, np.zeros(1))[0]) :]
        return np.asarray(np.clip(times[times < self._duration_s - _TOLERANCE_S], 0.0, None))

    def fingerprint(self) -> str:
        """Return a SHA-256 of the file's bytes and of the chosen part, as hexadecimal digits.

        Raises:
            MediaNotFoundError: The file is gone.
        """
        try:
            with self._path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256")
        except OSError as err:
            raise MediaNotFoundError(f"cannot read {self._path}: {err.strerror or err}") from err
        part = [self._start_s, self._duration_s, self._fps]
        digest.update(json.dumps(part).encode())
        return digest.hexdigest()

    def info(self) -> dict[str, Any]:
        """Return everything known about the file, ready for JSON."""
        gaps = np.diff(self._timeline.times_s)
        return {
            "path": self.source,
            **dataclasses.asdict(self._facts),
            "height": self._height,
            "width": self._width,
            "rotation_deg": self.rotation_deg,
            "mirrored": self._orientation.mirrored,
            "duration_s": self._duration_s,
            "start_s": self._start_s,
            "frames": int(self.frame_times_s.size),
            "frame_rate_hz": self.frame_rate_hz,
            "variable_frame_rate": bool(
                gaps.size > 1 and np.ptp(gaps) > 0.1 * self._timeline.step_s
            ),
            "keyframes": int(self._table.keyframe.sum()),
            "time_scale": self._time_scale,
            "has_audio": self.has_audio,
            "warnings": list(self.warnings),
        }

    # reading

    def read(
        self,
        start_s: float = 0.0,
        end_s: float | None = None,
        *,
        fps: float | None = None,
        max_side: int | None = None,
    ) -> Video:
        """Return the frames that appear in [start_s, end_s), or a regular grid of them.

        Args:
            start_s: Seconds from the beginning.
            end_s: Seconds; the end of the video by default or when larger.
            fps: Return the frames shown at start_s + k / fps instead of each frame once.
            max_side: Shrink (area average) so that the longer side has at most so many pixels.

        Returns:
            The frames. When none appears within the window, the one shown then, at ``start_s``.

        Raises:
            InputError: An empty window, or one that begins behind the end.
            DamagedMediaError: Nothing in the file could be decoded.
        """
        start, end = checked_window(start_s, end_s, self._duration_s)
        if fps is not None:
            times = start + grid_times(end - start, checked_number("fps", fps, above=0.0))
            return self.frames_at(times, max_side=max_side)
        side = checked_side(max_side)
        return self._cached(ReadRequest(side, start, end), lambda: self._every(start, end, side))

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at ``times_s``, (N,) strictly increasing seconds.

        Times before the first frame give the first, times behind the end the last.

        Raises:
            InputError: The times are empty, not finite or do not increase.
            DamagedMediaError: Nothing in the file could be decoded.
        """
        times, side = checked_times(times_s), checked_side(max_side)
        request = ReadRequest(side, float(times[0]), float(times[-1]), times.tobytes())
        return self._cached(request, lambda: self._at(times, side))

    def check(self) -> tuple[str, ...]:
        """Decode the whole file once, keeping nothing, and return all ``warnings``."""

        def decode_all() -> None:
            for _ in self._cursor.walk(0.0):
                pass

        with self._lock:
            self._decoded(decode_all)
        return self.warnings

    def close(self) -> None:
        """Close the file and forget decoded pictures; a later read opens it again."""
        with self._lock:
            self._cursor.close()
            self._cache.clear()

    def __enter__(self) -> VideoFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return (
            f"VideoFile({self.source!r}, {self._width}x{self._height}, "
            f"{self._duration_s:.3f} s, {self.frame_rate_hz:.3f} Hz)"
        )

    # inside

    def _use_timeline(self, *, by_order: bool) -> None:
        rate = self._facts.nominal_rate_hz
        self._timeline: Timeline = build_timeline(
            self._table, nominal_rate_hz=rate, fps=self._fps, by_order=by_order
        )
        self._cursor = FrameCursor(self._path, self._timeline)
        self._cache.clear()

    def _decoded(self, read: Callable[[], _T]) -> _T:
        """Return read(); when decoding shows that timestamps do not fit, go by order instead."""
        try:
            result = read()
        except OutOfOrderError:
            self._use_timeline(by_order=True)
            result = read()
        for text in self.warnings:
            if text not in self._logged:
                self._logged.add(text)
                logger.warning("%s", text)
        return result

    def _cached(self, request: ReadRequest, read: Callable[[], Video]) -> Video:
        with self._lock:
            video = self._cache.get(request)
            if video is None:
                video = self._decoded(read)
                self._cache.put(request, video)
            return video

    def _part(self, start_s: float, duration_s: float | None) -> tuple[float, float]:
        """Return start and length of the chosen part, within the file."""
        total = self._timeline.end_s
        if start_s >= total:
            raise InputError(
                f"start_s is {start_s}, but {self._path} is {total:.3f} s long; "
                "choose an earlier start"
            )
        left = total - start_s
        if duration_s is not None and duration_s > left + _TOLERANCE_S:
            self._note(
                f"{duration_s:.3f} s from {start_s:.3f} s were asked for, but the video ends at "
                f"{total:.3f} s; the {left:.3f} s that exist are used"
            )
        return start_s, left if duration_s is None else min(duration_s, left)

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes += (text,)

    def _first_look(self) -> tuple[Orientation, int, int]:
        """Decode one frame: it must be possible, and it carries the rotation."""
        frame = next((frame for _, frame in self._walk(0.0)), None)
        if frame is None:
            raise DamagedMediaError(
                f"{self._path}: none of its {self._timeline.times_s.size} frames can be decoded "
                f"({self._facts.codec}); the file is damaged: fetch or record it again"
            )
        orientation = Orientation.of(frame)
        height, width = frame.height, frame.width
        ratio = pixel_ratio(self._facts)
        width = width if ratio is None else round(width * ratio)
        for text in declared_notes(frame, self._facts, orientation):
            self._note(text)
        if self._timeline.times_s.size == 1:
            self._note("only one frame: a still picture, nothing can be seen to move")
        return (
            (orientation, width, height) if orientation.swap_axes else (orientation, height, width)
        )

    def _walk(self, start_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
        """Yield (time from the beginning of the part, frame) from the one shown at start_s."""
        for time_s, frame in self._cursor.walk(start_s + self._start_s):
            yield max(0.0, time_s - self._start_s), frame

    def _every(self, start_s: float, end_s: float, max_side: int | None) -> Video:
        times = self.frame_times_s
        expected = int(np.searchsorted(times, end_s) - np.searchsorted(times, start_s)) + 2
        frames, shown = every_frame(
            self._walk(start_s), start_s, end_s, self._converter(max_side), expected
        )
        if not shown.size:
            # what comes before the first frame that could be decoded is shown as that frame
            return self._at(np.asarray([start_s]), max_side)
        return self._video(frames, shown, end_s)

    def _at(self, times: NDArray[np.float64], max_side: int | None) -> Video:
        step = float(np.median(np.diff(times))) if times.size > 1 else self._timeline.step_s
        frames = self._cache.shown_at(times, max_side, self._duration_s)
        if frames is None:
            first = max(0.0, float(times[0]))
            frames = frames_shown(self._walk(first), times, self._converter(max_side))
        if frames is None:
            raise DamagedMediaError(f"{self._path}: no frame can be decoded any more")
        return self._video(frames, times, float(times[-1]) + step)

    def _converter(self, max_side: int | None) -> FrameConverter:
        return FrameConverter(self._orientation, *fitted_size(self._height, self._width, max_side))

    def _video(self, frames: NDArray[np.uint8], times: NDArray[np.float64], end_s: float) -> Video:
        frames.flags.writeable = False
        return Video(
            frames=frames,
            times_s=times,
            source=self.source,
            end_s=end_s,
            time_scale=self._time_scale,
        )
