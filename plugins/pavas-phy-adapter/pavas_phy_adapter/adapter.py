"""PhyAdapter: mass, speed and impacts of each object as shifts of the backbone's adaptive norms.

Equation numbers are those of PAVAS (CVPR 2026), Sec. 3.4. Shapes: B clips, K objects, L physics
frames, N audio latents, P x P patches of width D_p, adapter width D_h.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Self

import torch
from diffusers.configuration_utils import ConfigMixin, register_to_config
from diffusers.models.modeling_utils import ModelMixin
from torch import Tensor, nn

from pavas_phy_adapter.arguments import check_encode_arguments, check_positive
from pavas_phy_adapter.mixers import GroupMixer
from pavas_phy_adapter.sites import chosen_sites, group_sites
from pavas_phy_adapter.streams import PhysicsStream, log_spaced
from pavas_sdk.data.timing import nearest_index
from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.interfaces import AdapterState, ConditioningAdapter, PublishedAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike

__all__ = ["PhyAdapter"]


class PhyAdapter(PublishedAdapter, ModelMixin, ConfigMixin, ConditioningAdapter):  # type: ignore[misc]
    """Physics-driven audio adapter (PAVAS Sec. 3.4).

    Build it with `for_transformer`; the sites are kept in the config, so that saving and loading
    need no backbone. A fresh adapter changes nothing: every delta is exactly zero.

    Where the paper is silent, the choices are: masks are area fractions per patch; FiLM
    coefficients are computed frame by frame; one pooling gate per object and frame; mixers are
    bottlenecked; their gates start at one; an unknown mass has a learned token.

    Args:
        sites: Descriptions of the modulation sites in use, from `for_transformer`.
        patch_dim: D_p, width of the patch features.
        hidden_dim: D_h.
        mixer_rank: Bottleneck of the mixers g_m and g_v.
        variant: "delta" adds to each block's adaptive-norm parameters (Eq. 10); "direct" adds
            linear maps of both conditions to the backbone's own condition (the baseline of
            Table 3), which takes the site named "condition".
        params: Which modulation vectors get deltas: "shift", "scale", "gate".
        num_frequencies: K_f of the Fourier features.
        min_frequency: Lowest w_k.
        max_frequency: Highest w_k; the others are evenly spaced in logarithm.
        mass_unit_kg: u in log(1 + m / u); 1 is the paper's. A smaller unit tells light objects
            further apart.
        mass_mean: mu_mass, mean of log(1 + m / u) over the training data.
        mass_std: sigma_mass.
        speed_mean_m_s: mu_vel.
        speed_std_m_s: sigma_vel.
        binary_masks: Use 1 where a cell is covered by half or more and 0 elsewhere, instead of
            the covered share. An object that covers no cell by half then counts as occluded.
        gate: What the pooling gate of an object depends on. "own" is the paper's: mass gates on
            h_mass, speed on h_vel. With "joint" both gates see both, so that among several objects
            the mass of the one that moves can count.
        impacts: Add a third stream to the paper's two: the kinetic-energy change by impacts in each
            frame, with Fourier features, FiLM, pooling and mixers of its own. With "joint" its
            gate sees all three. The other two streams are the same with it and without.
        impact_unit_j: u in log(1 + dE / u).
        impact_mean: Mean of log(1 + dE / u) over the frames of the training data with an impact.
        impact_std: Its standard deviation.

    Raises:
        ConfigurationError: Sizes or statistics that are not positive, an unknown variant or gate,
            or sites without a wanted parameter.
    """

    # diffusers records this in a saved pipeline; files may move, the public package stays.
    __module__ = "pavas_phy_adapter"

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(
        self,
        *,
        sites: Sequence[Mapping[str, Any]],
        patch_dim: int,
        hidden_dim: int = 768,
        mixer_rank: int = 24,
        variant: Literal["delta", "direct"] = "delta",
        params: Sequence[str] = ("shift", "scale"),
        num_frequencies: int = 16,
        min_frequency: float = 0.125,
        max_frequency: float = 8.0,
        mass_unit_kg: float = 1.0,
        mass_mean: float = 0.0,
        mass_std: float = 1.0,
        speed_mean_m_s: float = 0.0,
        speed_std_m_s: float = 1.0,
        binary_masks: bool = False,
        gate: Literal["own", "joint"] = "own",
        impacts: bool = False,
        impact_unit_j: float = 1e-3,
        impact_mean: float = 0.0,
        impact_std: float = 1.0,
    ) -> None:
        super().__init__()
        check_positive(
            patch_dim=patch_dim,
            hidden_dim=hidden_dim,
            mixer_rank=mixer_rank,
            num_frequencies=num_frequencies,
            min_frequency=min_frequency,
            max_frequency=max_frequency,
            mass_unit_kg=mass_unit_kg,
            mass_std=mass_std,
            speed_std_m_s=speed_std_m_s,
            impact_unit_j=impact_unit_j,
            impact_std=impact_std,
        )
        if variant not in ("delta", "direct"):
            raise ConfigurationError(f'variant must be "delta" or "direct", got {variant!r}')
        wanted = ("condition",) if variant == "direct" else tuple(params)
        groups = group_sites(sites, wanted)
        if not groups or not all(any(group.used) for group in groups):
            raise ConfigurationError(
                f"the {variant} variant modulates {', '.join(wanted)}, but the sites given have "
                f"{', '.join('/'.join(group.params) for group in groups) or 'nothing'}; build the "
                "adapter with PhyAdapter.for_transformer(transformer, patch_dim=...)"
            )
        if gate not in ("own", "joint"):
            raise ConfigurationError(f'gate must be "own" or "joint", got {gate!r}')
        frequencies = log_spaced(min_frequency, max_frequency, num_frequencies)
        self.project = nn.Linear(patch_dim, hidden_dim)
        self.norm = nn.LayerNorm(hidden_dim)
        self.occlusion_token = nn.Parameter(0.02 * torch.randn(hidden_dim))
        gate_dim = 2 * hidden_dim if gate == "joint" else hidden_dim
        self.mass = PhysicsStream(hidden_dim, frequencies, gate_dim)
        self.speed = PhysicsStream(hidden_dim, frequencies, gate_dim)
        rank = None if variant == "direct" else mixer_rank
        mixers = [GroupMixer(group, hidden_dim, rank) for group in groups]
        self.mixers = nn.ModuleList(mixers)
        # made last: with it and without it, one seed gives the other parts the same weights
        self.impact: PhysicsStream | None = None
        if impacts:
            gate_dim = 3 * hidden_dim if gate == "joint" else hidden_dim
            self.impact = PhysicsStream(hidden_dim, frequencies, gate_dim)
            for mixer in mixers:
                mixer.add_impact(hidden_dim, rank)

    @property
    def uses_impacts(self) -> bool:
        """Whether the adapter has the stream of impacts."""
        return self.impact is not None

    @classmethod
    def for_transformer(
        cls,
        transformer: Any,
        *,
        patch_dim: int,
        streams: Sequence[str] = ("audio",),
        params: Sequence[str] = ("shift", "scale"),
        variant: Literal["delta", "direct"] = "delta",
        **options: Any,
    ) -> Self:
        """Return a new adapter for a backbone.

        Args:
            transformer: Has ``modulation_sites`` (and ``condition_site`` for "direct").
            patch_dim: D_p.
            streams: Streams that get deltas: "audio", "visual", "text".
            params: See the class.
            variant: See the class.
            **options: Further arguments of the class.

        Raises:
            ConfigurationError: No site fits, or an option is impossible.
        """
        if variant == "direct":
            sites = chosen_sites([transformer.condition_site], ("audio",), ("condition",))
        else:
            sites = chosen_sites(transformer.modulation_sites, streams, params)
        adapter: Self = cls(
            sites=sites, patch_dim=patch_dim, params=list(params), variant=variant, **options
        )
        return adapter

    def encode(
        self,
        patch_features: Tensor,
        masks: Tensor,
        mass_kg: Tensor,
        speed_m_s: Tensor,
        valid: Tensor,
        impact_energy_j: Tensor | None = None,
    ) -> AdapterState:
        """Encode the objects of each clip (Eq. 4-9).

        Args:
            patch_features: V^l, (B, L, P, P, D_p).
            masks: (B, K, L, P, P), share of each cell that the object covers, in [0, 1]. An
                object whose mask is empty in a frame is occluded there. K may be 0.
            mass_kg: (B, K), kilograms, 0 or more; NaN where unknown.
            speed_m_s: (B, K, L), m/s; NaN where missing.
            valid: bool, (B, K); whatever stands in rows that are False has no influence.
            impact_energy_j: (B, K, L), kinetic-energy change by impacts in each frame, joules, 0
                or more; NaN where unknown. None: nothing is known of impacts, which is not the
                same as none. Without the stream of impacts it is not looked at.

        Raises:
            InputError: Shapes do not fit, or a mass or an energy is negative.
        """
        config = self.config
        check_encode_arguments(
            config.patch_dim, patch_features, masks, mass_kg, speed_m_s, valid, impact_energy_j
        )
        objects = self._object_features(patch_features, masks, valid)
        mass = torch.where(valid, mass_kg.float(), torch.nan)
        mass = (torch.log1p(mass / config.mass_unit_kg) - config.mass_mean) / config.mass_std
        speed = torch.where(valid[:, :, None], speed_m_s.float(), torch.nan)
        speed = (speed - config.speed_mean_m_s) / config.speed_std_m_s
        h_mass = self.mass(objects, mass.unsqueeze(2))
        h_speed = self.speed(objects, speed)
        gates = (h_mass, h_speed)
        if config.gate == "joint":
            gates = (torch.cat([h_mass, h_speed], dim=-1),) * 2
        return AdapterState(
            mass=self.mass.pooled(h_mass, gates[0], valid),
            speed=self.speed.pooled(h_speed, gates[1], valid),
            impact=self._impact(objects, impact_energy_j, valid, (h_mass, h_speed)),
        )

    def null_state(self, batch: int, length: int) -> AdapterState:
        """Return the learned empty tokens, (batch, length, D_h) each."""
        return AdapterState(
            mass=self.mass.empty_token.expand(batch, length, -1),
            speed=self.speed.empty_token.expand(batch, length, -1),
            impact=self._no_impacts(batch, length),
        )

    def modulation(
        self, state: AdapterState, state_times_s: ArrayLike, latent_times_s: ArrayLike
    ) -> dict[str, Tensor]:
        """Return the deltas of every site (Eq. 10), nearest physics frame for each latent.

        Args:
            state: From `encode` or `null_state`, L frames.
            state_times_s: (L,), seconds, increasing.
            latent_times_s: (N,), seconds.

        Returns:
            {site name: (B, N or 1, len(params) * dim)}; vectors that get no delta are zero.

        Raises:
            InputError: The state has not as many frames as there are times, or no impacts though
                the adapter has a stream of them.
        """
        index = torch.from_numpy(nearest_index(state_times_s, latent_times_s))
        length = len(state_times_s)  # type: ignore[arg-type]
        if state.mass.shape != state.speed.shape or state.mass.shape[1] != length:
            raise InputError(
                f"state has frames {state.mass.shape[1]} (mass) and {state.speed.shape[1]} "
                f"(speed), but {length} times were given"
            )
        if self.impact is not None and (
            state.impact is None or state.impact.shape != state.mass.shape
        ):
            raise InputError(
                "this adapter has a stream of impacts, but the state has "
                f"{'none' if state.impact is None else tuple(state.impact.shape)}; take the state "
                "from its own encode() or null_state()"
            )
        index = index.to(state.mass.device)
        deltas: dict[str, Tensor] = {}
        for mixer in self.mixers:
            deltas.update(mixer(state.mass, state.speed, index, state.impact))
        return deltas

    def _impact(
        self,
        objects: Tensor,
        energy_j: Tensor | None,
        valid: Tensor,
        others: tuple[Tensor, Tensor],
    ) -> Tensor | None:
        """Condition of the impacts, (B, L, D_h); the empty token where nothing is known of them."""
        if self.impact is None:
            return None
        if energy_j is None:
            return self._no_impacts(objects.shape[0], objects.shape[2])
        config = self.config
        energy = torch.where(valid[:, :, None], energy_j.float(), torch.nan)
        energy = (torch.log1p(energy / config.impact_unit_j) - config.impact_mean) / (
            config.impact_std
        )
        h_impact = self.impact(objects, energy)
        joint = config.gate == "joint"
        gate_inputs = torch.cat([*others, h_impact], dim=-1) if joint else h_impact
        pooled: Tensor = self.impact.pooled(h_impact, gate_inputs, valid)
        return pooled

    def _no_impacts(self, batch: int, length: int) -> Tensor | None:
        return None if self.impact is None else self.impact.empty_token.expand(batch, length, -1)

    def _object_features(self, patch_features: Tensor, masks: Tensor, valid: Tensor) -> Tensor:
        """Masked sum, projection, and the token of occluded frames: h_i^l, (B, K, L, D_h)."""
        dtype = self.occlusion_token.dtype
        # padding is removed here, so that not even a NaN in it reaches a gradient
        masks = torch.where(valid[:, :, None, None, None], masks.to(dtype), 0.0)
        if self.config.binary_masks:
            masks = (masks >= 0.5).to(dtype)
        summed = torch.einsum("bklpq,blpqd->bkld", masks, patch_features.to(dtype))
        features = self.norm(self.project(summed))
        visible = masks.flatten(3).sum(dim=-1, keepdim=True) > 0
        return torch.where(visible, features, self.occlusion_token)
