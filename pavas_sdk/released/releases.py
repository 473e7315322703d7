"""What a release consists of: official files, and the network that each belongs to. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from pavas_sdk.released.tensor_names import LazyTensor

__all__ = ["OfficialFile", "PublishedFile", "Release", "ReleasedComponent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialFile:
    """A file as its authors publish it.

    Attributes:
        repository: ``owner/name`` on the Hugging Face Hub.
        path: Path of the file in it.
        size_bytes: About its size, for messages before it is there.
        licence: Of the weights in it (SPDX, or ``LicenseRef-...``).
    """

    repository: str
    path: str
    size_bytes: int
    licence: str

    @property
    def name(self) -> str:
        """Its name without folders."""
        return self.path.rpartition("/")[2]

    @property
    def url(self) -> str:
        """Page of the repository, for people."""
        return f"https://huggingface.co/{self.repository}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedFile(OfficialFile):
    """A file that is not on the Hub; ``repository`` is then that of its authors.

    Attributes:
        page: Where people get it.
        address: Of the file itself.
    """

    page: str
    address: str

    @property
    def url(self) -> str:
        """Page of the file, for people."""
        return self.page


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedComponent:
    """One component of a pipeline and the official file that holds its weights.

    Attributes:
        name: Unique name, also of its folder in the cache; components of the same name are
            shared by several releases.
        slot: Argument of `PavasPipeline` that it fills.
        file: Where its weights are published.
        build: Returns the untrained network, a ``ModelMixin``; called on the meta device.
        translate: Official tensors by name to ours by name; what it does not know passes through
            unchanged, so that it is reported.
    """

    name: str
    slot: str
    file: OfficialFile
    build: Callable[[], Any]
    translate: Callable[[Mapping[str, Tensor]], Mapping[str, LazyTensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A released model: everything that a pipeline is made of.

    Attributes:
        name: Name of the preset.
        summary: One line for listings.
        components: In the order in which they are converted.
        settings: Settings of `PavasPipeline` (rates, steps, guidance).
        schedulers: ``(module, class)`` of components without weights, by slot.
    """

    name: str
    summary: str
    components: tuple[ReleasedComponent, ...]
    settings: Mapping[str, Any]
    schedulers: Mapping[str, tuple[str, str]] = field(
        default_factory=lambda: {"scheduler": ("pavas_sdk.models", "FlowMatchEuler")}
    )

    @property
    def licence(self) -> str:
        """Licence of all weights together."""
        return " AND ".join(sorted({part.file.licence for part in self.components}))

    @property
    def download_bytes(self) -> int:
        """About the size of all official files."""
        return sum(part.file.size_bytes for part in self.components)
