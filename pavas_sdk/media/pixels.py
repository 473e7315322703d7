"""From a decoded frame to upright RGB pixels of the wanted size."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.sidedata.sidedata import Type
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter

from pavas_sdk.media.interlacing import FirstFields
from pavas_sdk.media.tone_mapping import HDR_TRANSFERS, tone_mapped

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["FrameConverter", "Orientation", "fitted_size", "shrink"]

# Area averaging (no aliasing when shrinking), and the bit-exact code paths, so that the same
# file gives the same pixels whatever instruction set the processor has.
_SHRINK = Interpolation.AREA | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
_STRETCH = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.BITEXACT


@dataclass(frozen=True, slots=True)
class Orientation:
    """How stored pixels become upright ones: an exchange of axes, then mirrors.

    Attributes:
        swap_axes: Exchange rows and columns.
        flip_x: Then mirror left to right.
        flip_y: Then mirror top to bottom.
        exact: False when the file asks for an angle that is no multiple of 90 degrees.
    """

    swap_axes: bool = False
    flip_x: bool = False
    flip_y: bool = False
    exact: bool = True

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """Return the orientation in a frame's display matrix (none: as stored)."""
        try:
            side: Any = frame.side_data.get(Type.DISPLAYMATRIX)  # type: ignore[call-overload]
        except ValueError:  # FFmpeg knows more kinds of side data (Exif) than PyAV
            return cls._of_angle(frame.rotation)
        if side is None:
            return cls()
        return cls.from_matrix(np.frombuffer(memoryview(side), dtype=np.int32)[:9])

    @classmethod
    def _of_angle(cls, rotation_deg: int) -> Orientation:
        """Return the nearest orientation to a counter-clockwise rotation; mirrors are not known."""
        quarters = round(rotation_deg / 90) % 4
        return cls(
            swap_axes=quarters in (1, 3),
            flip_x=quarters in (2, 3),
            flip_y=quarters in (1, 2),
            exact=rotation_deg % 90 == 0,
        )

    @classmethod
    def from_matrix(cls, matrix: NDArray[np.int32]) -> Orientation:
        """Return the nearest of the eight orientations to a display matrix, (9,) fixed point.

        The matrix maps stored (x, y), y down, to displayed (a x + c y, b x + d y).
        """
        a, b, c, d = (float(matrix[i]) for i in (0, 1, 3, 4))
        straight, crossed = abs(a) + abs(d), abs(b) + abs(c)
        if straight == crossed == 0.0:
            return cls()
        exact = min(straight, crossed) < 1e-3 * max(straight, crossed)
        if crossed > straight:
            return cls(swap_axes=True, flip_x=c < 0, flip_y=b < 0, exact=exact)
        return cls(flip_x=a < 0, flip_y=d < 0, exact=exact)

    @property
    def rotation_deg(self) -> int:
        """Counter-clockwise rotation (0, 90, 180, 270) before any mirroring left to right."""
        if self.swap_axes:
            return 270 if self.flip_x else 90
        return 180 if self.flip_y else 0

    @property
    def mirrored(self) -> bool:
        """Whether the picture is mirrored as well as rotated."""
        return (self.flip_x != self.flip_y) != self.swap_axes

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return upright pixels (a view) of stored ones, (H, W, 3)."""
        if self.swap_axes:
            pixels = pixels.transpose(1, 0, 2)
        if self.flip_x:
            pixels = pixels[:, ::-1]
        if self.flip_y:
            pixels = pixels[::-1]
        return pixels


def fitted_size(height: int, width: int, max_side: int | None) -> tuple[int, int]:
    """Return (height, width) with the longer side at most ``max_side``, aspect kept.

    Never enlarges; no side falls below 1.
    """
    longer = max(height, width)
    if max_side is None or longer <= max_side:
        return height, width
    scale = Fraction(max_side, longer)
    return max(1, round(height * scale)), max(1, round(width * scale))


class FrameConverter:
    """Turns decoded frames of one file into (height, width, 3) RGB arrays of one size."""

    def __init__(self, orientation: Orientation, height: int, width: int) -> None:
        """Prepare.

        Args:
            orientation: From the display matrix.
            height: Pixels of the result, upright.
            width: Pixels of the result, upright.
        """
        self.height = height
        self.width = width
        self._orientation = orientation
        self._stored = (width, height) if orientation.swap_axes else (height, width)
        self._scaler = VideoReformatter()
        self._fields = FirstFields()

    def write(self, frame: av.VideoFrame, out: NDArray[np.uint8]) -> None:
        """Write ``frame`` into ``out``, (height, width, 3) uint8; of an interlaced one, one field."""
        height, width = self._stored
        frame = self._fields.of(frame)
        larger = width > frame.width or height > frame.height
        if int(frame.color_trc) in HDR_TRANSFERS:
            out[...] = self._orientation.apply(self._tone_mapped(frame, larger=larger))
            return
        scaled = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            interpolation=_STRETCH if larger else _SHRINK,
            threads=1,
        )
        out[...] = self._orientation.apply(_rgb_view(scaled))

    def _tone_mapped(self, frame: av.VideoFrame, *, larger: bool) -> NDArray[np.uint8]:
        height, width = self._stored
        scaled = self._scaler.reformat(
            frame,
            width=width,
            height=height,
            format="rgb48le",
            src_colorspace=Colorspace.BT2020,
            interpolation=_STRETCH if larger else _SHRINK,
            threads=1,
        )
        plane = scaled.planes[0]
        rows = np.frombuffer(memoryview(plane), dtype="<u2").reshape(-1, plane.line_size // 2)
        codes = rows[:height, : width * 3].reshape(height, width, 3)
        return tone_mapped(codes, int(frame.color_trc))


def shrink(frames: NDArray[np.uint8], max_side: int | None) -> NDArray[np.uint8]:
    """Return RGB frames (T, H, W, 3) with the longer side at most ``max_side``."""
    height, width = fitted_size(frames.shape[1], frames.shape[2], max_side)
    if (height, width) == frames.shape[1:3]:
        return frames
    converter = FrameConverter(Orientation(), height, width)
    out = np.empty((frames.shape[0], height, width, 3), dtype=np.uint8)
    for pixels, target in zip(frames, out, strict=True):
        stored = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        converter.write(stored, target)
    return out


def _rgb_view(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return the pixels of an rgb24 frame as (H, W, 3) without copying."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width * 3].reshape(frame.height, frame.width, 3)
