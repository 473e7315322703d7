"""Videos as programs hold them: arrays, tensors, lists of pictures, open files, PyAV containers."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from PIL import Image

from pavas_sdk.data import Video
from pavas_sdk.errors import InputError, MediaError
from pavas_sdk.media.arguments import checked_rate
from pavas_sdk.media.video_file import VideoFile

if TYPE_CHECKING:
    from typing import BinaryIO

    from numpy.typing import NDArray

__all__ = ["SpooledVideo", "file_of", "is_frame_list", "is_frames", "video_of_frames"]

_LAYOUTS = "(T, H, W, 3), or (T, 3, H, W) as torch has them"


class SpooledVideo(VideoFile):
    """A video that came as bytes: kept in a temporary file for as long as it is used."""

    def __init__(self, file: BinaryIO, **options: Any) -> None:
        """Copy ``file`` from its beginning; its position stays where it is.

        Raises:
            MediaError: See `open_video`.
            InputError: A file that was opened as text.
        """
        folder = tempfile.mkdtemp(prefix="pavas-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        path = Path(folder) / "video"
        position = file.tell()
        file.seek(0)
        try:
            with path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        except TypeError as err:
            raise InputError("the video was opened as text; use open(path, 'rb')") from err
        finally:
            file.seek(position)
        try:
            super().__init__(path, **options)
        except MediaError as err:  # nobody knows the copy's name
            raise type(err)(str(err).replace(str(path), "the bytes that were given")) from err

    @property
    def source(self) -> None:  # type: ignore[override]  # a file that will be gone is no source
        """None: there is no file to name."""
        return


def is_frame_list(value: object) -> bool:
    """Return whether ``value`` is one video as a list of PIL images, and not a list of videos."""
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(isinstance(entry, Image.Image) for entry in value)
    )


def is_frames(value: object) -> bool:
    """Return whether ``value`` is frames without a clock: an array, a tensor, PIL images."""
    return isinstance(value, np.ndarray) or _is_tensor(value) or is_frame_list(value)


def video_of_frames(frames: Any, fps: float | None) -> Video:
    """Return frames as a `Video` whose frame k appears at k / fps.

    Args:
        frames: RGB, (T, H, W, 3) or (T, 3, H, W), uint8 or floats from 0 to 1, as an array or a
            torch tensor; or a list of PIL images of one size.
        fps: Frames per second.

    Raises:
        InputError: No ``fps``, another shape or type, values out of range, sizes that differ.
    """
    if fps is None:
        raise InputError(
            "frames in memory have no clock; say how many there are per second: fps=25"
        )
    rate = checked_rate(fps)
    pixels = _stacked(frames) if is_frame_list(frames) else _checked(_array(frames))
    return Video(
        frames=pixels, times_s=np.arange(len(pixels)) / rate, end_s=max(len(pixels), 1) / rate
    )


def file_of(value: object) -> str | Path | BinaryIO | None:
    """Return the path or the open file behind bytes, a file object or a PyAV container.

    A file object or container whose file still lies where it says is read by its path, so that its
    pictures can be copied later. None: ``value`` is nothing of that kind.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        return io.BytesIO(value)
    if isinstance(value, av.container.InputContainer):
        inner = getattr(value, "file", None)
        name = value.name.removeprefix("file:")
        return (name if inner is None else file_of(getattr(inner, "file", inner))) or name
    if not (hasattr(value, "read") and hasattr(value, "seek") and hasattr(value, "tell")):
        return None
    return _path_of(value) or value  # type: ignore[return-value]


def _path_of(file: object) -> Path | None:
    """Return the path of an open file that still lies there."""
    name = getattr(file, "name", None)
    try:
        if isinstance(name, str) and os.path.samestat(
            Path(name).stat(),
            os.fstat(file.fileno()),  # type: ignore[attr-defined]
        ):
            return Path(name)
    except (OSError, ValueError, AttributeError):
        return None
    return None


def _is_tensor(value: object) -> bool:
    """Torch's tensors are told by what they can: this room does not import torch."""
    return all(hasattr(value, name) for name in ("detach", "cpu", "is_floating_point"))


def _array(frames: Any) -> NDArray[Any]:
    if not _is_tensor(frames):
        return np.asarray(frames)
    held = frames.detach().cpu()
    return np.asarray((held.float() if held.is_floating_point() else held).numpy())


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.ndim == 4 and pixels.shape[-1] != 3 and pixels.shape[1] == 3:
        pixels = pixels.transpose(0, 2, 3, 1)
    if pixels.ndim != 4 or pixels.shape[-1] != 3:
        raise InputError(
            f"frames have shape {tuple(pixels.shape)}; expected {_LAYOUTS}{_hint(pixels)}"
        )
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise InputError(
            f"frames are {pixels.dtype}; expected uint8 from 0 to 255, or floats from 0 to 1"
        )
    low, high = float(pixels.min(initial=0.0)), float(pixels.max(initial=0.0))
    if not (low >= 0.0 and high <= 1.0):  # also NaN
        raise InputError(
            f"frames of floats go from {low:g} to {high:g}; expected 0 to 1 "
            "(from -1 to 1: (frames + 1) / 2; from 0 to 255: frames / 255)"
        )
    return np.rint(pixels * np.float32(255.0)).astype(np.uint8)


def _hint(pixels: NDArray[Any]) -> str:
    if pixels.ndim == 5:
        return "; several videos are given as a list: list(frames)"
    if pixels.ndim == 3 and pixels.shape[-1] == 3:
        return "; one picture is given as image=, several as np.stack(frames)"
    if pixels.ndim == 3:
        return "; of grey pictures: np.repeat(frames[..., None], 3, axis=-1)"
    if pixels.ndim == 4 and pixels.shape[0] == 3:
        return "; of channels first: frames.transpose(1, 2, 3, 0)"
    if pixels.ndim == 4 and pixels.shape[-1] == 4:
        return "; without transparency: frames[..., :3]"
    return ""


def _stacked(pictures: list[Image.Image]) -> NDArray[np.uint8]:
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        shown = ", ".join(f"{width} x {height}" for width, height in sorted(sizes)[:4])
        raise InputError(f"the pictures of a video have different sizes: {shown}; resize them")
    return np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])
