"""When each frame of a file appears: read from the packets once, without decoding."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from pavas_sdk.data.timing import hold_index
from pavas_sdk.errors import DamagedMediaError, MediaError
from pavas_sdk.media.opening import demuxed

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

__all__ = ["PacketTable", "Timeline", "build_timeline", "counted", "scan_packets"]

_UNKNOWN = np.iinfo(np.int64).min
_ODD_GAP = 10.0  # times the median frame time: worth a warning
_ODD_GAP_S = 0.5
_CONSTANT_SHARE = 0.9
_RESTART = 5.0  # a step back of more median frame times is no jitter: the clock was reset
_ABSURD_GAP_S = 60.0  # longer than this and than all the rest together: a broken clock


@dataclass(slots=True)
class PacketTable:
    """What the packets of one video stream say, in file order.

    Attributes:
        pts: Presentation ticks (N,); ``unknown`` marks those without one.
        dts: Decoding ticks (N,).
        duration: Ticks (N,), 0 when not given.
        keyframe: Whether decoding can begin here (N,).
        hidden: Decoded but never shown (an edit list's lead-in) (N,).
        time_base: Seconds per tick.
        corrupt: How many packets the container itself calls damaged.
        cut_off: Whether reading ended with an error or in the middle of a packet.
        end_s: Where the last packet of any stream ends, in the container's own seconds.
        read_end: Where it ends in the file, in bytes; 0 when the container does not tell.
    """

    pts: NDArray[np.int64]
    dts: NDArray[np.int64]
    duration: NDArray[np.int64]
    keyframe: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    time_base: Fraction
    corrupt: int = 0
    cut_off: bool = False
    end_s: float = 0.0
    read_end: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """Presentation times of a file's frames; the first one is shown at 0.

    Attributes:
        times_s: (N,), seconds, strictly increasing (``by_order``: not decreasing).
        ticks: (N,), the container's timestamp of each, for matching decoded frames.
        end_s: When the last frame disappears.
        step_s: Median time between frames.
        by_order: The timestamps cannot be matched with frames: the k-th decoded frame is shown
            at the k-th time, and reading always begins at the start of the file.
        repaired: ``times_s`` are not what the packets say: by order, or with a gap closed.
        origin: Tick of time 0.
        time_base: Seconds per tick.
        key_times_s: (M,), increasing times at which decoding can begin.
        key_pts: (M,), their presentation ticks.
        key_dts: (M,), their decoding ticks.
        warnings: What is odd, in plain words.
    """

    times_s: NDArray[np.float64]
    ticks: NDArray[np.int64]
    end_s: float
    step_s: float
    by_order: bool
    repaired: bool
    origin: int
    time_base: Fraction
    key_times_s: NDArray[np.float64]
    key_pts: NDArray[np.int64]
    key_dts: NDArray[np.int64]
    warnings: tuple[str, ...] = field(default=())

    def time_of(self, tick: int) -> float:
        """Return the time in seconds of a frame with this timestamp."""
        at = int(np.clip(np.searchsorted(self.ticks, tick, side="right") - 1, 0, None))
        offset = (tick - int(self.ticks[at])) * self.time_base
        return float(self.times_s[at]) + float(offset)

    def keyframe_before(self, time_s: float) -> int | None:
        """Return the index of the last keyframe shown at or before ``time_s``, None if none."""
        if self.key_times_s.size == 0 or time_s + 1e-6 < self.key_times_s[0]:
            return None
        return int(hold_index(self.key_times_s, np.asarray([time_s]))[0])


def scan_packets(container: InputContainer, stream: VideoStream) -> PacketTable:
    """Read every packet of the file once and note its timestamps; nothing is decoded.

    Raises:
        MediaError: The stream holds no pictures.
        DamagedMediaError: Pictures are declared, but none is there.
    """
    rows: list[tuple[int, int, int, bool, bool]] = []
    corrupt, damaged_tail, cut_off, end_s, read_end = 0, False, False, 0.0, 0
    try:
        for packet in demuxed(container):
            if packet.size == 0:
                continue
            shown = packet.pts if packet.pts is not None else packet.dts
            if shown is not None and packet.time_base:
                end_s = max(end_s, float((shown + (packet.duration or 0)) * packet.time_base))
            if packet.pos is not None and packet.pos >= 0:
                read_end = max(read_end, packet.pos + packet.size)
            if packet.stream_index != stream.index:
                continue
            corrupt += packet.is_corrupt
            damaged_tail = packet.is_corrupt
            rows.append(
                (
                    _UNKNOWN if packet.pts is None else packet.pts,
                    _UNKNOWN if packet.dts is None else packet.dts,
                    packet.duration or 0,
                    packet.is_keyframe,
                    packet.is_discard,
                )
            )
    except av.FFmpegError:
        cut_off = True
    if damaged_tail and len(rows) > 1:
        rows.pop()  # half a packet at the end of a truncated file cannot be decoded
        cut_off = True
    if not rows:
        if stream.frames or stream.duration:
            raise DamagedMediaError(
                f"{container.name}: {stream.frames or 'some'} frames are declared, but the file "
                "holds none of them (cut off?); fetch or record it again"
            )
        raise MediaError(f"{container.name}: the video stream has 0 frames; expected at least one")
    columns = list(zip(*rows, strict=True))
    assert stream.time_base is not None
    return PacketTable(
        pts=np.asarray(columns[0], dtype=np.int64),
        dts=np.asarray(columns[1], dtype=np.int64),
        duration=np.asarray(columns[2], dtype=np.int64),
        keyframe=np.asarray(columns[3], dtype=bool),
        hidden=np.asarray(columns[4], dtype=bool),
        time_base=stream.time_base,
        corrupt=corrupt,
        cut_off=cut_off,
        end_s=end_s,
        read_end=read_end,
    )


def build_timeline(
    table: PacketTable,
    *,
    nominal_rate_hz: float | None = None,
    fps: float | None = None,
    by_order: bool = False,
) -> Timeline:
    """Turn packet timestamps into presentation times, repairing what cannot be true.

    Repairs, each with a warning: timestamps that run backwards a little are sorted; a clock that
    restarts continues after the frame before; a gap of more than a minute that is longer than
    the whole rest is closed; of two frames with one timestamp the first is shown.

    Args:
        table: From `scan_packets`.
        nominal_rate_hz: Used when no time between frames can be measured.
        fps: Ignore the container's timestamps: frame k is shown at k / fps.
        by_order: Do not match frames by timestamp: decoding showed that they do not fit.
    """
    warnings: list[str] = []
    fallback = 1.0 / nominal_rate_hz if nominal_rate_hz else 1.0 / 25.0
    shown = ~table.hidden if (~table.hidden).any() else np.ones_like(table.hidden)
    if by_order:
        warnings.append("decoded frames do not follow their timestamps; the times were sorted")
    ticks, unmatched = _known_ticks(table, fallback, warnings)
    # with a rate that is given, frames that share a timestamp are different ones
    unmatched = unmatched or (fps is not None and np.unique(ticks).size < ticks.size)
    step = _median_step(ticks[shown], fallback, table.time_base)
    ticks, disordered = _continue_clock(ticks, table, step, warnings)
    by_order = by_order or unmatched or disordered

    order = np.sort(ticks[shown])
    repeated = int((np.diff(order) == 0).sum())
    if repeated:
        warnings.append(
            f"{counted(repeated, 'frame')} with the timestamp of another: the first is shown"
        )
    if not by_order:
        order = np.unique(order)
    origin = int(order[0])
    told = _to_seconds(order - origin, table.time_base)
    times = _close_gaps(told, warnings)
    step_s = float(np.median(np.diff(times)[np.diff(times) > 0])) if times[-1] > 0 else fallback
    last = float(table.duration[shown][np.argmax(ticks[shown])] * table.time_base)
    end_s = float(times[-1]) + (last if 0 < last <= _ODD_GAP * step_s else step_s)
    if fps is not None:
        times = np.arange(times.size) / fps
        end_s, step_s = times.size / fps, 1.0 / fps
    key = np.flatnonzero(table.keyframe & (table.pts != _UNKNOWN) & (not by_order))
    key_pts = table.pts[key]
    sort = np.argsort(key_pts, kind="stable")
    timeline = Timeline(
        times_s=times,
        ticks=order,
        end_s=end_s,
        step_s=step_s,
        by_order=by_order,
        repaired=by_order or bool(times[-1] != told[-1]),
        origin=origin,
        time_base=table.time_base,
        key_times_s=np.empty(0),
        key_pts=key_pts[sort],
        key_dts=table.dts[key][sort],
        warnings=tuple(warnings),
    )
    key_times = np.asarray([timeline.time_of(int(p)) for p in timeline.key_pts], dtype=np.float64)
    object.__setattr__(timeline, "key_times_s", key_times)
    return timeline


def _known_ticks(
    table: PacketTable, fallback_s: float, warnings: list[str]
) -> tuple[NDArray[np.int64], bool]:
    """Return one tick per packet, and whether they do not belong to particular frames."""
    if (table.pts != _UNKNOWN).all():
        return table.pts, False
    if (table.dts != _UNKNOWN).all():
        return table.dts, True
    warnings.append("frames without timestamps: shown at the nominal frame rate")
    step = max(1, round(Fraction(fallback_s).limit_denominator(100_000) / table.time_base))
    return np.arange(table.pts.size, dtype=np.int64) * step, True


def _median_step(ticks: NDArray[np.int64], fallback_s: float, time_base: Fraction) -> float:
    gaps = np.diff(np.unique(ticks))
    return float(np.median(gaps)) if gaps.size else fallback_s / float(time_base)


def _continue_clock(
    ticks: NDArray[np.int64], table: PacketTable, step: float, warnings: list[str]
) -> tuple[NDArray[np.int64], bool]:
    """Undo restarts of the clock, judged by decoding order, which must never run backwards."""
    order = np.where(table.dts == _UNKNOWN, ticks, table.dts)
    back = -np.diff(order)
    # decoding ticks of the first packets may be missing; their presentation ticks run ahead
    known = (table.dts[:-1] != _UNKNOWN) & (table.dts[1:] != _UNKNOWN)
    if not (table.dts != _UNKNOWN).any():
        known = np.ones_like(known)
    restart = known & (back > _RESTART * step)
    small = int((known & (back > 0) & ~restart).sum())
    if small:
        warnings.append(
            f"{counted(small, 'timestamp')} out of order (running backwards): the times were sorted"
        )
    if not restart.any():
        return ticks, small > 0
    fixed = ticks.copy()
    segment = np.concatenate([[0], np.cumsum(restart)])
    for index in range(1, int(segment[-1]) + 1):
        here, before = segment == index, segment == index - 1
        fixed[here] += int(fixed[before].max() + round(step)) - int(fixed[here].min())
    where = _to_seconds(np.asarray([fixed[segment == 1].min() - fixed.min()]), table.time_base)[0]
    warnings.append(
        f"the timestamps run backwards: {counted(int(segment[-1]), 'restart')} of the clock, first "
        f"at {where:.3f} s; the frames after it were shifted to follow on"
    )
    return fixed, True


def _close_gaps(times: NDArray[np.float64], warnings: list[str]) -> NDArray[np.float64]:
    gaps = np.diff(times)
    if not gaps.size or not (gaps > 0).any():
        return times
    step = float(np.median(gaps[gaps > 0]))
    rest = float(times[-1]) - gaps
    absurd = (gaps > _ABSURD_GAP_S) & (gaps > rest) & (times.size > 2)
    if absurd.any():
        at = int(np.argmax(absurd))
        warnings.append(
            f"the timestamps jump by {gaps[at]:.1f} s at {times[at]:.3f} s, more than all the "
            "rest of the video; the gap was closed"
        )
        gaps = np.where(absurd, step, gaps)
        times = np.concatenate([[0.0], np.cumsum(gaps)])
    warnings.extend(_holes(times, gaps, step))
    return times


def _holes(times: NDArray[np.float64], gaps: NDArray[np.float64], step: float) -> list[str]:
    """Describe gaps that are long, or that interrupt an otherwise constant rate."""
    found = []
    odd = gaps > max(_ODD_GAP * step, _ODD_GAP_S)
    if odd.any():
        at = int(np.argmax(gaps))
        found.append(
            f"{counted(int(odd.sum()), 'gap')} of more than 10 times the usual "
            f"{step * 1e3:.1f} ms between frames (longest {gaps[at]:.3f} s at {times[at]:.3f} s); "
            "the frame before is held"
        )
    holes = (gaps > 1.8 * step) & ~odd
    if holes.any() and (np.abs(gaps - step) < 0.1 * step).mean() >= _CONSTANT_SHARE:
        lost = int((np.rint(gaps[holes] / step) - 1).sum())
        found.append(
            f"about {counted(lost, 'frame')} missing in {counted(int(holes.sum()), 'place')} of an "
            f"otherwise constant rate (first at {times[np.argmax(holes)]:.3f} s): dropped while "
            "recording, or lost with damaged data; the frame before is held"
        )
    return found


def counted(number: int, noun: str) -> str:
    """Return "1 frame", "2 frames"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _to_seconds(ticks: NDArray[np.int64], time_base: Fraction) -> NDArray[np.float64]:
    return ticks.astype(np.float64) * time_base.numerator / time_base.denominator
