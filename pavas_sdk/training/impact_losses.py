"""What the impact detector is blamed for: when, where, how fast and heavy, and what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch.nn import functional as F

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from pavas_sdk.models.tiny_impact_detector import ImpactLogits
    from pavas_sdk.training.impact_examples import ImpactExample

__all__ = ["ImpactLosses", "impact_losses"]

_WHEN, _WHERE, _FACTS, _MOVING, _SPEED = 10.0, 0.06, 0.3, 1.0, 0.2
_HIT_WEIGHT = 2.0  # of a slot with an impact, of which there are few
_COVERED = 0.3  # share of a cell from which on its speed is taught


class ImpactLosses(NamedTuple):
    """Losses of some rows, each a mean.

    Attributes:
        when: Cross entropy of the slots that count, those with an impact twice.
        where: Cross entropy of the cells of the slots with an impact.
        facts: Errors of log10 of speed, of mass and of energy (smooth L1); the latter two half.
        moving: Cross entropy of the cells in which something moves.
        speed: Error of log10 of the speed of what moves (smooth L1).
    """

    when: Tensor
    where: Tensor
    facts: Tensor
    moving: Tensor
    speed: Tensor

    def total(self) -> Tensor:
        """Return the loss: 10 when + 0.06 where + 0.3 facts + moving + 0.2 speed."""
        return (
            _WHEN * self.when
            + _WHERE * self.where
            + _FACTS * self.facts
            + _MOVING * self.moving
            + _SPEED * self.speed
        )


def impact_losses(said: ImpactLogits, rows: Sequence[ImpactExample]) -> ImpactLosses:
    """Return the losses of what the detector says of some rows.

    Args:
        said: Of the rows' changes.
        rows: With labels on the same device.
    """
    hits, facts, motion = (x.float() for x in said)
    wanted = torch.stack([row.wanted for row in rows])
    counted = torch.stack([row.counted for row in rows])
    when = F.binary_cross_entropy_with_logits(
        torch.logsumexp(hits, dim=(2, 3)).flatten(1),
        wanted,
        pos_weight=torch.tensor(_HIT_WEIGHT, device=wanted.device),
        reduction="none",
    )
    where, fact = _of_impacts(hits, facts, rows)
    moving = torch.stack([row.moving for row in rows])
    log10_speed = torch.stack([row.log10_speed for row in rows])
    covered = (moving > _COVERED).float()
    error = F.smooth_l1_loss(motion[..., 1], log10_speed, beta=0.3, reduction="none")
    return ImpactLosses(
        when=(when * counted).mean(),
        where=where,
        facts=fact,
        moving=F.binary_cross_entropy_with_logits(motion[..., 0], moving),
        speed=(error * covered).sum() / covered.sum().clamp_min(1.0),
    )


def _of_impacts(
    hits: Tensor, facts: Tensor, rows: Sequence[ImpactExample]
) -> tuple[Tensor, Tensor]:
    """Losses of place and facts; 0, with a gradient of 0, where no row has an impact."""
    taught = [(row, impact) for row, entry in enumerate(rows) for impact in entry.impacts]
    device = hits.device
    _, _, height, width, slots = hits.shape
    row = torch.tensor([entry[0] for entry in taught], dtype=torch.long, device=device)
    slot = torch.tensor([entry[1].slot for entry in taught], dtype=torch.long, device=device)
    place = torch.tensor(
        [entry[1].place for entry in taught], dtype=torch.float32, device=device
    ).view(-1, 2)
    true = torch.tensor(
        [(entry[1].log10_speed, entry[1].log10_mass) for entry in taught],
        dtype=torch.float32,
        device=device,
    ).view(-1, 2)
    weight = torch.tensor(
        [float(entry[1].true_tempo) for entry in taught], dtype=torch.float32, device=device
    )
    frame = torch.div(slot, slots, rounding_mode="floor")
    of_cells = hits[row, frame, :, :, slot % slots].flatten(1)  # (n, h * w)
    target = _cells_around(place, height, width)
    where = -(target * torch.log_softmax(of_cells, dim=-1)).sum() / max(1, len(taught))
    # the right cells are taught facts even where the network does not look yet
    looked_at = 0.5 * torch.softmax(of_cells, dim=-1).detach() + 0.5 * target
    found = (facts[row, frame].flatten(1, 2) * looked_at[..., None]).sum(dim=1)
    speed, mass = (found - true).unbind(-1)
    errors = torch.stack([speed, 0.5 * mass, 0.5 * (2.0 * speed + mass)], dim=-1)
    each = F.smooth_l1_loss(errors, torch.zeros_like(errors), beta=0.5, reduction="none").sum(-1)
    return where, (each * weight).sum() / weight.sum().clamp_min(1.0)


def _cells_around(place: Tensor, height: int, width: int) -> Tensor:
    """Shares of the four cells around each place, (n, 2) to (n, height * width)."""
    across = place[:, :1] * width - 0.5 - torch.arange(width, device=place.device)
    down = place[:, 1:] * height - 0.5 - torch.arange(height, device=place.device)
    near_across, near_down = (1.0 - across.abs()).clamp_min(0), (1.0 - down.abs()).clamp_min(0)
    cells = (near_down[:, :, None] * near_across[:, None]).flatten(1)
    return cells / cells.sum(dim=1, keepdim=True).clamp_min(1e-6)
