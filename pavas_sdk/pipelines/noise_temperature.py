"""How warm the noise is that a sound begins with: one number, or one from a latent channel on.

Below 1, sounds of several seeds differ less and levels are surer; above 1 there is more of what a small
network makes too little of. In a codec whose channels are ordered by how much they vary
(`LinearMelCodec`) the first few are loudness and tilt of the spectrum, the others its fine structure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["HIGHEST", "checked_temperature", "temperature_factors"]

HIGHEST = 2.0


def checked_temperature(value: float | Mapping[str, float]) -> float | dict[str, float]:
    """Return a temperature as it stands in a pipeline's settings, JSON values.

    Args:
        value: Of all channels; or by the first channel it holds for, 0 among them:
            ``{"0": 0.95, "4": 1.1}``.

    Raises:
        ConfigurationError: A temperature outside (0, 2], no channel 0, or no channel.
    """
    if not isinstance(value, Mapping):
        return _checked(value)
    try:
        named = {int(channel): float(one) for channel, one in value.items()}
    except (TypeError, ValueError) as err:
        raise ConfigurationError(
            f"noise_temperature takes channels and temperatures, got {dict(value)!r}"
        ) from err
    if min(named, default=-1) != 0:
        raise ConfigurationError(
            f"noise_temperature by channel begins with channel 0, got {dict(value)!r}; "
            'for instance {"0": 0.95, "4": 1.1}'
        )
    return {str(channel): _checked(named[channel]) for channel in sorted(named)}


def temperature_factors(value: float | Mapping[str, float], channels: int) -> Tensor:
    """Return what the noise of each channel is multiplied by, float32 (C,).

    Args:
        value: As `checked_temperature` returns it.
        channels: C; what is said of channels beyond it holds for none.
    """
    if not isinstance(value, Mapping):
        return torch.full((channels,), float(value))
    factors = torch.empty(channels)
    for channel, one in sorted((int(channel), one) for channel, one in value.items()):
        factors[channel:] = one
    return factors


def _checked(value: float) -> float:
    if not 0.0 < value <= HIGHEST:
        raise ConfigurationError(
            f"noise_temperature must be above 0 and at most {HIGHEST:g}, got {value}"
        )
    return float(value)
