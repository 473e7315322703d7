"""What a video file says about itself before any picture is decoded."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.errors import MediaError
from pavas_sdk.media.edit_lists import edit_list_was_ignored
from pavas_sdk.media.opening import has_decoder, open_input, picture_streams, select_video
from pavas_sdk.media.timeline import PacketTable, Timeline, counted, scan_packets

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.video.stream import VideoStream

__all__ = ["MIN_SIDE_PX", "FileFacts", "missing_parts", "probe"]

logger = logging.getLogger(__name__)

MIN_SIDE_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """Declarations of a container about its pictures and sound.

    Attributes:
        container: FFmpeg's name of the container format.
        codec: FFmpeg's name of the video codec.
        pixel_format: FFmpeg's name.
        stored_height: Pixels, before rotation.
        stored_width: Pixels, before rotation.
        pixel_aspect_ratio: Width over height of one pixel.
        audio_codec: None without sound.
        declared_frames: None when the container does not say.
        declared_duration_s: Of the video stream; None when the container does not say.
        nominal_rate_hz: Declared frames per second; None when the container does not say.
        stream_index: Of the pictures that are used, among all streams.
        picture_streams: How many streams of pictures there are, without cover art.
        edit_list_ignored: Whether the edit list hid next to everything and is not followed.
    """

    container: str
    codec: str
    pixel_format: str | None
    stored_height: int
    stored_width: int
    pixel_aspect_ratio: float
    audio_codec: str | None
    declared_frames: int | None
    declared_duration_s: float | None
    nominal_rate_hz: float | None
    stream_index: int = 0
    picture_streams: int = 1
    edit_list_ignored: bool = False


def probe(file: Path) -> tuple[FileFacts, PacketTable]:
    """Open ``file`` and read every packet's timestamp; nothing is decoded.

    Raises:
        MediaError: See `open_video`.
    """
    with open_input(file) as container:
        stream = select_video(container, file)
        rate = stream.average_rate or stream.guessed_rate
        ratio = stream.sample_aspect_ratio
        sound = next((s for s in container.streams.audio if has_decoder(s)), None)
        facts = FileFacts(
            container=container.format.name,
            codec=stream.codec.name,
            pixel_format=stream.pix_fmt,
            stored_height=stream.height,
            stored_width=stream.width,
            pixel_aspect_ratio=float(ratio) if ratio else 1.0,
            audio_codec=sound.codec.name if sound else None,
            declared_frames=stream.frames or None,
            declared_duration_s=_declared_duration(container, stream),
            nominal_rate_hz=float(rate) if rate else None,
            stream_index=stream.index,
            picture_streams=len(picture_streams(container)),
            edit_list_ignored=edit_list_was_ignored(container),
        )
        if min(stream.height, stream.width) < MIN_SIDE_PX:
            raise MediaError(
                f"{file} is {stream.width} x {stream.height} pixels; at least "
                f"{MIN_SIDE_PX} x {MIN_SIDE_PX} are needed to see anything move"
            )
        return facts, scan_packets(container, stream)


def missing_parts(facts: FileFacts, table: PacketTable, timeline: Timeline) -> tuple[str, ...]:
    """Compare what the container declares with what it holds, in plain words."""
    declared_s = facts.declared_duration_s or 0.0
    have = int(table.pts.size)
    # where the timestamps had to be repaired, the declaration rests on the same mistake
    short_s = 0.0 if timeline.repaired else declared_s - timeline.end_s
    # what an edit list hides is declared, and FFmpeg does not deliver it
    trimmed = "mov" in facts.container and short_s < 0.5 * timeline.step_s
    if short_s > max(2.5 * timeline.step_s, 0.02 * declared_s) or (
        facts.declared_frames is not None and have < facts.declared_frames and not trimmed
    ):
        frames = f" ({facts.declared_frames} frames)" if facts.declared_frames else ""
        text = (
            f"{declared_s:.3f} s{frames} are declared, but only {timeline.end_s:.3f} s "
            f"({have} frames) could be read: {max(short_s, 0.0):.3f} s are missing (a file cut "
            "off while downloading or recording?); the readable part is used"
        )
        return (text,)
    if table.cut_off:
        return ("reading stopped before the end of the file; the readable part is used",)
    if table.corrupt:
        return (f"the container calls {counted(table.corrupt, 'packet')} damaged",)
    return ()


def _declared_duration(container: InputContainer, stream: VideoStream) -> float | None:
    """Return the video's declared duration in seconds, None when the file does not say."""
    if stream.duration is not None and stream.time_base is not None:
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
