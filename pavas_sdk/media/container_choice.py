"""Which container can hold a video's pictures as they are: tried, before any work is done for it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media.animated_webp import is_animated_webp
from pavas_sdk.media.containers import CONTAINERS, audio_packets, container_of
from pavas_sdk.media.edit_lists import needed_packets
from pavas_sdk.media.opening import open_input, readable, select_video
from pavas_sdk.media.timeline import scan_packets

if TYPE_CHECKING:
    from av.video.stream import VideoStream

    from pavas_sdk.media.containers import ContainerFormat

__all__ = ["ContainerChoice", "choose_container", "fitting_containers"]

_TRIED_PACKETS = 12
# their packets say all that a decoder needs, or the container's header does: no test is needed
_SELF_CONTAINED = frozenset({"av1", "h264", "hevc", "libdav1d", "mpeg4", "vp8", "vp9"})
_RATE_HZ = 48_000
_NOT_PLAYED = frozenset({"gif", "apng"})  # mov takes them, but what plays mov does not show them
_ORDER = (".mp4", ".mkv", ".mov", ".webm")


@dataclass(frozen=True, slots=True)
class ContainerChoice:
    """What a video with new sound will be written as.

    Attributes:
        suffix: ".mp4", ".m4v", ".mov", ".mkv" or ".webm".
        encode: No container holds the pictures as they are: they are encoded anew, as H.264.
        note: Why it is not the source's own, in plain words; "" when it is.
    """

    suffix: str
    encode: bool = False
    note: str = ""


def choose_container(path: str | Path, wanted: str | None = None) -> ContainerChoice:
    """Return the container for a video with new sound: the source's own, or one that holds it.

    The first packets are muxed into each candidate; no picture is decoded.

    Args:
        path: The video.
        wanted: A suffix (".mkv") that it has to be.

    Raises:
        ConfigurationError: ``wanted`` is unknown, or cannot hold the pictures while others can.
        MediaError: The video cannot be read.
    """
    path = expanded(path)
    own = path.suffix.lower()
    if wanted is not None:
        container_of(Path(f"x{wanted}"))
        if _refusal(path, wanted) is None:
            return ContainerChoice(wanted)
    elif own in CONTAINERS and _refusal(path, own) is None:
        return ContainerChoice(own)
    fitting = fitting_containers(path)
    codec = _codec(path)
    if wanted is not None and (fitting or wanted == ".webm"):
        expected = fitting or [".mp4", ".mkv", ".mov"]
        raise ConfigurationError(
            f"{path.name}: {wanted} cannot hold {codec} pictures; expected "
            f"{' or '.join(expected)} (--to {expected[0].removeprefix('.')})"
        )
    if fitting:
        return ContainerChoice(fitting[0], note=f"the {codec} pictures go into a {fitting[0]} file")
    suffix = wanted or ".mp4"
    note = (
        f"no container holds {codec} pictures with sound: they are encoded anew (H.264) in a "
        f"{suffix} file"
    )
    return ContainerChoice(suffix, encode=True, note=note)


def fitting_containers(path: str | Path) -> list[str]:
    """Return the suffixes of the containers that hold a video's pictures as they are.

    Raises:
        MediaError: The video cannot be read.
    """
    return [suffix for suffix in _ORDER if _refusal(Path(path), suffix) is None]


def _codec(path: Path) -> str:
    if is_animated_webp(path):  # read from a copy in another codec
        return "webp"
    with open_input(path) as container:
        return str(select_video(container, path).codec.name)


def _refusal(path: Path, suffix: str) -> str | None:
    """Return why a container cannot hold a video's pictures, or None when it can."""
    wanted = CONTAINERS[suffix]
    with open_input(path) as container:
        stream = select_video(container, path)
        codec = stream.codec.name
        if codec in _NOT_PLAYED:
            return f"no player shows {codec} pictures in {wanted.name} files"
        if not wanted.has_edit_lists and _hides_pictures(path):
            return f"{wanted.name} files cannot hide the frames that the video's edit list hides"
        packets = list(islice((p for p in readable(container, stream) if p.size), _TRIED_PACKETS))
        written = io.BytesIO()
        try:
            _write(written, wanted, stream, packets)
            shown = codec in _SELF_CONTAINED or _has_frames(written)
        except (ValueError, av.FFmpegError, OSError) as err:
            return f"{wanted.name} files cannot hold {codec} pictures ({_words(err)})"
    if not shown and _is_decodable(path):
        return f"{codec} pictures cannot be read back from {wanted.name} files"
    return None


def _hides_pictures(path: Path) -> bool:
    """Return whether pictures are hidden that a copy needs."""
    with open_input(path) as container:
        if "mov" not in container.format.name:
            return False
        table = scan_packets(container, select_video(container, path))
    hidden = table.hidden[: needed_packets(table)]
    return bool(hidden.any() and not hidden.all())


def _write(
    target: io.BytesIO, wanted: ContainerFormat, stream: VideoStream, packets: list[av.Packet[Any]]
) -> None:
    silence = Audio(samples=np.zeros((1, _RATE_HZ // 10), np.float32), sample_rate_hz=_RATE_HZ)
    with av.open(target, "w", format=wanted.muxer) as output:
        sound = wanted.add_audio(output, silence)
        copied = output.add_stream_from_template(stream, opaque=True)
        output.start_encoding()
        for index, packet in enumerate(packets):
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = index * 40
            packet.duration = 40
            packet.stream = copied
            output.mux(packet)
        for sounding in audio_packets(sound, silence):
            output.mux(sounding)


def _has_frames(written: io.BytesIO) -> bool:
    written.seek(0)
    with av.open(written, "r") as container:
        return next(container.decode(video=0), None) is not None


def _is_decodable(path: Path) -> bool:
    with open_input(path) as container:
        try:
            packets = (p for p in container.demux(select_video(container, path)) if p.size)
            return any(packet.decode() for packet in islice(packets, _TRIED_PACKETS))
        except av.FFmpegError:
            return False


def _words(err: BaseException) -> str:
    return getattr(err, "strerror", None) or str(err)
