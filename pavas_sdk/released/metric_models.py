"""What ``pavas models`` lists and fetches for the metrics: networks by the file that holds them. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from pavas_sdk.errors import MissingWeightsError, WeightsError
from pavas_sdk.released.clap import CLAP, CLAP_UNFUSED
from pavas_sdk.released.component_cache import converted_component, kept_component
from pavas_sdk.released.metric_networks import METRIC_NETWORKS, find_official
from pavas_sdk.released.official_files import download, where_to_put

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pavas_sdk.released.releases import ReleasedComponent

__all__ = ["METRIC_MODELS", "MetricModel", "NetworksOfAFile", "network_folder", "what_is_missing"]


class MetricModel(Protocol):
    """Weights that a metric needs, by the name under which they are fetched."""

    @property
    def name(self) -> str:
        """For ``pavas models download``."""

    @property
    def summary(self) -> str:
        """One line for listings."""

    @property
    def licence(self) -> str:
        """Licence of the weights."""

    @property
    def download_bytes(self) -> int:
        """About the size of the official files."""

    @property
    def official_file(self) -> str:
        """Name of the official file."""

    @property
    def page(self) -> str:
        """Where people get it."""

    def folder(self) -> Path | None:
        """Return where the converted weights are; None where they are not."""

    def prepare(
        self, source: Path | None = None, *, say: Callable[[str], None], **hub_options: Any
    ) -> Path:
        """Fetch (or find in ``source``) and convert, and return the folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworksOfAFile:
    """One official file, and the networks whose weights are in it.

    Attributes:
        name: For ``pavas models download``.
        summary: One line for listings.
        networks: All of the same file.
    """

    name: str
    summary: str
    networks: tuple[ReleasedComponent, ...]

    @property
    def licence(self) -> str:
        """Licence of the weights."""
        return self.networks[0].file.licence

    @property
    def download_bytes(self) -> int:
        """About the size of the file."""
        return self.networks[0].file.size_bytes

    @property
    def official_file(self) -> str:
        """Its name."""
        return self.networks[0].file.name

    @property
    def page(self) -> str:
        """Where people get it."""
        return self.networks[0].file.url

    def folder(self) -> Path | None:
        """Return the folder of the first network when all are converted, else None."""
        folders = [kept_component(part) for part in self.networks]
        return folders[0] if all(folders) else None

    def prepare(
        self, source: Path | None = None, *, say: Callable[[str], None], **hub_options: Any
    ) -> Path:
        """Convert the networks once, into the cache folder, and return the folder of the first.

        Args:
            source: A folder with the official file; None: it is fetched.
            say: Gets a line about each step.
            **hub_options: ``cache_dir, force_download, token`` for the Hub.

        Raises:
            WeightsError: The file is missing, damaged or wrong, or cannot be fetched.
            OutputError: The cache folder cannot be written.
        """
        given = None if source is None else find_official(self.networks[0].file, source)
        if source is not None and given is None:
            raise WeightsError(
                f"{source} lacks {self.official_file}; "
                + where_to_put(self.networks[:1], self.name, source)
            )
        fetch = cache(lambda: self._fetch(say, hub_options))  # once for all networks of the file
        folders = [
            converted_component(
                part,
                given,
                fetch=fetch,
                known=[other for other in METRIC_NETWORKS.values() if other.name != part.name],
                say=lambda line: say(f"{self.name}: {line.partition(': ')[2]}"),
            )
            for part in self.networks
        ]
        return folders[0]

    def _fetch(self, say: Callable[[str], None], hub_options: dict[str, Any]) -> Path:
        part = self.networks[0]
        say(f"{self.name}: {part.file.path} ({part.file.size_bytes / 1e9:.2f} GB)")
        try:
            return download(part, preset=self.name, **hub_options)
        except WeightsError as err:
            raise WeightsError(f"{err}; {where_to_put([part], self.name)}") from err


def _of(name: str, summary: str, *networks: str) -> NetworksOfAFile:
    parts = tuple(METRIC_NETWORKS[network] for network in networks or (name,))
    return NetworksOfAFile(name=name, summary=summary, networks=parts)


METRIC_MODELS: Mapping[str, MetricModel] = MappingProxyType(
    {
        model.name: model
        for model in (
            _of("panns-cnn14-16k", "FD_PANNs, KL_PANNs, IS"),
            _of("vggish", "FD_VGG"),
            _of("passt-s", "FD_PaSST, KL_PaSST"),
            _of(
                "synchformer",
                "DeSync",
                "synchformer-audio",
                "synchformer-video",
                "synchformer-comparison",
            ),
            CLAP,
            CLAP_UNFUSED,
        )
    }
)
"""By the name for ``pavas models download``."""


def prepare_from(folder: Path, *, say: Callable[[str], None]) -> None:
    """Convert whatever official files of metrics are in a folder, unless that was done before.

    Args:
        folder: Files under their published names; CLAP's repositories in
            the subfolders ``clap`` and ``clap-unfused``.
        say: Gets a line about each step.

    Raises:
        WeightsError: There is no such folder, or a file is damaged or wrong.
        OutputError: The cache folder cannot be written.
    """
    if not folder.is_dir():
        raise WeightsError(f"there is no folder {folder}")
    for model in METRIC_MODELS.values():
        if isinstance(model, NetworksOfAFile):
            if find_official(model.networks[0].file, folder) is not None:
                model.prepare(folder, say=say)
        elif (folder / model.name / "config.json").is_file():
            model.prepare(folder / model.name, say=say)


def network_folder(name: str) -> Path:
    """Return the folder of a converted network of `METRIC_NETWORKS`.

    Raises:
        MissingWeightsError: It is not on this machine: file, size, licence and what to type.
    """
    folder = kept_component(METRIC_NETWORKS[name])
    if folder is not None:
        return folder
    model = next(
        model
        for model in METRIC_MODELS.values()
        if isinstance(model, NetworksOfAFile) and METRIC_NETWORKS[name] in model.networks
    )
    raise MissingWeightsError(what_is_missing(model))


def what_is_missing(model: MetricModel) -> str:
    """Say which file is missing, where it is published, and what to type."""
    return (
        f"{model.official_file} is missing ({model.download_bytes / 1e9:.2f} GB, {model.licence}, "
        f"{model.page}); type: pavas models download {model.name}, or with the file in a folder of "
        f"yours: pavas models download {model.name} --from DIR"
    )
