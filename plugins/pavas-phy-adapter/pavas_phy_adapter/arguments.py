"""What the adapter refuses: tensors that do not fit together and impossible settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.errors import ConfigurationError, InputError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["check_encode_arguments", "check_positive"]


def check_encode_arguments(
    patch_dim: int,
    patch_features: Tensor,
    masks: Tensor,
    mass_kg: Tensor,
    speed_m_s: Tensor,
    valid: Tensor,
    impact_energy_j: Tensor | None,
) -> None:
    """Check the arguments of `PhyAdapter.encode`.

    Raises:
        InputError: Shapes do not fit, or a mass or an energy is negative.
    """
    if patch_features.ndim != 5 or patch_features.shape[-1] != patch_dim:
        raise InputError(
            f"patch_features has shape {tuple(patch_features.shape)}, expected (B, L, P, P, "
            f"{patch_dim})"
        )
    batch, length, *grid = patch_features.shape[:4]
    count = valid.shape[1] if valid.ndim == 2 else -1
    for name, tensor, shape in (
        ("valid", valid, (batch, count)),
        ("masks", masks, (batch, count, length, *grid)),
        ("mass_kg", mass_kg, (batch, count)),
        ("speed_m_s", speed_m_s, (batch, count, length)),
        ("impact_energy_j", impact_energy_j, (batch, count, length)),
    ):
        if tensor is not None and tuple(tensor.shape) != shape:
            raise InputError(f"{name} has shape {tuple(tensor.shape)}, expected {shape}")
    negative = mass_kg[valid & (mass_kg < 0)]
    if negative.numel():
        raise InputError(f"masses must be 0 kg or more, got {negative[0].item():g}")
    if impact_energy_j is not None:
        negative = impact_energy_j[valid[:, :, None] & (impact_energy_j < 0)]
        if negative.numel():
            raise InputError(f"impact_energy_j must be 0 or more, got {negative[0].item():g}")


def check_positive(**numbers: float) -> None:
    """Check options that must be above 0.

    Raises:
        ConfigurationError: Some are not: all are named.
    """
    wrong = {name: value for name, value in numbers.items() if not value > 0}
    if wrong:
        listed = ", ".join(f"{name}={value!r}" for name, value in wrong.items())
        raise ConfigurationError(f"these options must be above 0: {listed}")
