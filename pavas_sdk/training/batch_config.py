"""How the batches of a training are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from pavas_sdk.errors import ConfigurationError

__all__ = ["BatchConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchConfig:
    """How crops are drawn and what is dropped.

    Attributes:
        batch: Crops per step.
        latents: Latents per crop, a multiple of ``unit_latents``; more than the clip has means
            whole clips.
        unit_latents: A crop starts at a multiple of this, where latents, frames and
            synchronisation features meet on one grid.
        unit_frames: Frames in the same time.
        unit_sync: Synchronisation features in the same time.
        near_contact: Share of crops that hold a contact for sure, where the clip has one; at 0
            crops without any come in their natural share.
        drop_physics: Share of crops without physics (null state); 0.1 in the paper.
        drop_visual: Share without visual and synchronisation features.
        drop_all: Further share without any of them, physics and prompt included: the empty branch
            of guidance.
        other_picture: Share of the crops with true physics that show the picture of another clip:
            where picture and physics disagree, physics decides.
        drop_clip: Further share without visual features only.
        drop_text: Share without a prompt.
        drop_mass: Share of objects without a mass.
        drop_speed: Share of objects without speeds.
        drop_mask: Share of objects without a mask (the occlusion token).
        miss_frames: Largest share of frames whose speed is missing; uniform from 0, in three
            crops out of ten.
        speed_noise: Spread of ln(speed), one draw per frame, in half of the crops.
        drop_impacts: Share of objects of whose impacts nothing is known.
        estimated_share: Share of crops with estimated in place of true physics; they are drawn
            among the clips that have an estimate, however few.
    """

    batch: int = 16
    latents: int = 60
    unit_latents: int = 5
    unit_frames: int = 4
    unit_sync: int = 8
    near_contact: float = 0.0
    drop_physics: float = 0.15
    drop_visual: float = 0.06
    drop_all: float = 0.08
    other_picture: float = 0.2
    drop_clip: float = 0.06
    drop_text: float = 0.3
    drop_mass: float = 0.04
    drop_speed: float = 0.04
    drop_mask: float = 0.08
    miss_frames: float = 0.3
    speed_noise: float = 0.08
    drop_impacts: float = 0.04
    estimated_share: float = 0.2

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: The crop is not a whole number of units.
        """
        if self.latents % self.unit_latents != 0 or self.latents < self.unit_latents:
            raise ConfigurationError(
                f"latents must be a positive multiple of {self.unit_latents}, got {self.latents}"
            )
