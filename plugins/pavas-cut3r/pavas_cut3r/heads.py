"""From decoded tokens to raw maps, and from raw numbers to points, colours and poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from pavas_cut3r.dpt import DptHead
from pavas_cut3r.layers import Mlp, PoseModulatedBlock

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pavas_cut3r.positions import Rotation

__all__ = [
    "POSE_ONLY",
    "FrameGeometry",
    "Heads",
    "RawOutputs",
    "camera_to_world",
    "geometry",
    "transform_points",
]

POSE_ONLY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class RawOutputs:
    """What the heads answer, before any post-processing.

    Attributes:
        pose: (B, 7): translation, quaternion.
        self_points: (B, 4, H, W): point in the frame's own camera and confidence, or None.
        world_points: (B, 4, H, W): the same in world axes, or None.
        rgb: (B, 3, H, W), or None.
    """

    pose: Tensor
    self_points: Tensor | None = None
    world_points: Tensor | None = None
    rgb: Tensor | None = None


@dataclass(frozen=True, slots=True, eq=False)
class FrameGeometry:
    """What is known of one frame. float32; maps that were not asked for are None.

    Attributes:
        pose: (B, 7), camera to world: translation, then quaternion with the real part first.
        camera_to_world: (B, 4, 4). Axes x right, y down, z forward; the world is the camera of the
            session's first frame, whose own pose is predicted too and only near identity.
        self_points: (B, H, W, 3), the point of each pixel in the frame's own camera.
        self_confidence: (B, H, W), above 1.
        world_points: (B, H, W, 3), the points in world axes as regressed directly. The self points
            moved by the pose are another estimate of the same.
        world_confidence: (B, H, W), above 1.
        rgb: (B, H, W, 3), colours in (-1, 1) as the model would render them.
    """

    pose: Tensor
    camera_to_world: Tensor
    self_points: Tensor | None = None
    self_confidence: Tensor | None = None
    world_points: Tensor | None = None
    world_confidence: Tensor | None = None
    rgb: Tensor | None = None

    def world_points_from_pose(self) -> Tensor:
        """Return the self points moved by the pose, (B, H, W, 3).

        Raises:
            ValueError: The self points were not asked for.
        """
        if self.self_points is None:
            raise ValueError('this frame has no self points: ask for them with outputs={"self"}')
        return transform_points(self.camera_to_world, self.self_points)


class PoseHead(nn.Module):
    """Pose token (B, 1, D) to (B, 7)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.mlp = Mlp(dim, 7)

    def forward(self, pose_token: Tensor) -> Tensor:
        """Map (B, 1, D) to (B, 7), raw."""
        return cast("Tensor", self.mlp(pose_token[:, 0]))


class Heads(nn.Module):
    """All heads of the model.

    Args:
        image_dim: Width of the encoder's tokens.
        dim: Width of the decoder's tokens.
        num_heads: Attention heads of the pose-modulated blocks.
        layer_dims: See `DptHead`.
        feature_dim: See `DptHead`.
        last_dim: See `DptHead`.
    """

    def __init__(
        self,
        image_dim: int,
        dim: int,
        num_heads: int,
        layer_dims: Sequence[int],
        feature_dim: int,
        last_dim: int,
    ) -> None:
        super().__init__()

        def head(channels: int) -> DptHead:
            return DptHead([image_dim, dim, dim, dim], layer_dims, feature_dim, last_dim, channels)

        self.dpt_self = head(4)
        self.final_transform = nn.ModuleList([PoseModulatedBlock(dim, num_heads) for _ in range(2)])
        self.dpt_cross = head(4)
        self.dpt_rgb = head(3)
        self.pose_head = PoseHead(dim)

    def forward(
        self,
        tokens: Sequence[Tensor],
        pose_token: Tensor,
        grid: tuple[int, int],
        table: Rotation,
        outputs: frozenset[str],
    ) -> RawOutputs:
        """Run the pose head and the heads that are asked for.

        Args:
            tokens: Encoder output, two depths of the decoder, and its normed result; without the
                pose token.
            pose_token: The normed pose token, (B, 1, D).
            grid: Rows and columns of tokens.
            table: Rotation of the image positions.
            outputs: Of "self", "world" and "rgb".
        """
        world = None
        if "world" in outputs:
            moved = tokens[3]
            for block in self.final_transform:
                moved = block(moved, pose_token, table)
            world = self.dpt_cross([*tokens[:3], moved], grid)
        return RawOutputs(
            pose=self.pose_head(pose_token),
            self_points=self.dpt_self(tokens, grid) if "self" in outputs else None,
            world_points=world,
            rgb=self.dpt_rgb(tokens, grid) if "rgb" in outputs else None,
        )


def geometry(raw: RawOutputs) -> FrameGeometry:
    """Turn raw outputs into points, confidences, colours and a pose, in float32."""
    pose = _pose(raw.pose.float())
    points, confidence = _points(raw.self_points)
    world, world_confidence = _points(raw.world_points)
    rgb = None
    if raw.rgb is not None:
        share = raw.rgb.float().permute(0, 2, 3, 1).sigmoid()
        rgb = 2 * (share * (1 - 2e-6) + 1e-6 - 0.5)
    return FrameGeometry(
        pose=pose,
        camera_to_world=camera_to_world(pose),
        self_points=points,
        self_confidence=confidence,
        world_points=world,
        world_confidence=world_confidence,
        rgb=rgb,
    )


def _stretch(vector: Tensor) -> Tensor:
    """Lengths go through exp(x) - 1, directions stay."""
    length = vector.norm(dim=-1, keepdim=True)
    factor: Tensor = length.expm1() / length.clamp(min=1e-8)
    return vector * factor


def _points(raw: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
    if raw is None:
        return None, None
    maps = raw.float().permute(0, 2, 3, 1)
    return _stretch(maps[..., :3]), 1 + maps[..., 3].exp()


def _pose(raw: Tensor) -> Tensor:
    quaternion = raw[:, 3:] / raw[:, 3:].norm(dim=-1, keepdim=True).clamp(min=1e-12)
    quaternion = torch.where(quaternion[:, :1] < 0, -quaternion, quaternion)
    return torch.cat([_stretch(raw[:, :3]), quaternion], dim=-1)


def camera_to_world(pose: Tensor) -> Tensor:
    """Return 4 x 4 matrices (B, 4, 4) of poses (B, 7): translation, quaternion, real part first."""
    w, x, y, z = pose[:, 3:].unbind(-1)
    scale = 2.0 / pose[:, 3:].square().sum(-1)
    entries = [
        [1 - scale * (y * y + z * z), scale * (x * y - z * w), scale * (x * z + y * w)],
        [scale * (x * y + z * w), 1 - scale * (x * x + z * z), scale * (y * z - x * w)],
        [scale * (x * z - y * w), scale * (y * z + x * w), 1 - scale * (x * x + y * y)],
    ]
    matrix = torch.zeros(pose.shape[0], 4, 4, dtype=pose.dtype, device=pose.device)
    matrix[:, :3, :3] = torch.stack([torch.stack(row, dim=-1) for row in entries], dim=1)
    matrix[:, :3, 3] = pose[:, :3]
    matrix[:, 3, 3] = 1.0
    return matrix


def transform_points(matrix: Tensor, points: Tensor) -> Tensor:
    """Return points (B, H, W, 3) moved by (B, 4, 4) matrices."""
    moved = points.flatten(1, 2) @ matrix[:, :3, :3].transpose(1, 2) + matrix[:, None, :3, 3]
    return moved.reshape(points.shape)
