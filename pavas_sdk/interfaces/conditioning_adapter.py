"""ConditioningAdapter: how physics reaches the backbone (PAVAS Sec. 3.4).

The backbone publishes places (`ModulationSite`), the adapter returns numbers, the pipeline
carries them. State and deltas do not depend on the diffusion time: once per clip. This module
names tensors only in annotations; an adapter is a ``torch.nn.Module`` (a diffusers ModelMixin, so
that it is saved, cast and offloaded like its neighbours).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from numpy.typing import ArrayLike

__all__ = ["AdapterState", "ConditioningAdapter", "ModulationSite"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModulationSite:
    """A place in the backbone where adaptive-norm parameters can be shifted.

    Attributes:
        name: Unique within the backbone; the key of the modulation mapping.
        stream: Which token stream the block works on.
        params: Names of the modulation vectors in their order along the last axis, from
            "shift_msa", "scale_msa", "gate_msa", "shift_mlp", "scale_mlp", "gate_mlp".
        dim: Width of each vector.
        per_token: True when a delta per latent (B, N, ·) fits; else (B, 1, ·).
    """

    name: str
    stream: Literal["audio", "visual", "text"]
    params: tuple[str, ...]
    dim: int
    per_token: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterState:
    """Conditions of a clip: c_mass and c_vel of Eq. 9, and of impacts where an adapter has them.

    Attributes:
        mass: (B, L, D_h).
        speed: (B, L, D_h).
        impact: (B, L, D_h), or None: the adapter does not use impacts.
    """

    mass: torch.Tensor
    speed: torch.Tensor
    impact: torch.Tensor | None = None


class ConditioningAdapter(ABC):
    """Turns patch features, masks, masses, speeds and impacts into deltas for modulation sites.

    Invariants (checked by the contract suite): a fresh adapter changes nothing, bit for bit;
    object order does not matter; zero objects equal the null state; batch items are independent;
    save and load round-trips; every parameter receives a gradient.
    """

    kind: ClassVar[str] = "conditioning_adapter"

    @property
    def uses_impacts(self) -> bool:
        """Whether `encode` is to be given ``impact_energy_j``; False unless a class says otherwise.

        An adapter that leaves it at False need not have that parameter.
        """
        return False

    @classmethod
    @abstractmethod
    def for_transformer(cls, transformer: Any, *, patch_dim: int, **options: Any) -> Self:
        """Return a new, untrained adapter for a backbone.

        Args:
            transformer: Publishes its places as ``modulation_sites``.
            patch_dim: D_p, width of the patch features.
            **options: Settings of the adapter.
        """

    @abstractmethod
    def encode(
        self,
        patch_features: torch.Tensor,
        masks: torch.Tensor,
        mass_kg: torch.Tensor,
        speed_m_s: torch.Tensor,
        valid: torch.Tensor,
        impact_energy_j: torch.Tensor | None = None,
    ) -> AdapterState:
        """Encode the objects of each clip.

        Args:
            patch_features: (B, L, P, P, D_p), V^l.
            masks: (B, K, L, P, P), share of each cell that the object covers, in [0, 1].
            mass_kg: (B, K), kilograms; NaN where unknown.
            speed_m_s: (B, K, L), m/s; NaN where missing.
            valid: bool, (B, K); False rows are padding and must not matter.
            impact_energy_j: (B, K, L), kinetic-energy change by impacts in each frame, joules; 0
                where there is none, NaN where it is unknown. None: nothing is known of impacts.
                Given to adapters with `uses_impacts` only.
        """

    @abstractmethod
    def null_state(self, batch: int, length: int) -> AdapterState:
        """Return the learned empty tokens: no physics, dropped physics, guidance branch."""

    @abstractmethod
    def modulation(
        self, state: AdapterState, state_times_s: ArrayLike, latent_times_s: ArrayLike
    ) -> Mapping[str, torch.Tensor]:
        """Return {site.name: (B, N or 1, len(site.params) * site.dim)}.

        Args:
            state: From `encode` or `null_state`.
            state_times_s: (L,), times of the physics frames.
            latent_times_s: (N,), times of the latents.
        """
