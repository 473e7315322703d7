"""From conditions to deltas of adaptive-norm parameters: zero-initialised mixers (Eq. 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from pavas_phy_adapter.sites import SiteGroup

__all__ = ["GroupMixer", "SiteMixers"]


class SiteMixers(nn.Module):
    """g of Eq. 10 for ``count`` sites at once, each with its own weights and gate.

    The last layer is zero and the gate is one: nothing is changed at first, and the last layer
    receives a gradient (with both at zero neither ever would).

    Args:
        count: Number of sites S.
        in_dim: D_h.
        out_dim: Width of a site's deltas.
        rank: Width of the bottleneck; None is a single linear map without gate (direct summation).
    """

    def __init__(self, count: int, in_dim: int, out_dim: int, rank: int | None) -> None:
        super().__init__()
        self.count = count
        inner = in_dim if rank is None else rank
        self.down = None if rank is None else nn.Linear(in_dim, count * rank)
        self.gate = None if rank is None else nn.Parameter(torch.ones(count))
        self.up_weight = nn.Parameter(torch.zeros(count, inner, out_dim))
        self.up_bias = nn.Parameter(torch.zeros(count, out_dim))

    def forward(self, condition: Tensor) -> Tensor:
        """Map a condition (B, L, D_h) to deltas (S, B, L, out_dim)."""
        if self.down is None:
            hidden = condition.unsqueeze(2).expand(-1, -1, self.count, -1)
        else:
            hidden = F.silu(self.down(condition))
            hidden = hidden.reshape(*hidden.shape[:2], self.count, -1)
        deltas = torch.einsum("blsr,sro->sblo", hidden, self.up_weight)
        deltas = deltas + self.up_bias[:, None, None]
        return deltas if self.gate is None else self.gate[:, None, None, None] * deltas


class GroupMixer(nn.Module):
    """Deltas of all sites of one layout.

    Args:
        group: The sites.
        in_dim: D_h.
        rank: See `SiteMixers`.
    """

    def __init__(self, group: SiteGroup, in_dim: int, rank: int | None) -> None:
        super().__init__()
        self.group = group
        out_dim = sum(group.used) * group.dim
        self.mass = SiteMixers(len(group.names), in_dim, out_dim, rank)
        self.speed = SiteMixers(len(group.names), in_dim, out_dim, rank)
        self.impact: SiteMixers | None = None

    def add_impact(self, in_dim: int, rank: int | None) -> None:
        """Add mixers for the stream of impacts, zero at first like the others."""
        count, _, out_dim = self.mass.up_weight.shape
        self.impact = SiteMixers(count, in_dim, out_dim, rank)

    def forward(
        self, mass: Tensor, speed: Tensor, index: Tensor, impact: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Return {site name: (B, N or 1, len(params) * dim)}.

        Args:
            mass: c_mass, (B, L, D_h).
            speed: c_vel, (B, L, D_h).
            index: Physics frame of each latent, (N,). Mixers work frame by frame, so they run on
                the L frames and only their results are spread over the N latents.
            impact: c_imp, (B, L, D_h), where the stream of impacts was added.
        """
        deltas = self._mixed(self.mass, mass) + self._mixed(self.speed, speed)
        if self.impact is not None and impact is not None:
            deltas = deltas + self._mixed(self.impact, impact)
        deltas = self._placed(deltas)
        if self.group.per_token:
            deltas = deltas.index_select(2, index)
        return dict(zip(self.group.names, deltas.unbind(0), strict=True))

    def _mixed(self, mixers: SiteMixers, condition: Tensor) -> Tensor:
        """Deltas of a condition; one for the whole clip where sites have no latents."""
        if not self.group.per_token:
            condition = condition.mean(dim=1, keepdim=True)
        deltas: Tensor = mixers(condition)
        return deltas

    def _placed(self, deltas: Tensor) -> Tensor:
        """Put each delta at its parameter's place, zeros elsewhere."""
        if all(self.group.used):
            return deltas
        parts = iter(torch.split(deltas, self.group.dim, dim=-1))
        nothing = deltas.new_zeros((*deltas.shape[:-1], self.group.dim))
        return torch.cat([next(parts) if used else nothing for used in self.group.used], dim=-1)
