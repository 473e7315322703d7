"""A still picture, shown for a while, as a frame source."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from pavas_sdk.data import Video
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import InputError, MediaError, MediaNotFoundError
from pavas_sdk.media.arguments import checked_number
from pavas_sdk.media.memory_source import MemorySource

__all__ = ["is_picture", "open_picture"]

# Formats of stills. Animations are videos; a phone's MPO is a JPEG with a second view behind it.
_STILLS = frozenset({"AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP"})
_SUFFIXES = frozenset({".avif", ".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})


def is_picture(path: str | Path) -> bool:
    """Return whether a file is a still picture, by its content.

    An animation is none. A damaged file is one when its name says so, so that the error about it
    speaks of a picture.
    """
    path = expanded(path)
    try:
        if not path.is_file():
            return False
        with Image.open(path) as opened:
            if opened.format not in _STILLS:
                return False
            return opened.format in ("MPO", "TIFF") or not getattr(opened, "is_animated", False)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError):
        return path.suffix.lower() in _SUFFIXES


def open_picture(picture: str | Path | Image.Image | Any, duration_s: float) -> MemorySource:
    """Return a source that shows one picture for ``duration_s`` seconds.

    Args:
        picture: A file (turned as its EXIF data says), a PIL image, or uint8 RGB (H, W, 3).
        duration_s: How long.

    Raises:
        MediaNotFoundError: No such file.
        MediaError: A file that is no picture, or a picture smaller than 16 x 16 pixels.
        InputError: Something else was given.
    """
    pixels, source = _pixels(picture)
    return MemorySource(
        Video(
            frames=pixels[None],
            times_s=np.zeros(1),
            source=source,
            end_s=checked_number("duration_s", duration_s, above=0.0),
        )
    )


def _pixels(picture: Any) -> tuple[Any, str | None]:
    if isinstance(picture, str | Path):
        path = expanded(picture)
        try:
            if not path.is_file():
                raise MediaNotFoundError(f"no such picture: {path}")
            with Image.open(path) as opened:
                return _rgb(opened), str(path)
        except MediaNotFoundError:
            raise
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as err:
            raise MediaError(
                f"{path} is no picture that can be read ({err}); give a video as the video, or "
                "save the picture as PNG or JPEG"
            ) from err
    if isinstance(picture, Image.Image):
        return _rgb(picture), None
    if isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3:
        return np.ascontiguousarray(picture), None
    raise InputError(
        "image must be a path, a PIL image or a uint8 RGB array (height, width, 3), got "
        f"{type(picture).__name__}"
    )


def _rgb(picture: Image.Image) -> Any:
    return np.asarray(ImageOps.exif_transpose(picture).convert("RGB"))
