"""Ray maps: the question what a camera somewhere else would see."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["ray_map"]


def ray_map(intrinsics: Tensor, camera_to_world: Tensor, height: int, width: int) -> Tensor:
    """Return centre and direction of the ray of every pixel, float32 (H, W, 6), world axes.

    The centre is added to the direction before it is normalised. That is no ray of a camera, but
    the model was trained with it.

    Args:
        intrinsics: (3, 3), pixels of the picture asked for.
        camera_to_world: (4, 4).
        height: Pixels, a multiple of 16.
        width: Pixels, a multiple of 16.
    """
    intrinsics = intrinsics.double()
    camera_to_world = camera_to_world.double()
    rows, columns = torch.meshgrid(
        torch.arange(height, dtype=torch.float64),
        torch.arange(width, dtype=torch.float64),
        indexing="ij",
    )
    pixels = torch.stack([columns, rows, torch.ones_like(rows)], dim=-1).to(intrinsics.device)
    centre = camera_to_world[:3, 3]
    directions = pixels @ (camera_to_world[:3, :3] @ intrinsics.inverse()).T + centre
    directions = directions / directions.norm(dim=-1, keepdim=True)
    return torch.cat([centre.expand_as(directions), directions], dim=-1).float()
