"""What the extractors of the core share: a network with weights from the cache, loaded on first use."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch

from pavas_sdk.errors import ConfigurationError, MissingWeightsError
from pavas_sdk.interfaces import ComponentConfig, MetricExtractor
from pavas_sdk.released.component_record import ComponentRecord
from pavas_sdk.released.metric_models import network_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["RANDOM_TINY", "NetworkConfig", "NetworkExtractor", "fill_at_random", "to_numpy"]

RANDOM_TINY = "random-tiny"
"""In place of weights: a tiny network with random ones. Its answers mean nothing; it is for tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkConfig(ComponentConfig):
    """Settings of a network extractor.

    Attributes:
        weights: "" for the cache (``pavas models download``), or `RANDOM_TINY`.
    """

    weights: str = ""

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Other weights.
        """
        if self.weights not in ("", RANDOM_TINY):
            raise ConfigurationError(f"weights must be '' or {RANDOM_TINY!r}, got {self.weights!r}")


class NetworkExtractor(MetricExtractor):
    """An extractor of one or several networks of `pavas_sdk.released.metric_networks`.

    Attributes:
        networks: Their names; `network` returns each.
    """

    config_class: ClassVar[type[ComponentConfig]] = NetworkConfig
    contract_options: ClassVar[Mapping[str, Any]] = MappingProxyType({"weights": RANDOM_TINY})
    networks: ClassVar[tuple[str, ...]]

    _loaded: dict[str, Any] | None = None
    _device: Any = None

    @property
    def config(self) -> NetworkConfig:
        """The frozen settings."""
        return cast("NetworkConfig", self._config)

    def to(self, device: Any = None, dtype: Any = None) -> Self:
        """Move to a device. Features are defined in float32: ``dtype`` is ignored."""
        del dtype
        if device is not None:
            self._device = device
            for network in (self._loaded or {}).values():
                network.to(device)
        return self

    def unload(self) -> None:
        """Free the networks; the next use loads them again."""
        self._loaded = None

    def check_ready(self) -> None:
        """Raise if weights are missing.

        Raises:
            MissingWeightsError: With file, size, licence and what to type.
        """
        if not self.config.weights:
            for name in self.networks:
                network_folder(name)

    def weights_digest(self) -> str:
        """Return the SHA-256 of the digests of all converted weights."""
        if self.config.weights:
            digests = [RANDOM_TINY]
        else:
            records = [ComponentRecord.read(network_folder(name)) for name in self.networks]
            digests = [str(record.weights["sha256"]) for record in records]
        return hashlib.sha256("\n".join(digests).encode()).hexdigest()

    def network(self, name: str = "") -> Any:
        """Return a network in evaluation mode, loaded on first use.

        Args:
            name: One of `networks`; "" for the first.

        Raises:
            MissingWeightsError: Its weights are not on this machine.
        """
        name = name or self.networks[0]
        loaded = self._loaded if self._loaded is not None else {}
        if name not in loaded:
            if self.config.weights:
                with torch.random.fork_rng(devices=[]):  # what is drawn first is not used
                    network = self.tiny_network(name)
                self.fill(network)
            else:
                network = self.load(name, network_folder(name))
            loaded[name] = network.float().eval().requires_grad_(False)
            if self._device is not None:
                loaded[name].to(self._device)
        self._loaded = loaded
        return loaded[name]

    @abstractmethod
    def tiny_network(self, name: str) -> Any:
        """Return a small untrained network of the same class."""

    def fill(self, network: Any, seed: int = 0) -> None:
        """Give a small network random weights, the same for the same seed on every machine."""
        fill_at_random(network, seed)

    def load(self, name: str, folder: Path) -> Any:
        """Return the network that lies converted in ``folder``."""
        from pavas_sdk import models

        module = getattr(models, ComponentRecord.read(folder).network[1], None)
        if module is None:
            raise MissingWeightsError(f"{folder} holds no network of pavas_sdk.models")
        return module.from_pretrained(folder)

    def tensor(self, batch: NDArray[Any]) -> Tensor:
        """Return a prepared batch on the device."""
        return torch.from_numpy(batch).to(self._device or "cpu")


def fill_at_random(network: torch.nn.Module, seed: int = 0) -> None:
    """Give a network weights of moderate size, the same for the same seed on every machine."""
    generator = torch.Generator().manual_seed(seed)
    for name, values in network.state_dict().items():
        if not values.is_floating_point():
            continue
        numbers = torch.randn(values.shape, generator=generator)
        if values.ndim == 0:
            continue  # a temperature, a counter
        if values.ndim == 1:
            around = 0.0 if name.endswith(("bias", "running_mean")) else 1.0
            numbers = around + 0.1 * numbers
        else:
            numbers = numbers / max(1.0, float(values[0].numel()) ** 0.5)
        values.copy_(numbers)


def to_numpy(values: Tensor) -> NDArray[np.float32]:
    """Return a result as float32 of numpy."""
    return values.float().cpu().numpy()
