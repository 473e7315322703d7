"""Classifier-free guidance with one weight or with two.

The backbone is shown the same latents several times, each time with fewer conditions; the
velocities are summed with weights that add up to 1. With two weights

    v = v_empty + s_video (v_video - v_empty) + s_physics (v_full - v_video)

where v_full sees everything, v_video the pictures alone and v_empty nothing: the composition of
InstructPix2Pix (Brooks et al., CVPR 2023, Eq. 3), with pictures first, then physics and text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch import Tensor

__all__ = ["GuidanceBranch", "composed_branches", "guidance_branches", "guide"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceBranch:
    """What the backbone is shown in one row of a guided batch, and how much its velocity counts.

    Attributes:
        weight: Factor of the velocity.
        clip: Visual features; else the learned empty ones.
        sync: Synchronisation features; else the learned empty ones.
        physics: The adapter's state; else its null state.
        text: The prompt; else the negative one.
    """

    weight: float
    clip: bool = True
    sync: bool = True
    physics: bool = True
    text: bool = True


def guidance_branches(
    guidance_scale: float, *, keep: Collection[str] = ()
) -> tuple[GuidanceBranch, ...]:
    """Return the branches of ``w * v_full + (1 - w) * v_empty``; below w = 1 only the full one.

    Args:
        guidance_scale: w.
        keep: Features that the empty branch keeps: "clip", "sync". With both, guidance acts on
            physics and text alone.
    """
    if guidance_scale < 1.0:
        return (GuidanceBranch(weight=1.0),)
    empty = GuidanceBranch(
        weight=1 - guidance_scale,
        clip="clip" in keep,
        sync="sync" in keep,
        physics=False,
        text=False,
    )
    return GuidanceBranch(weight=guidance_scale), empty


def composed_branches(video_scale: float, physics_scale: float) -> tuple[GuidanceBranch, ...]:
    """Return the branches of guidance with two weights, those without weight left out.

    Both 1: only the full branch. Both equal: the two of `guidance_branches`, to the bit. Without an
    adapter, or where nothing is known of the physics, v_full and v_video differ by the text alone,
    and ``physics_scale`` is the weight of the text.

    Args:
        video_scale: Weight of the pictures and of what synchronises with them, 0 or more.
        physics_scale: Weight of physics and text, 0 or more.

    Raises:
        ConfigurationError: A weight below 0, or not finite.
    """
    for name, scale in (("video", video_scale), ("physics", physics_scale)):
        if not 0.0 <= scale < float("inf"):
            raise ConfigurationError(
                f"{name}_guidance_scale must be a finite number of at least 0, got {scale!r}"
            )
    branches = (
        GuidanceBranch(weight=physics_scale),
        GuidanceBranch(weight=video_scale - physics_scale, physics=False, text=False),
        GuidanceBranch(weight=1 - video_scale, clip=False, sync=False, physics=False, text=False),
    )
    return tuple(branch for branch in branches if branch.weight != 0.0)


def guide(velocities: Sequence[Tensor], branches: Sequence[GuidanceBranch]) -> Tensor:
    """Return the weighted sum of the branches' velocities, all of one shape.

    A single branch of weight 1 is returned as it is.
    """
    if len(branches) == 1 and branches[0].weight == 1.0:
        return velocities[0]
    guided = branches[0].weight * velocities[0]
    for branch, velocity in zip(branches[1:], velocities[1:], strict=True):
        guided = guided + branch.weight * velocity
    return guided
