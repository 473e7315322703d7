"""Which container holds what, and sound encoded to fit it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.media.audio_files import audio_frames, layout_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import OutputContainer

    from pavas_sdk.data import Audio

__all__ = ["CONTAINERS", "ContainerFormat", "audio_packets", "container_of"]

_ENCODERS = {"aac": "aac", "alac": "alac", "flac": "flac", "opus": "libopus", "pcm": "pcm_s16le"}
_RATES = {
    "aac": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
    "opus": (48000,),  # what every decoder gives back, whatever went in
}


@dataclass(frozen=True, slots=True)
class ContainerFormat:
    """One output container.

    Attributes:
        name: As in the messages.
        muxer: FFmpeg's name.
        audio_codecs: What may be asked for; the first is the default.
        options: Muxer options.
    """

    name: str
    muxer: str
    audio_codecs: tuple[str, ...]
    options: dict[str, str]

    @property
    def has_edit_lists(self) -> bool:
        """Whether it can hide frames that are needed for decoding only."""
        return self.muxer in {"mp4", "mov"}

    def add_audio(
        self, container: OutputContainer, audio: Audio, codec: str | None = None
    ) -> AudioStream:
        """Add a sound stream that fits this container and ``audio``.

        Raises:
            ConfigurationError: The container cannot hold ``codec``.
        """
        chosen = codec or self.audio_codecs[0]
        if chosen not in self.audio_codecs:
            raise ConfigurationError(
                f"{self.name} files cannot hold {chosen!r} sound here; expected one of "
                f"{', '.join(self.audio_codecs)}"
            )
        stream: Any = container.add_stream(
            _ENCODERS[chosen], rate=_encodable_rate(chosen, audio.sample_rate_hz)
        )
        stream.codec_context.layout = layout_of(audio.channels)
        if chosen in {"aac", "opus"}:
            stream.codec_context.bit_rate = 96_000 * audio.channels
        return stream  # type: ignore[no-any-return]


_QUICK_START = {"movflags": "+faststart"}
CONTAINERS = {
    ".mp4": ContainerFormat("mp4", "mp4", ("aac", "alac", "flac", "opus"), _QUICK_START),
    ".m4v": ContainerFormat("mp4", "mp4", ("aac", "alac", "flac", "opus"), _QUICK_START),
    ".mov": ContainerFormat("mov", "mov", ("aac", "alac", "pcm"), _QUICK_START),
    ".mkv": ContainerFormat("mkv", "matroska", ("flac", "opus", "aac", "alac", "pcm"), {}),
    ".webm": ContainerFormat("webm", "webm", ("opus",), {}),
}


def container_of(file: Path) -> ContainerFormat:
    """Return the container that a file name stands for.

    Raises:
        ConfigurationError: Another suffix.
    """
    try:
        return CONTAINERS[file.suffix.lower()]
    except KeyError:
        raise ConfigurationError(
            f"cannot write video to {file.name!r}: expected a name ending in "
            f"{', '.join(CONTAINERS)}"
        ) from None


def audio_packets(stream: AudioStream, audio: Audio) -> Iterator[av.Packet[Any]]:
    """Yield the encoded packets of ``audio``, its first sample at time 0."""
    context = stream.codec_context
    resampler = av.AudioResampler(
        format=context.format, layout=context.layout, rate=context.sample_rate
    )
    fifo = av.AudioFifo()
    size = context.frame_size or 1024
    base = Fraction(1, context.sample_rate)
    position = 0

    def encoded(frame: av.AudioFrame | None) -> Iterator[av.Packet[Any]]:
        nonlocal position
        if frame is not None:
            frame.pts, frame.time_base = position, base
            position += frame.samples
        yield from stream.encode(frame)

    source = audio_frames(audio.samples, audio.sample_rate_hz, "fltp")
    for frame in itertools.chain(source, (None,)):
        for part in resampler.resample(frame):
            part.pts = None
            fifo.write(part)
        while (block := fifo.read(size)) is not None:
            yield from encoded(block)
    if fifo.samples:
        yield from encoded(fifo.read(0, partial=True))
    yield from encoded(None)


def _encodable_rate(codec: str, rate_hz: int) -> int:
    """Return the lowest rate the codec knows that loses nothing, else its highest."""
    known = _RATES.get(codec)
    if known is None:
        return rate_hz
    return next((rate for rate in known if rate >= rate_hz), known[-1])
