"""Putting new sound under a video without touching its pictures."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.errors import ConfigurationError, MediaError
from pavas_sdk.media.atomic import replacing
from pavas_sdk.media.containers import CONTAINERS, ContainerFormat, audio_packets, container_of
from pavas_sdk.media.opening import open_input, select_video
from pavas_sdk.media.timeline import build_timeline, scan_packets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.stream import VideoStream

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
    overwrite: bool = False,
) -> MuxReport:
    """Copy the pictures of ``video_path`` and put ``audio`` under them.

    The picture packets are copied byte for byte with their timestamps, rotation and edit list;
    nothing is decoded or encoded again. Sound, subtitles and other streams of the source are left
    out. The new sound begins with the first shown frame and is as long as the pictures.

    Args:
        video_path: Any file whose video codec fits the new container.
        audio: The sound.
        out_path: ``*.mp4`` (AAC), ``*.mov`` (AAC), ``*.mkv`` (FLAC) or ``*.webm`` (Opus).
        audio_codec: Another codec: mp4 also ``alac``, ``flac``, ``opus``; mov ``alac``, ``pcm``;
            mkv ``opus``, ``aac``, ``alac``, ``pcm``.
        offset_s: Where in the video the sound begins; silence before it.
        overwrite: Replace an existing file; also allows ``out_path`` to be the source itself.

    Raises:
        MediaNotFoundError: No such video.
        MediaError: Not a video, or its codec does not fit the container.
        ConfigurationError: Another suffix or codec, or an impossible offset.
        OutputExistsError: The output exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    source, file = Path(video_path).expanduser(), Path(out_path).expanduser()
    wanted = container_of(file)
    if not (np.isfinite(offset_s) and offset_s >= 0):
        raise ConfigurationError(f"offset_s must be at least 0 seconds, got {offset_s!r}")
    with open_input(source) as container:
        stream = select_video(container, source)
        table = scan_packets(container, stream)
        rate = stream.average_rate
        timeline = build_timeline(table, nominal_rate_hz=float(rate) if rate else None)
    sound, silence_s, cut_s = _fitted(audio, timeline.end_s, offset_s)
    with (
        replacing(file, overwrite=overwrite) as temporary,
        open_input(source) as container,
        av.open(
            str(temporary), "w", format=wanted.muxer, container_options=wanted.options
        ) as output,
    ):
        stream = select_video(container, source)
        copied = _add_copy(output, stream, wanted, source)
        output.metadata.update(
            {k: v for k, v in container.metadata.items() if k in {"title", "creation_time"}}
        )
        audio_stream = wanted.add_audio(output, sound, audio_codec)
        start_s = float(timeline.origin * timeline.time_base)
        packets = 0
        merged = _by_time(
            _video_packets(container, stream, copied),
            audio_packets(audio_stream, sound, start_s=start_s),
        )
        for packet in merged:
            packets += packet.stream_index == copied.index
            output.mux(packet)
        codec_name, rate_hz = audio_stream.codec.name, audio_stream.codec_context.sample_rate
    warnings = tuple(f"{source.name}: {text}" for text in timeline.warnings)
    if cut_s > 0.05:
        warnings += (f"{cut_s:.3f} s of sound beyond the end of the pictures were left out",)
    for text in warnings:
        logger.warning("%s", text)
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


def _add_copy(
    output: Any, stream: VideoStream, wanted: ContainerFormat, source: Path
) -> VideoStream:
    try:
        copied: VideoStream = output.add_stream_from_template(stream, opaque=True)
    except ValueError as err:
        fitting = [s for s, c in CONTAINERS.items() if c.name != wanted.name and s != ".m4v"]
        raise MediaError(
            f"the pictures of {source.name} are {stream.codec.name}, which {wanted.name} files "
            f"cannot hold; choose another output ({', '.join(fitting)})"
        ) from err
    return copied


def _video_packets(
    container: InputContainer, stream: VideoStream, copied: VideoStream
) -> Iterator[av.Packet[Any]]:
    for packet in container.demux(stream):
        if packet.size == 0:
            continue
        packet.stream = copied
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
