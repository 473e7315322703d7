"""Putting new sound under a video without touching its pictures."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.data.files import replacing
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, MediaError
from pavas_sdk.media.clock import check_clock
from pavas_sdk.media.container_choice import fitting_containers
from pavas_sdk.media.containers import ContainerFormat, audio_packets, container_of
from pavas_sdk.media.edit_lists import hide_after, needed_packets, shows_more
from pavas_sdk.media.opening import open_input, readable, select_video
from pavas_sdk.media.retiming import TICKS_PER_S, new_timestamps
from pavas_sdk.media.timeline import build_timeline, counted, scan_packets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer, OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from pavas_sdk.media.timeline import PacketTable

__all__ = ["MuxReport", "mux"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class MuxReport:
    """What `mux` did.

    Attributes:
        path: The file.
        video_packets: Picture packets copied, byte for byte.
        video_duration_s: Seconds of picture.
        audio_codec: How the sound was encoded.
        audio_rate_hz: At which rate.
        silence_s: Seconds of silence added so that the sound is as long as the pictures.
        cut_s: Seconds of sound left out because the pictures end.
        warnings: What should be known, in plain words.
    """

    path: Path
    video_packets: int
    video_duration_s: float
    audio_codec: str
    audio_rate_hz: int
    silence_s: float
    cut_s: float
    warnings: tuple[str, ...] = ()


def mux(
    video_path: str | Path,
    audio: Audio,
    out_path: str | Path,
    *,
    audio_codec: str | None = None,
    offset_s: float = 0.0,
    fps: float | None = None,
    overwrite: bool = False,
) -> MuxReport:
    """Copy the pictures of ``video_path`` and put ``audio`` under them.

    The picture packets are copied byte for byte with their timestamps, rotation and edit list;
    nothing is encoded again. (Timestamps that cannot be true are repaired as for reading, and
    H.264 from AVI or MPEG-TS is framed anew by FFmpeg, which mp4 requires.) Sound, subtitles and other streams of the source are left
    out. The new sound begins with the first shown frame and is as long as the pictures.

    Args:
        video_path: Any file whose video codec fits the new container.
        audio: The sound.
        out_path: ``*.mp4`` (AAC), ``*.mov`` (AAC), ``*.mkv`` (FLAC) or ``*.webm`` (Opus).
        audio_codec: Another codec: mp4 also ``alac``, ``flac``, ``opus``; mov ``alac``, ``pcm``;
            mkv ``opus``, ``aac``, ``alac``, ``pcm``.
        offset_s: Where in the video the sound begins; silence before it.
        fps: Ignore the video's timestamps: frame k is shown at k / fps (as for `open_video`).
        overwrite: Replace an existing file; also allows ``out_path`` to be the source itself.

    Raises:
        MediaNotFoundError: No such video.
        MediaError: Not a video, its codec does not fit the container, or the container cannot hide
            what the video's edit list hides.
        ConfigurationError: Another suffix or codec, or an impossible offset.
        OutputExistsError: The output exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    source, file = expanded(video_path), expanded(out_path)
    wanted = container_of(file)
    if not (np.isfinite(offset_s) and offset_s >= 0):
        raise ConfigurationError(f"offset_s must be at least 0 seconds, got {offset_s!r}")
    with open_input(source) as container:
        stream = select_video(container, source)
        table = scan_packets(container, stream)
        rate = stream.average_rate
        timeline = build_timeline(
            table,
            nominal_rate_hz=float(rate) if rate else None,
            fps=fps,
            by_order=_times_are_guessed(container, stream, table),
        )
    if fps is None:
        check_clock(table, timeline, source.name)
    count = needed_packets(table)
    _check_hidden(source, table.hidden[:count], wanted)
    sound, silence_s, cut_s = _fitted(audio, timeline.end_s, offset_s)
    end_s = timeline.end_s if shows_more(table, count) else None
    times = new_timestamps(source, table, timeline) if timeline.repaired or fps else None
    try:
        packets, codec_name, rate_hz = _write(
            source,
            file,
            wanted,
            sound,
            audio_codec,
            timeline.origin,
            times,
            count,
            end_s,
            overwrite=overwrite,
        )
    except av.FFmpegError as err:
        if isinstance(err, OSError):
            raise
        raise MediaError(
            f"the packets of {source.name} cannot be copied into a {wanted.name} file "
            f"({err.strerror}): it is damaged, or its timestamps are; encode the pictures anew with "
            "pavas_sdk.media.encode_with_sound(video, audio, out)"
        ) from err
    warnings = tuple(f"{source.name}: {text}" for text in timeline.warnings)
    if cut_s > 0.05:
        text = f"{file.name}: {cut_s:.3f} s of sound beyond the end of the pictures were left out"
        logger.warning("%s", text)
        warnings += (text,)
    return MuxReport(
        path=file,
        video_packets=packets,
        video_duration_s=timeline.end_s,
        audio_codec=codec_name,
        audio_rate_hz=rate_hz,
        silence_s=silence_s,
        cut_s=cut_s,
        warnings=warnings,
    )


def _write(
    source: Path,
    file: Path,
    wanted: ContainerFormat,
    sound: Audio,
    audio_codec: str | None,
    origin: int,
    times: NDArray[np.int64] | None,
    count: int,
    end_s: float | None,
    *,
    overwrite: bool,
) -> tuple[int, str, int]:
    """Copy and encode; return the number of packets, and codec and rate of the sound.

    Pictures at and behind ``end_s`` are hidden by the edit list.
    """
    with replacing(file, overwrite=overwrite) as temporary:
        with (
            open_input(source) as container,
            av.open(
                str(temporary), "w", format=wanted.muxer, container_options=wanted.options
            ) as output,
        ):
            stream = select_video(container, source)
            output.metadata.update(
                {k: v for k, v in container.metadata.items() if k in {"title", "creation_time"}}
            )
            copied, audio_stream = _add_streams(output, stream, wanted, source, sound, audio_codec)
            packets = 0
            pictures = _video_packets(container, stream, origin, times, count)
            for packet in _by_time(pictures, audio_packets(audio_stream, sound)):
                if packet.stream is stream:
                    packet.stream = copied
                    packets += 1
                output.mux(packet)
            codec_name, rate_hz = audio_stream.codec.name, audio_stream.codec_context.sample_rate
        if end_s is not None:
            hide_after(temporary, end_s)
    return packets, codec_name, rate_hz


def _times_are_guessed(container: InputContainer, stream: VideoStream, table: PacketTable) -> bool:
    """Return whether an AVI, which stores no times of showing, holds frames that are shown in another order."""
    reordered = stream.codec_context.has_b_frames
    return bool(reordered and container.format.name == "avi" and (np.diff(table.pts) > 0).all())


def _check_hidden(source: Path, hides: NDArray[np.bool_], wanted: ContainerFormat) -> None:
    """Refuse a container that would show again what an edit list hides."""
    hidden = int(hides.sum())
    if hidden and not wanted.has_edit_lists and not hides.all():
        raise MediaError(
            f"{source.name} hides {counted(hidden, 'frame')} by an edit list (it was cut without "
            f"encoding again), and {wanted.name} files cannot: they would be seen again; choose a "
            "name ending in .mp4 or .mov"
        )


def _advice(source: Path) -> str:
    fitting = fitting_containers(source)
    if fitting:
        return f"choose a name ending in {' or '.join(fitting)}"
    return (
        "no container holds them as they are; encode them anew with "
        "pavas_sdk.media.encode_with_sound(video, audio, out)"
    )


def _fitted(audio: Audio, duration_s: float, offset_s: float) -> tuple[Audio, float, float]:
    """Return ``audio`` delayed and fitted to the video, with the seconds added and cut."""
    rate = audio.sample_rate_hz
    before, wanted = round(offset_s * rate), round(duration_s * rate)
    if before >= wanted:
        raise ConfigurationError(
            f"offset_s is {offset_s}, but the video is {duration_s:.3f} s long; "
            "choose a smaller offset"
        )
    samples = np.pad(audio.samples, ((0, 0), (before, 0)))
    have = samples.shape[1]
    sound = Audio(samples=samples, sample_rate_hz=rate, gain_db=audio.gain_db).fitted(wanted)
    return sound, (before + max(0, wanted - have)) / rate, max(0, have - wanted) / rate


def _add_streams(
    output: OutputContainer,
    stream: VideoStream,
    wanted: ContainerFormat,
    source: Path,
    sound: Audio,
    audio_codec: str | None,
) -> tuple[VideoStream, AudioStream]:
    """Add both streams and write the header, which is where an unfit codec is refused."""
    audio_stream = wanted.add_audio(output, sound, audio_codec)
    try:
        copied = output.add_stream_from_template(stream, opaque=True)
        _keep_declarations(stream, copied, wanted)
        output.start_encoding()
    except (ValueError, av.FFmpegError) as err:
        if isinstance(err, OSError):
            raise
        raise MediaError(
            f"the pictures of {source.name} are {stream.codec.name}, which {wanted.name} files "
            f"cannot hold; {_advice(source)}"
        ) from err
    return copied, audio_stream


def _keep_declarations(stream: VideoStream, copied: VideoStream, wanted: ContainerFormat) -> None:
    """Keep what players go by and a copy would lose: the sample entry, and that there is alpha."""
    if wanted.has_edit_lists:
        if stream.codec.name == "hevc":
            copied.codec_context.codec_tag = "hvc1"  # players of Apple's refuse hev1
        elif wanted.muxer == "mov" and "mov" in stream.container.format.name:
            copied.codec_context.codec_tag = stream.codec_tag
    for name, value in stream.metadata.items():
        if name.lower() == "alpha_mode":
            copied.metadata["alpha_mode"] = value


def _video_packets(
    container: InputContainer,
    stream: VideoStream,
    origin: int,
    times: NDArray[np.int64] | None,
    count: int,
) -> Iterator[av.Packet[Any]]:
    """Yield the first ``count`` packets with the first shown frame at 0."""
    index = 0
    for packet in readable(container, stream):
        if packet.size == 0:
            continue
        if index == count:
            return
        if times is not None:
            packet.time_base = Fraction(1, TICKS_PER_S)
            packet.pts, packet.dts, packet.duration = (int(tick) for tick in times[index])
        else:
            packet.pts = None if packet.pts is None else packet.pts - origin
            packet.dts = None if packet.dts is None else packet.dts - origin
        index += 1
        yield packet


def _by_time(
    video: Iterator[av.Packet[Any]], audio: Iterator[av.Packet[Any]]
) -> Iterator[av.Packet[Any]]:
    """Interleave, so that the muxer never has to hold back more than a moment."""

    def seconds(packet: av.Packet[Any]) -> float:
        tick = packet.dts if packet.dts is not None else packet.pts
        return 0.0 if tick is None else float(tick * packet.time_base)

    left, right = next(video, None), next(audio, None)
    while left is not None or right is not None:
        if right is None or (left is not None and seconds(left) <= seconds(right)):
            assert left is not None
            yield left
            left = next(video, None)
        else:
            yield right
            right = next(audio, None)
