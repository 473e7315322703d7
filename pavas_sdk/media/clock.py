"""Clocks that cannot be true: said, and refused where no sensible sound could come out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.errors import MediaError

if TYPE_CHECKING:
    from pavas_sdk.data import Video
    from pavas_sdk.media.timeline import PacketTable, Timeline

__all__ = ["check_clock", "check_given_rate", "check_times", "clock_notes"]

SLOWEST_HZ, FASTEST_HZ = 1.0, 1000.0  # slower or faster is said
FEW_HZ = 8.0  # a ball in flight is seen once or twice: said, too
LONGEST_STEP_S, SHORTEST_STEP_S = 60.0, 1e-4  # beyond, refused
SHORTEST_S = 0.1  # of a video that is too fast to be true


def check_clock(
    table: PacketTable, timeline: Timeline, name: str, *, edit_list_ignored: bool = False
) -> None:
    """Refuse a clock from which no sensible sound can come.

    Args:
        table: What the packets say.
        timeline: What was made of it, without a rate that somebody gave.
        name: Of the file.
        edit_list_ignored: One clock of the file was found to be wrong already; then less than a
            frame per second is not believed either.

    Raises:
        MediaError: Frames that last more than a minute or less than a tenth of a millisecond, or
            most of which share their time with others; says what to type.
    """
    shown = int((~table.hidden).sum()) or int(table.pts.size)
    times = int(timeline.times_s.size)
    facts = None
    longest_s = 1.0 / SLOWEST_HZ if edit_list_ignored else LONGEST_STEP_S
    if timeline.step_s > longest_s or (times == 1 and timeline.end_s > LONGEST_STEP_S):
        facts = f"{_span(timeline.end_s)} for {shown} frame{'' if shown == 1 else 's'}"
    elif timeline.step_s < SHORTEST_STEP_S or (
        times > 1 and timeline.step_s < 1 / FASTEST_HZ and timeline.end_s < SHORTEST_S
    ):
        facts = f"{shown} frames in {timeline.end_s * 1e3:.3g} ms"
    elif shown > 3 and times <= shown // 2 and not timeline.by_order:
        facts = f"{shown} frames at {times} different times"
    if facts is not None:
        option = "-ignore_editlist 1 " if edit_list_ignored else ""
        advice = (
            "Say how many frames per second it has: --fps 25 (open_video(..., fps=25)), "
            f"or write it anew: ffmpeg {option}-r 25 -i INPUT OUTPUT.mp4"
        )
        raise MediaError(f"{name}: the clock of the file cannot be true: {facts}. {advice}")


def check_given_rate(timeline: Timeline, fps: float, name: str) -> None:
    """Refuse a rate that somebody gave and that leaves no time for a sound.

    Raises:
        MediaError: The whole video would last less than a tenth of a second, too fast to be true.
    """
    frames = int(timeline.times_s.size)
    if frames > 1 and fps > FASTEST_HZ and timeline.end_s < SHORTEST_S:
        raise MediaError(
            f"{name}: {frames} frames at {fps:g} per second last {timeline.end_s * 1e3:.3g} ms, in "
            "which nothing can be heard. Say the rate at which it plays (--fps 25), and how much "
            "slower than life that is (--time-scale)"
        )


def check_times(video: Video) -> None:
    """Refuse frames in memory whose times cannot be seconds.

    Raises:
        MediaError: They last more than a minute each.
    """
    if video.duration_s > LONGEST_STEP_S * len(video.times_s):
        raise MediaError(
            f"the times of the video cannot be true: {_span(video.duration_s)} for "
            f"{len(video.times_s)} frames. times_s and end_s are seconds: frame k of 25 per second "
            "appears at k / 25"
        )


def clock_notes(timeline: Timeline) -> tuple[str, ...]:
    """Return what is odd about a clock that is not refused, in plain words."""
    rate_hz = 1.0 / timeline.step_s
    if timeline.times_s.size < 2 or rate_hz > FASTEST_HZ:
        return _too_fast(rate_hz) if rate_hz > FASTEST_HZ else ()
    if rate_hz < SLOWEST_HZ:
        text = (
            f"a frame lasts {timeline.step_s:.3g} s: is the clock of the file true? If not, say how "
            "many frames per second it has (--fps 25); as it is, no impact can be seen"
        )
        return (text,)
    if rate_hz <= FEW_HZ:
        text = (
            f"only {rate_hz:.3g} frames per second: bounces and strikes between two frames cannot "
            "be seen, and speeds are rough"
        )
        return (text,)
    return ()


def _too_fast(rate_hz: float) -> tuple[str, ...]:
    text = (
        f"{rate_hz:.0f} frames per second: is the clock of the file true? If not, say how many it "
        "has (--fps 25); for a high-speed camera, say how much slower it plays (--time-scale)"
    )
    return (text,)


def _span(seconds: float) -> str:
    if seconds < 2 * 3600:
        return f"{seconds:.0f} s"
    if seconds < 4 * 86_400:
        return f"{seconds / 3600:.0f} hours"
    days = seconds / 86_400
    return f"{days:.0f} days" if days < 800 else f"{days / 365.25:.0f} years"
