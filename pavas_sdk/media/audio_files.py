"""Reading sound from any file; writing WAV and FLAC exactly."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import av
import numpy as np

from pavas_sdk.data import Audio
from pavas_sdk.data.files import replacing
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import ConfigurationError, DamagedMediaError, MediaError, OutputError
from pavas_sdk.media.opening import open_input, readable, select_audio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["AudioReport", "Subtype", "read_audio", "write_audio"]

logger = logging.getLogger(__name__)

Subtype = Literal["pcm_16", "pcm_24", "float32"]

_CODECS: dict[tuple[str, str], tuple[str, str]] = {
    # (suffix, subtype) -> (FFmpeg encoder, its sample format)
    (".wav", "pcm_16"): ("pcm_s16le", "s16"),
    (".wav", "pcm_24"): ("pcm_s24le", "s32"),
    (".wav", "float32"): ("pcm_f32le", "flt"),
    (".flac", "pcm_16"): ("flac", "s16"),
    (".flac", "pcm_24"): ("flac", "s32"),
}
_BLOCK = 4096
_MOST_CHANNELS = 8
_LONGEST_FILL_S = 0.13  # 1024 samples at 8 kHz


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioReport:
    """What `write_audio` did.

    Attributes:
        path: The file.
        samples: Samples per channel.
        clipped: Samples beyond full scale that an integer format had to limit.
        warnings: The same in plain words.
    """

    path: Path
    samples: int
    clipped: int
    warnings: tuple[str, ...] = ()


def write_audio(
    path: str | Path,
    audio: Audio,
    *,
    subtype: Subtype = "pcm_16",
    starts_at_s: float | None = None,
    overwrite: bool = False,
) -> AudioReport:
    """Write ``audio`` as WAV or FLAC (by the suffix), sample for sample, never normalised.

    Integer formats round to the nearest step; what lies beyond full scale is limited, counted in
    the report and logged. ``float32`` (WAV only) keeps every bit.

    Args:
        path: ``*.wav`` or ``*.flac``, in an existing folder.
        audio: What to write.
        subtype: ``"pcm_16"``, ``"pcm_24"`` or ``"float32"``.
        starts_at_s: Write a Broadcast Wave (BWF) that says where on the timeline the sound begins,
            in seconds from 00:00:00:00: editors can put it there by themselves. WAV only.
        overwrite: Replace an existing file.

    Raises:
        ConfigurationError: Another suffix or subtype, or a combination that does not exist.
        OutputExistsError: The file exists.
        OutputError: The folder is missing or cannot be written, or the disk is full.
    """
    file = expanded(path)
    codec, sample_format = _codec_of(file, subtype)
    stamp = None if starts_at_s is None else _time_stamp(file, starts_at_s, audio.sample_rate_hz)
    values, clipped = _quantised(audio.samples, subtype)
    warnings: tuple[str, ...] = ()
    if clipped:
        peak = audio.peak_dbfs
        text = (
            f"{file.name}: {clipped} samples beyond full scale (peak {peak:+.1f} dBFS) were "
            'limited; lower the gain or use subtype="float32"'
        )
        warnings = (text,)
        logger.warning("%s", text)
    with replacing(file, overwrite=overwrite) as temporary:
        container_format = file.suffix.lower().removeprefix(".")
        options = {} if stamp is None else {"write_bext": "1"}
        with av.open(
            str(temporary), "w", format=container_format, container_options=options
        ) as container:
            container.metadata.update(stamp or {})
            stream: Any = container.add_stream(codec, rate=audio.sample_rate_hz)
            stream.codec_context.format = sample_format
            stream.codec_context.layout = layout_of(audio.channels)
            if codec == "flac" and subtype == "pcm_24":
                stream.codec_context.options = {"bits_per_raw_sample": "24"}
            for frame in audio_frames(values, audio.sample_rate_hz, sample_format):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return AudioReport(
        path=file, samples=audio.samples.shape[1], clipped=clipped, warnings=warnings
    )


def read_audio(path: str | Path, *, sample_rate_hz: int | None = None) -> Audio:
    """Read the whole sound track of an audio or video file.

    Args:
        path: Any file with sound that FFmpeg reads.
        sample_rate_hz: Resample to this rate (FFmpeg's resampler); by default the file's own.

    Raises:
        MediaNotFoundError: No such file.
        MediaError: Not a media file, or without sound.
        DamagedMediaError: No sound could be decoded.
    """
    file = expanded(path)
    blocks: list[NDArray[np.float32]] = []
    broken = 0
    with open_input(file) as container:
        stream = select_audio(container, file)
        channels = stream.codec_context.layout.nb_channels
        if not 1 <= channels <= _MOST_CHANNELS:  # PyAV would read behind what it has
            raise MediaError(
                f"{file} has {channels} channels; sound of 1 to {_MOST_CHANNELS} channels is read"
            )
        rate = sample_rate_hz or stream.rate
        if not rate or rate <= 0:
            raise MediaError(f"{file} has sound of {rate or 0} samples per second; is it damaged?")
        declared_s = (
            float(stream.duration * stream.time_base)
            if stream.duration is not None and stream.time_base is not None
            else None
        )
        layout = stream.codec_context.layout.name
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        for packet in readable(container, stream):
            try:
                decoded: Any = packet.decode()
            except av.EOFError:
                continue
            except av.FFmpegError:
                broken += 1
                continue
            for frame in decoded:
                blocks.extend(np.asarray(f.to_ndarray()) for f in resampler.resample(frame))
        if blocks:
            blocks.extend(np.asarray(f.to_ndarray()) for f in resampler.resample(None))
    if not blocks:
        raise DamagedMediaError(f"{file}: no sound could be decoded; fetch or record it again")
    if broken:
        logger.warning("%s: %d damaged packets of sound could not be decoded", file.name, broken)
    samples = np.concatenate(blocks, axis=1)
    if declared_s is not None:
        # codecs with fixed frames fill up the last one; the container knows where the sound ends
        excess = samples.shape[1] - round(declared_s * rate)
        if 0 < excess <= _LONGEST_FILL_S * rate:
            samples = samples[:, :-excess]
    return Audio(samples=samples, sample_rate_hz=rate)


def layout_of(channels: int) -> str:
    """Return FFmpeg's usual channel layout name for a number of channels.

    Raises:
        OutputError: More than eight channels, or none.
    """
    names = ("mono", "stereo", "2.1", "4.0", "5.0", "5.1", "6.1", "7.1")
    if not 1 <= channels <= len(names):
        raise OutputError(f"cannot write {channels} channels; expected 1 to {len(names)}")
    return names[channels - 1]


def audio_frames(
    values: NDArray[np.generic], rate_hz: int, sample_format: str, block: int = _BLOCK
) -> Iterator[av.AudioFrame]:
    """Yield packed or planar frames of at most ``block`` samples from (channels, samples)."""
    layout = layout_of(values.shape[0])
    for start in range(0, values.shape[1], block):
        part = np.ascontiguousarray(values[:, start : start + block])
        if not sample_format.endswith("p"):
            part = np.ascontiguousarray(part.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(part, format=sample_format, layout=layout)
        frame.sample_rate = rate_hz
        frame.pts = start
        yield frame


def _time_stamp(file: Path, starts_at_s: float, rate_hz: int) -> dict[str, str]:
    """Return the fields of a Broadcast Wave, EBU Tech 3285."""
    if file.suffix.lower() != ".wav":
        raise ConfigurationError(f"only a .wav file holds a time stamp, got {file.name!r}")
    if not 0 <= starts_at_s < 86_400:
        raise ConfigurationError(
            f"starts_at_s must be a time of day, 0 to 86400 seconds, got {starts_at_s!r}"
        )
    return {"originator": "pavas-sdk", "time_reference": str(round(starts_at_s * rate_hz))}


def _codec_of(file: Path, subtype: str) -> tuple[str, str]:
    suffix = file.suffix.lower()
    if (suffix, subtype) in _CODECS:
        return _CODECS[suffix, subtype]
    if suffix not in {".wav", ".flac"}:
        raise ConfigurationError(
            f"cannot write sound to {file.name!r}: expected a name ending in .wav or .flac"
        )
    fitting = [known for ending, known in _CODECS if ending == suffix]
    raise ConfigurationError(
        f"{suffix} files cannot hold {subtype!r}; expected one of {', '.join(fitting)}"
    )


def _quantised(samples: NDArray[np.float32], subtype: str) -> tuple[NDArray[np.generic], int]:
    """Return samples as the encoder wants them, and how many had to be limited."""
    if subtype == "float32":
        return samples, 0
    bits = 16 if subtype == "pcm_16" else 24
    top = 2 ** (bits - 1)
    steps = np.rint(samples.astype(np.float64) * top)
    # +1.0 is one step beyond the largest value; that alone is no clipping anybody can hear
    clipped = int(((steps > top) | (steps < -top)).sum())
    limited = np.clip(steps, -top, top - 1).astype(np.int32)
    return (limited.astype(np.int16) if bits == 16 else limited << 8), clipped
