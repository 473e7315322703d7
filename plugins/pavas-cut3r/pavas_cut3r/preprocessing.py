"""From a picture of any size to the pixels that the model takes, and where they came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Placement", "normalise", "place", "preprocess"]

PATCH_SIZE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How a picture is resized, then cropped.

    Attributes:
        source_size: Height and width of the picture, pixels.
        resized_size: Height and width after resizing.
        top: First row of the resized picture that is kept.
        left: First column that is kept.
        size: Height and width of what is kept: what the model sees.
    """

    source_size: tuple[int, int]
    resized_size: tuple[int, int]
    top: int
    left: int
    size: tuple[int, int]

    def source_intrinsics(self, intrinsics: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return intrinsics (..., 3, 3) of the model's picture in pixels of the source."""
        moved = np.array(intrinsics, dtype=np.float64)
        moved[..., 0, 2] += self.left
        moved[..., 1, 2] += self.top
        moved[..., 0, :] *= self.source_size[1] / self.resized_size[1]
        moved[..., 1, :] *= self.source_size[0] / self.resized_size[0]
        return moved


def place(height: int, width: int, size: int = 512, *, crop_square: bool = True) -> Placement:
    """Return how a picture of ``height`` x ``width`` is resized and cropped for the model.

    The longer side becomes ``size`` (with 224: the shorter one, then a square crop, as the 224-pixel
    checkpoints expect); each side is then cropped to a multiple of 16 around the middle.

    Args:
        height: Pixels.
        width: Pixels.
        size: 512 for the released checkpoint.
        crop_square: Crop a square picture to 4:3, as the published preparation does.

    Raises:
        InputError: The picture is too elongated, or its result no multiple of 16.
    """
    if min(height, width) < 1:
        raise InputError(f"a picture needs at least one pixel, got {width} x {height}")
    longer = max(height, width)
    target = round(size * max(width / height, height / width)) if size == 224 else size
    new_width, new_height = round(width * target / longer), round(height * target / longer)
    middle_x, middle_y = new_width // 2, new_height // 2
    if size == 224:
        half_x = half_y = min(middle_x, middle_y)
    else:
        half_x = 2 * middle_x // PATCH_SIZE * (PATCH_SIZE // 2)
        half_y = 2 * middle_y // PATCH_SIZE * (PATCH_SIZE // 2)
        if new_width == new_height and crop_square:
            half_y = 3 * half_x // 4
    if min(half_x, half_y) == 0:
        raise InputError(
            f"a picture of {width} x {height} pixels is too elongated: at size {size} its shorter "
            f"side has {min(new_width, new_height)} pixels, and CUT3R needs {PATCH_SIZE}. Crop it"
        )
    if 2 * half_x % PATCH_SIZE or 2 * half_y % PATCH_SIZE:
        raise InputError(
            f"at size {size} a picture of {width} x {height} pixels becomes {2 * half_x} x "
            f"{2 * half_y}, no multiples of {PATCH_SIZE}. Use size 512, or crop_square=False"
        )
    return Placement(
        source_size=(height, width),
        resized_size=(new_height, new_width),
        top=middle_y - half_y,
        left=middle_x - half_x,
        size=(2 * half_y, 2 * half_x),
    )


def preprocess(picture: NDArray[np.uint8], placement: Placement) -> NDArray[np.uint8]:
    """Return the model's picture, uint8 (H, W, 3), of an RGB picture (H0, W0, 3).

    The resizing is Pillow's, whose filters widen when shrinking: others differ by whole levels.

    Raises:
        InputError: The picture has another size than ``placement`` was made for.
    """
    if picture.shape != (*placement.source_size, 3):
        raise InputError(
            f"expected a picture of shape {(*placement.source_size, 3)}, got {picture.shape}"
        )
    height, width = placement.resized_size
    shrinks = max(placement.source_size) > max(height, width)
    resample = Image.Resampling.LANCZOS if shrinks else Image.Resampling.BICUBIC
    image = Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), resample)
    top, left = placement.top, placement.left
    return np.asarray(image)[top : top + placement.size[0], left : left + placement.size[1]]


def normalise(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pictures (..., H, W, 3) as float32 in [-1, 1] with channels first, (..., 3, H, W)."""
    scaled = (picture.astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    return np.ascontiguousarray(np.moveaxis(scaled, -1, -3))
