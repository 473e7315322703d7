"""The released MMAudio models: names, sizes and licences, each written once. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MMAUDIO_LICENCE", "MMAUDIO_LICENCES", "MMAUDIO_MODELS", "MMAudioModel"]

_RATES = {"16k": "16 kHz", "44k": "44.1 kHz"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MMAudioModel:
    """One released model.

    Attributes:
        size: Of the flow network: "small", "medium" or "large".
        mode: Of codec and vocoder: "16k" or "44k".
        parameters: Numbers in the flow network, with the tables that its file holds.
        version: 1, or 2 where a second one was published.
    """

    size: str
    mode: str
    parameters: int
    version: int = 1

    @property
    def variant(self) -> str:
        """Name of the flow network, as in its official file: ``large_44k_v2``."""
        return f"{self.size}_{self.mode}" + (f"_v{self.version}" if self.version > 1 else "")

    @property
    def preset(self) -> str:
        """Name that `PavasPipeline.from_pretrained` takes: ``mmaudio-large-44k-v2``."""
        return f"mmaudio-{self.variant.replace('_', '-')}"

    @property
    def summary(self) -> str:
        """One line for listings."""
        millions = self.parameters / 1e6
        count = f"{millions:.0f} M" if millions < 1000 else f"{millions / 1000:.2f} B"
        second = ", second version" if self.version > 1 else ""
        return f"MMAudio, {count} parameters, {_RATES[self.mode]}{second}"


MMAUDIO_MODELS: Mapping[str, MMAudioModel] = MappingProxyType(
    {
        model.variant: model
        for model in (
            MMAudioModel(size="small", mode="16k", parameters=157_283_644),
            MMAudioModel(size="small", mode="44k", parameters=157_409_144),
            MMAudioModel(size="medium", mode="44k", parameters=621_805_944),
            MMAudioModel(size="large", mode="44k", parameters=1_030_002_168),
            MMAudioModel(size="large", mode="44k", parameters=1_030_575_608, version=2),
        )
    }
)
"""The released models by variant, smallest first."""

MMAUDIO_LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "transformer": "CC-BY-NC-4.0",
        "vae": "CC-BY-NC-4.0",
        "vocoder": "MIT",
        "clip": "LicenseRef-Apple-AMLR-research-only",
        "sync_encoder": "MIT",
    }
)
"""Licence of the weights in each slot, the same in all five (SPDX, or ``LicenseRef-...``)."""

MMAUDIO_LICENCE = " AND ".join(sorted(set(MMAUDIO_LICENCES.values())))
"""Licence of all weights together."""
