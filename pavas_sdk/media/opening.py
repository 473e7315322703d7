"""Opening a media file, with an error that says what is wrong when it cannot be opened."""

from __future__ import annotations

import difflib
import re
from stat import S_ISDIR, S_ISREG
from typing import TYPE_CHECKING, Any

import av
from av.stream import Disposition

from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import DamagedMediaError, MediaError, MediaNotFoundError
from pavas_sdk.media.animated_webp import is_animated_webp, webp_frames
from pavas_sdk.media.edit_lists import IGNORE_EDIT_LIST, edit_list_is_absurd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.stream import VideoStream

__all__ = [
    "demuxed",
    "has_decoder",
    "open_input",
    "picture_streams",
    "readable",
    "select_audio",
    "select_video",
]

# Formats that hold their own pictures or sound. Left out on purpose: playlists (which make FFmpeg
# read other files and addresses), devices, text art, and formats without any mark of their own.
_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,gif,apng,m4v,"
    "h263,h264,hevc,vc1,av1,obu,ivf,mjpeg,mjpeg_2000,mxf,dv,nut,yuv4mpegpipe,rm,wtv,gxf,"
    "bmp_pipe,jpeg_pipe,png_pipe,tiff_pipe,webp_pipe,"
    "wav,w64,flac,mp3,aac,ac3,eac3,aiff,au,caf,tta,wv,ape,amr,dsf,dts,loas"
)


_MOST_UNKNOWN_PACKETS = 100_000
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def open_input(path: str | Path) -> InputContainer:
    """Open a local media file for reading.

    Only the file itself is read: a playlist that points to a network address is refused. An edit
    list that leaves next to nothing to be shown is ignored (see `edit_list_is_absurd`).

    Raises:
        MediaNotFoundError: There is no such file.
        MediaError: A folder, an empty file, no permission, or not a media file.
        DamagedMediaError: A media file whose index is missing or unreadable, or a damaged animation.
    """
    file = expanded(path)
    _check_file(file)
    options = {"protocol_whitelist": "file", "format_whitelist": _FORMATS}
    # FFmpeg reads no animated WebP: it gets a lossless copy
    content = webp_frames(file) if is_animated_webp(file) else file
    try:
        container = _opened(content, options)
        if edit_list_is_absurd(container):
            container.close()
            container = _opened(content, {**options, IGNORE_EDIT_LIST: "1"})
    except av.FFmpegError as err:
        raise _unreadable(file, err) from err
    return container


def _opened(file: Path, options: dict[str, str]) -> InputContainer:
    return av.open(f"file:{file}", mode="r", container_options=options, metadata_errors="replace")


def select_video(container: InputContainer, path: str | Path) -> VideoStream:
    """Return the video stream to use: of several the one with the largest and most pictures.

    One that is marked as the default, and no other is, counts four times. Cover art does not count.

    Raises:
        MediaError: Audio only, no streams at all, or a codec this FFmpeg cannot decode.
    """
    pictures = picture_streams(container)
    streams = [s for s in pictures if has_decoder(s)]
    if len(streams) == 1:
        return streams[0]
    if streams:
        marked = [s for s in streams if s.disposition & Disposition.default]
        return max(streams, key=lambda s: _pixels_per_s(s) * (4 if marked == [s] else 1))
    if not all(has_decoder(s) for s in pictures):
        raise MediaError(
            f"{path}: the video uses a codec that this FFmpeg cannot decode; "
            "convert it first: ffmpeg -i INPUT -c:v libx264 OUTPUT.mp4"
        )
    if container.streams.audio:
        raise MediaError(
            f"{path} holds sound only, no pictures ({container.format.long_name}); "
            "a video is expected"
        )
    raise MediaError(f"{path} is not a video (read as {container.format.long_name})")


def picture_streams(container: InputContainer) -> list[VideoStream]:
    """Return the streams of pictures that are no cover art."""
    return [s for s in container.streams.video if not (s.disposition & Disposition.attached_pic)]


def _pixels_per_s(stream: VideoStream) -> float:
    rate = stream.average_rate or stream.guessed_rate or 25
    return stream.width * stream.height * float(rate)


def select_audio(container: InputContainer, path: str | Path) -> AudioStream:
    """Return the first audio stream that can be decoded.

    Raises:
        MediaError: The file has none.
    """
    for stream in container.streams.audio:
        if has_decoder(stream):
            return stream
    raise MediaError(f"{path} has no sound track that can be decoded; give a file with sound")


def demuxed(container: InputContainer, *streams: Stream) -> Iterator[av.Packet[Any]]:
    """Yield the packets of streams (by default of all), like ``container.demux``.

    In a damaged file a stream may appear in the middle, at whose first packet PyAV gives up: that
    packet is left out, and the rest is read.
    """
    for _ in range(_MOST_UNKNOWN_PACKETS):
        try:
            yield from container.demux(*streams)
        except IndexError:
            continue
        return


def readable(container: InputContainer, stream: Stream) -> Iterator[av.Packet[Any]]:
    """Yield the packets of a stream up to where reading fails, which `scan_packets` has told."""
    try:
        yield from demuxed(container, stream)
    except av.FFmpegError:
        return


def has_decoder(stream: Stream) -> bool:
    """Return whether this FFmpeg can decode the stream."""
    context: object | None = stream.codec_context  # None without a decoder, whatever the stubs say
    return context is not None


def _check_file(file: Path) -> None:
    if _ADDRESS.match(str(file)) and not file.parent.is_dir():
        raise MediaNotFoundError(
            f"{str(file).replace(':/', '://', 1)} is an address, and only files on this machine are read; download it first "
            "(yt-dlp, curl -O) and give the file"
        )
    try:
        kind = file.stat().st_mode
        empty = False
        if S_ISREG(kind):
            with file.open("rb") as handle:
                empty = not handle.read(1)
    except (FileNotFoundError, NotADirectoryError):
        raise MediaNotFoundError(f"no such file: {file}{_similar(file)}") from None
    except PermissionError as err:
        raise MediaError(f"cannot read {file}: {err.strerror}; check its permissions") from err
    except (OSError, ValueError) as err:  # a name that is too long, or holds a null character
        reason = getattr(err, "strerror", None) or err
        raise MediaNotFoundError(f"no such file: {file!s:.200} ({reason})") from err
    if S_ISDIR(kind):
        raise MediaError(f"{file} is a folder; give one file, such as {file / 'clip.mp4'}")
    if not S_ISREG(kind):
        raise MediaError(f"{file} is not a regular file; save the video to a file first")
    if empty:
        raise MediaError(f"{file} is empty (0 bytes); a video file is expected")


def _similar(file: Path) -> str:
    try:
        names = [p.name for p in file.parent.iterdir() if p.is_file()]
    except OSError:
        return f"; the folder {file.parent} cannot be read either"
    close = difflib.get_close_matches(file.name, names, n=1)
    return f"; did you mean {file.with_name(close[0])}?" if close else ""


def _unreadable(file: Path, err: av.FFmpegError) -> MediaError:
    with file.open("rb") as handle:
        head = handle.read(4096)
    if b"ftyp" in head[:64] or head[:4] in {b"\x1aE\xdf\xa3", b"RIFF"}:
        return DamagedMediaError(
            f"{file} begins like a video but cannot be opened ({err.strerror}): its index is "
            "missing or damaged, as after an interrupted download or recording; "
            "fetch or record it again"
        )
    return MediaError(
        f"{file} is not a video or audio file that FFmpeg knows ({err.strerror}); "
        "expected mp4, mov, mkv, webm, avi or similar"
    )
