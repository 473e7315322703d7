"""The noise from which a sound is made: drawn, or given."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from diffusers.utils.torch_utils import randn_tensor

from pavas_sdk.errors import InputError
from pavas_sdk.pipelines.noise_temperature import temperature_factors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

__all__ = ["initial_latents"]


def initial_latents(
    shape: tuple[int, int, int],
    *,
    generator: torch.Generator | None,
    latents: Tensor | None,
    device: torch.device,
    temperature: float | Mapping[str, float] = 1.0,
) -> Tensor:
    """Return the initial noise, float32 of ``shape`` on ``device``.

    Args:
        shape: (1, N, C).
        generator: Source of the noise; it is drawn on its device.
        latents: Use these, (N, C) or (1, N, C), instead.
        device: Of the result.
        temperature: What drawn noise is multiplied by, see `temperature_factors`; given ``latents``
            stay as they are.

    Raises:
        InputError: ``latents`` has another shape.
    """
    if latents is not None:
        given = latents[None] if latents.ndim == 2 else latents
        if tuple(given.shape) != shape:
            raise InputError(
                f"latents have shape {tuple(latents.shape)}, expected {shape} for this video"
            )
        return given.to(device=device, dtype=torch.float32)
    # Without a generator, too, noise is drawn on the CPU: one seed, one noise on every device.
    drawn_on = torch.device("cpu") if generator is None else generator.device
    noise: Tensor = randn_tensor(shape, generator, device=drawn_on, dtype=torch.float32)
    return noise.to(device) * temperature_factors(temperature, shape[2]).to(device)
