"""Reading a video file window by window."""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.data import Video
from pavas_sdk.data.timing import grid_times, hold_index
from pavas_sdk.errors import DamagedMediaError, InputError, MediaError
from pavas_sdk.media.decoder import FrameCursor, OutOfOrderError
from pavas_sdk.media.opening import has_decoder, open_input, select_video
from pavas_sdk.media.pixels import FrameConverter, Orientation, fitted_size
from pavas_sdk.media.timeline import PacketTable, Timeline, build_timeline, scan_packets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import ArrayLike, NDArray

__all__ = ["MIN_SIDE_PX", "VideoFile", "open_video", "read_video"]

logger = logging.getLogger(__name__)

MIN_SIDE_PX = 16
_TOLERANCE_S = 1e-6
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
            This changes the clock, so the sound no longer fits the file's own pictures; for slow
            motion use ``time_scale``.
        cache_bytes: How much decoded picture to keep, so that several readers of one window
            decode it once.

    Raises:
        MediaNotFoundError: No such file.
        MediaError: A folder, no video, sound only, no frames, or smaller than 16 x 16 pixels.
        DamagedMediaError: Nothing could be decoded.
        InputError: An argument is impossible.
    """
    _check_number("time_scale", time_scale, above=0.0)
    if fps is not None:
        _check_number("fps", fps, above=0.0)
    file = Path(path).expanduser()
    with open_input(file) as container:
        stream = select_video(container, file)
        rate = stream.average_rate or stream.guessed_rate
        nominal = float(rate) if rate else None
        ratio = stream.sample_aspect_ratio
        facts: dict[str, Any] = {
            "container": container.format.name,
            "codec": stream.codec.name,
            "pixel_format": stream.pix_fmt,
            "stored_height": stream.height,
            "stored_width": stream.width,
            "pixel_aspect_ratio": float(ratio) if ratio else 1.0,
            "audio_codec": next(
                (s.codec.name for s in container.streams.audio if has_decoder(s)), None
            ),
            "declared_frames": stream.frames or None,
            "declared_duration_s": _declared_duration(container, stream),
        }
        if min(stream.height, stream.width) < MIN_SIDE_PX:
            raise MediaError(
                f"{file} is {stream.width} x {stream.height} pixels; at least "
                f"{MIN_SIDE_PX} x {MIN_SIDE_PX} are needed to see anything move"
            )
        table = scan_packets(container, stream)
    return VideoFile(
        file,
        table,
        facts,
        nominal_rate_hz=nominal,
        time_scale=time_scale,
        start_s=start_s,
        duration_s=duration_s,
        fps=fps,
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


class VideoFile:
    """A video file as a `pavas_sdk.data.FrameSource`. Made by `open_video`.

    A frame is shown from its timestamp to the next one's; the first also before it. Reading goes
    forwards from the nearest keyframe and keeps only the wanted frames, so memory does not depend
    on the file's length; successive windows continue without decoding anything twice. Safe to use
    from several threads (one reads at a time).

    `warnings` grows: damage inside a file shows only when it is decoded.
    """

    def __init__(
        self,
        path: Path,
        table: PacketTable,
        facts: dict[str, Any],
        *,
        nominal_rate_hz: float | None,
        time_scale: float,
        start_s: float,
        duration_s: float | None,
        fps: float | None,
        cache_bytes: int,
    ) -> None:
        """Use `open_video`."""
        self._path = path
        self._table = table
        self._facts = facts
        self._nominal_rate_hz = nominal_rate_hz
        self._fps = fps
        self._time_scale = float(time_scale)
        self._lock = threading.RLock()
        self._cache: OrderedDict[tuple[Any, ...], Video] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._logged: set[str] = set()
        self._use_timeline(by_order=False)
        self._fixed_warnings = self._missing()
        self._start_s, self._duration_s = self._window(start_s, duration_s)
        self._orientation, self._height, self._width = self._first_look()
        self._report()

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
        return self._facts["audio_codec"] is not None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is odd about the file, as far as it has been read, in plain words."""
        texts = (*self._fixed_warnings, *self._timeline.warnings, *self._cursor.damage.warnings())
        return tuple(f"{self._path.name}: {text}" for text in texts)

    @property
    def frame_times_s(self) -> NDArray[np.float64]:
        """Times at which frames appear, (T,), as the container tells them."""
        times = np.unique(self._timeline.times_s) - self._start_s
        first = int(hold_index(times, np.zeros(1))[0])
        return np.asarray(np.clip(times[first:][times[first:] < self._duration_s], 0.0, None))

    def info(self) -> dict[str, Any]:
        """Return everything known about the file, ready for JSON."""
        times = self._timeline.times_s
        return {
            "path": self.source,
            **self._facts,
            "height": self._height,
            "width": self._width,
            "rotation_deg": self.rotation_deg,
            "mirrored": self._orientation.mirrored,
            "duration_s": self._duration_s,
            "start_s": self._start_s,
            "frames": int(self.frame_times_s.size),
            "frame_rate_hz": self.frame_rate_hz,
            "variable_frame_rate": bool(
                times.size > 2 and np.ptp(np.diff(times)) > 0.1 * self._timeline.step_s
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
        start = _check_number("start_s", start_s, at_least=0.0)
        end = self._duration_s if end_s is None else min(float(end_s), self._duration_s)
        if not end > start:
            raise InputError(
                f"nothing to read between {start_s} and {end_s} s: the video has "
                f"{self._duration_s:.3f} s; expected 0 <= start_s < end_s"
            )
        if fps is not None:
            step = _check_number("fps", fps, above=0.0)
            return self.frames_at(start + grid_times(end - start, step), max_side=max_side)
        _check_side(max_side)
        key = ("read", start, end, max_side)
        return self._cached(key, lambda: self._read_native(start, end, max_side))

    def frames_at(self, times_s: ArrayLike, *, max_side: int | None = None) -> Video:
        """Return the frames shown at ``times_s``, (N,) strictly increasing seconds.

        Times before the first frame give the first, times behind the end the last.

        Raises:
            InputError: The times are empty, not finite or do not increase.
            DamagedMediaError: Nothing in the file could be decoded.
        """
        times = np.array(times_s, dtype=np.float64)
        if times.ndim != 1 or times.size == 0 or not np.isfinite(times).all():
            raise InputError(f"times_s must be finite seconds, shape (N,), got {times_s!r:.80}")
        if (np.diff(times) <= 0).any():
            raise InputError("times_s must increase strictly")
        _check_side(max_side)
        key = ("at", times.tobytes(), max_side)
        return self._cached(key, lambda: self._read_at(times, max_side))

    def iter_segments(
        self, length_s: float, *, fps: float | None = None, max_side: int | None = None
    ) -> Iterator[Video]:
        """Yield windows of ``length_s`` seconds, one after the other, the last one shorter."""
        length = _check_number("length_s", length_s, above=0.0)
        for index in range(max(1, math.ceil(self._duration_s / length - _TOLERANCE_S))):
            start = index * length
            yield self.read(
                start, min(start + length, self._duration_s), fps=fps, max_side=max_side
            )

    def check(self) -> tuple[str, ...]:
        """Decode the whole file once, keeping nothing, and return all `warnings`."""
        with self._lock:
            for _ in self._walk(0.0):
                pass
            self._report()
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
        self._timeline: Timeline = build_timeline(
            self._table, nominal_rate_hz=self._nominal_rate_hz, fps=self._fps, by_order=by_order
        )
        self._cursor = FrameCursor(self._path, self._timeline)
        self._cache.clear()

    def _window(self, start_s: float, duration_s: float | None) -> tuple[float, float]:
        start = _check_number("start_s", start_s, at_least=0.0)
        total = self._timeline.end_s
        if start >= total:
            raise InputError(
                f"start_s is {start}, but {self._path} is {total:.3f} s long; "
                "choose an earlier start"
            )
        if duration_s is None:
            return start, total - start
        length = _check_number("duration_s", duration_s, above=0.0)
        if length > total - start + _TOLERANCE_S:
            self._note(
                f"{length:.3f} s from {start:.3f} s were asked for, but the video ends at "
                f"{total:.3f} s; the {total - start:.3f} s that exist are used"
            )
        return start, min(length, total - start)

    def _first_look(self) -> tuple[Orientation, int, int]:
        """Decode one frame: it must be possible, and it carries the rotation."""
        for _, frame in self._walk(0.0):
            orientation = Orientation.of(frame)
            height, width = frame.height, frame.width
            ratio = Fraction(self._facts["pixel_aspect_ratio"]).limit_denominator(1000)
            if ratio != 1 and Fraction(1, 4) <= ratio <= 4:
                width = round(width * ratio)
                self._note(
                    f"pixels are {float(ratio):.3f} times as wide as high; "
                    "pictures are stretched to square pixels"
                )
            if not orientation.exact:
                self._note(
                    "the display matrix turns by an odd angle; the nearest multiple of 90 degrees "
                    "is used"
                )
            if self._timeline.times_s.size == 1:
                self._note("only one frame: a still picture, nothing can be seen to move")
            if orientation.swap_axes:
                height, width = width, height
            return orientation, height, width
        raise DamagedMediaError(
            f"{self._path}: none of its {self._timeline.times_s.size} frames can be decoded "
            f"({self._facts['codec']}); the file is damaged: fetch or record it again"
        )

    def _walk(self, start_s: float) -> Iterator[tuple[float, Any]]:
        """Yield (time from the beginning of the part, frame) from the one shown at start_s."""
        for time_s, frame in self._cursor.walk(start_s + self._start_s):
            yield max(0.0, time_s - self._start_s), frame

    def _read_native(self, start_s: float, end_s: float, max_side: int | None) -> Video:
        times = self.frame_times_s
        expected = int(np.searchsorted(times, end_s) - np.searchsorted(times, start_s)) + 2
        size = fitted_size(self._height, self._width, max_side)
        frames = np.empty((expected, *size, 3), dtype=np.uint8)
        shown: list[float] = []
        converter = FrameConverter(self._orientation, *size)
        for time_s, frame in self._walk(start_s):
            if time_s >= end_s - _TOLERANCE_S:
                break
            if shown and shown[-1] < start_s - _TOLERANCE_S:
                shown.clear()  # the frame held from before; another appears in the window
            if len(shown) == len(frames):
                frames = np.concatenate([frames, np.empty_like(frames)])
            converter.write(frame, frames[len(shown)])
            shown.append(time_s)
        if not shown:
            # the first frame that could be decoded comes after the window: it is shown before
            return self._read_at(np.asarray([start_s]), max_side)
        if shown[0] < start_s - _TOLERANCE_S:
            shown[0] = start_s
        return self._video(frames[: len(shown)], np.asarray(shown), end_s)

    def _read_at(self, times: NDArray[np.float64], max_side: int | None) -> Video:
        size = fitted_size(self._height, self._width, max_side)
        step = float(np.median(np.diff(times))) if times.size > 1 else self._timeline.step_s
        end_s = float(times[-1]) + step
        whole = self._covering(float(times[0]), float(times[-1]), max_side)
        if whole is not None:
            return self._video(whole.frames[hold_index(whole.times_s, times)], times, end_s)
        frames = np.empty((times.size, *size, 3), dtype=np.uint8)
        converter = FrameConverter(self._orientation, *size)
        done = 0
        held: Any = None
        for time_s, frame in self._walk(max(0.0, float(times[0]))):
            reached = int(np.searchsorted(times, time_s - _TOLERANCE_S, side="left"))
            if held is not None:
                done = _fill(converter, held, frames, done, reached)
            held = frame
            if done == times.size:
                break
        if held is None:
            raise DamagedMediaError(f"{self._path}: no frame could be decoded any more")
        _fill(converter, held, frames, done, times.size)
        return self._video(frames, times, end_s)

    def _covering(self, first_s: float, last_s: float, max_side: int | None) -> Video | None:
        for key, video in self._cache.items():
            if key[0] != "read" or key[-1] != max_side or video.end_s is None:
                continue
            begins = video.times_s[0] <= first_s + _TOLERANCE_S or key[1] == 0.0
            if begins and (last_s < video.end_s or video.end_s >= self._duration_s):
                return video
        return None

    def _video(self, frames: NDArray[np.uint8], times: NDArray[np.float64], end_s: float) -> Video:
        frames.flags.writeable = False
        return Video(
            frames=frames,
            times_s=times,
            source=self.source,
            end_s=end_s,
            time_scale=self._time_scale,
        )

    def _cached(self, key: tuple[Any, ...], read: Callable[[], Video]) -> Video:
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
            try:
                video = read()
            except OutOfOrderError:
                self._use_timeline(by_order=True)
                video = read()
            self._report()
            if video.frames.nbytes <= self._cache_bytes:
                self._cache[key] = video
                while sum(v.frames.nbytes for v in self._cache.values()) > self._cache_bytes:
                    self._cache.popitem(last=False)
            return video

    def _missing(self) -> tuple[str, ...]:
        """Compare what the container declares with what it holds."""
        table, timeline = self._table, self._timeline
        texts: list[str] = []
        declared_s = self._facts["declared_duration_s"]
        declared_frames = self._facts["declared_frames"]
        have = int(table.pts.size)
        short_s = (declared_s or 0.0) - timeline.end_s if self._fps is None else 0.0
        short_frames = (declared_frames or 0) - have
        if short_s > max(2.5 * timeline.step_s, 0.02 * (declared_s or 0.0)) or short_frames > 0:
            texts.append(
                f"{declared_s or 0.0:.3f} s"
                + (f" ({declared_frames} frames)" if declared_frames else "")
                + f" are declared, but only {timeline.end_s:.3f} s ({have} frames) could be read: "
                f"{max(short_s, 0.0):.3f} s are missing (a file cut off while downloading or "
                "recording?); the readable part is used"
            )
        elif table.cut_off:
            texts.append("reading stopped before the end of the file; the readable part is used")
        if table.corrupt and not table.cut_off:
            texts.append(f"the container calls {table.corrupt} packets damaged")
        return tuple(texts)

    def _note(self, text: str) -> None:
        self._fixed_warnings += (text,)

    def _report(self) -> None:
        for text in self.warnings:
            if text not in self._logged:
                self._logged.add(text)
                logger.warning("%s", text)


def _fill(
    converter: FrameConverter, frame: Any, frames: NDArray[np.uint8], done: int, reached: int
) -> int:
    """Write ``frame`` into frames[done:reached]; return how far the result is filled."""
    if reached <= done:
        return done
    converter.write(frame, frames[done])
    frames[done + 1 : reached] = frames[done]
    return reached


def _declared_duration(container: Any, stream: Any) -> float | None:
    """Return the video's declared duration in seconds, None when the file does not say."""
    if stream.duration is not None:
        return float(stream.duration * stream.time_base)
    tag = stream.metadata.get("DURATION") or stream.metadata.get("DURATION-eng")
    if tag is not None:
        try:
            hours, minutes, seconds = tag.split(":")
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        except ValueError:
            logger.debug("unreadable DURATION tag %r", tag)
    if container.duration is not None and len(container.streams) == 1:
        return float(container.duration) / 1e6
    return None


def _check_number(
    name: str, value: float, *, above: float | None = None, at_least: float | None = None
) -> float:
    number = float(value)
    fine = math.isfinite(number)
    if above is not None:
        fine = fine and number > above
    if at_least is not None:
        fine = fine and number >= at_least
    if not fine:
        bound = f"above {above:g}" if above is not None else f"at least {at_least:g}"
        raise InputError(f"{name} must be a finite number {bound}, got {value!r}")
    return number


def _check_side(max_side: int | None) -> None:
    if max_side is not None and (int(max_side) != max_side or max_side < 1):
        raise InputError(f"max_side must be a whole number of pixels, at least 1, got {max_side!r}")
