"""A saved pipeline: where it lies, what it names, and whether all of that may be loaded here.

Layout: diffusers' ``model_index.json`` and one folder per component, plus
``physics_estimator/config.json`` (slots by registry name) and ``pavas.json`` (who made what).
"""

from __future__ import annotations

import inspect
import os
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from pavas_sdk.data.documents import read_object
from pavas_sdk.data.paths import expanded
from pavas_sdk.data.pipeline_origins import PipelineOrigins
from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    WeightsError,
)
from pavas_sdk.physics import saved_slots
from pavas_sdk.pipelines.hub_folders import snapshot
from pavas_sdk.registry import MissingSlot, missing_plugins_error
from pavas_sdk.released.fastvideo import is_fastvideo, prepare_fastvideo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from pavas_sdk.data import ComponentRef
    from pavas_sdk.registry import RegisteredComponent, Registry

__all__ = ["HubOptions", "SavedPipeline", "resolve_folder"]

INDEX_NAME = "model_index.json"
ESTIMATOR_NAME = "physics_estimator/config.json"

_FOREIGN_LIBRARIES = ("diffusers", "transformers")
_PUBLIC_MODULES = ("pavas_sdk", "pavas_sdk.models")
_DOWNLOADED = ("*.json", "*.safetensors")


class HubOptions(TypedDict, total=False):
    """How the Hugging Face Hub is asked; see ``huggingface_hub.snapshot_download``."""

    cache_dir: str | Path | None
    force_download: bool
    local_files_only: bool
    token: str | bool | None
    revision: str | None


def resolve_folder(
    source: str | os.PathLike[str], *, registry: Registry, **hub_options: Unpack[HubOptions]
) -> Path:
    """Return the local folder of a saved pipeline.

    Args:
        source: A folder; the name of a registered ``pipeline`` (``pavas-tiny``); or a repository
            of the Hugging Face Hub (``owner/name``), of which only safetensors and JSON files are
            downloaded.
        registry: Where names are looked up.
        **hub_options: ``cache_dir, force_download, local_files_only, token, revision``.

    Raises:
        ComponentNotFoundError: No folder, and no registered pipeline of this name.
        WeightsError: The Hub has no such repository, or cannot be reached.
    """
    folder = expanded(source)
    if folder.is_dir():
        return _ours(folder)
    name = os.fspath(source)
    presets = registry.components("pipeline")
    qualified = {entry.qualified_name for entry in presets}
    if name.count("/") == 1 and name not in qualified and not name.startswith((".", "~", "/")):
        return _ours(snapshot(name, patterns=_DOWNLOADED, **hub_options))
    if name.count("/") > 1 or name.startswith((".", "~", "/")):
        raise WeightsError(
            f"there is no folder {name}; give the folder of a saved pipeline, a Hub repository "
            "(owner/name), or a preset: "
            + (", ".join(sorted(entry.name for entry in presets)) or "none is installed")
        )
    return _preset_folder(registry.get("pipeline", name), **hub_options)


def _ours(folder: Path) -> Path:
    """A neighbour's layout is brought into ours first."""
    return prepare_fastvideo(folder) if is_fastvideo(folder) else folder


def _preset_folder(entry: RegisteredComponent, **hub_options: Unpack[HubOptions]) -> Path:
    """Ask a preset for its folder; those that fetch files get the options of the Hub."""
    function = entry.load()
    known = inspect.signature(function).parameters
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    options = {name: value for name, value in hub_options.items() if takes_all or name in known}
    folder = function(**options)
    if folder is None:
        raise WeightsError(
            f"{entry.name} is not on this machine, and local_files_only=True forbids to fetch it; "
            f"type: pavas models download {entry.name}"
        )
    return Path(folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPipeline:
    """The documents of a saved pipeline, read but not yet trusted.

    Attributes:
        folder: Where it lies.
        components: ``(library, class)`` of each saved component.
        refs: Who made each component, as far as the pipeline says.
        estimator: Document of the physics estimator, or None when it has none.
    """

    folder: Path
    components: Mapping[str, tuple[str, str]]
    refs: Mapping[str, ComponentRef] = field(default_factory=dict)
    estimator: Mapping[str, object] | None = None

    @classmethod
    def read(cls, folder: Path) -> SavedPipeline:
        """Read the documents in ``folder``.

        Raises:
            WeightsError: It holds no saved pipeline, or one of another class.
            FormatError: A document is malformed or newer.
        """
        index_path = folder / INDEX_NAME
        if not index_path.is_file():
            raise WeightsError(
                f"{folder} holds no {INDEX_NAME}; give a folder that PavasPipeline.save_pretrained "
                "wrote"
            )
        index = read_object(index_path)
        if index.get("_class_name") != "PavasPipeline":
            raise WeightsError(
                f"{index_path} describes a {index.get('_class_name')!r}, expected 'PavasPipeline'"
            )
        components = {
            name: (str(value[0]), str(value[1]))
            for name, value in index.items()
            if not name.startswith("_")
            and isinstance(value, list)
            and len(value) == 2
            and all(isinstance(part, str) for part in value)
        }
        estimator_path = folder / ESTIMATOR_NAME
        return cls(
            folder=folder,
            components=components,
            refs=PipelineOrigins.read(folder).components,
            estimator=read_object(estimator_path) if estimator_path.is_file() else None,
        )

    def check(
        self, *, registry: Registry, replaced: frozenset[str], without_estimator: bool
    ) -> None:
        """Make sure that everything it names is installed and may be loaded.

        A component's class must be of diffusers, of transformers, a public one of pavas_sdk, or
        of a package whose distribution registers components: nothing else is ever imported.

        Args:
            registry: What is installed.
            replaced: Components and slots that the caller brings.
            without_estimator: The physics estimator's slots do not matter.

        Raises:
            MissingPluginError: Everything that is missing, at once.
            FormatError: The estimator's document is malformed.
        """
        missing = [
            self._missing_component(name, library, class_name)
            for name, (library, class_name) in self.components.items()
            if name not in replaced and not _may_load(library, class_name, registry)
        ]
        if not without_estimator:
            missing += self._missing_slots(registry, replaced)
        if not missing:
            return
        missing.sort(key=lambda slot: slot.slot)
        error = missing_plugins_error(missing, failures=registry.failures)
        if all(slot.soft for slot in missing):
            error = type(error)(
                f"{error}\n   loaded with: PavasPipeline.from_pretrained(path, "
                "physics_estimator=None)"
            )
        refused = sorted(
            {
                self.components[slot.slot][0]
                for slot in missing
                if slot.slot in self.components and _is_installed(self.components[slot.slot][0])
            }
        )
        if refused:
            error = type(error)(
                f"{error}\nInstalled, but no plugin that registers components, so never imported: "
                f"{', '.join(refused)}"
            )
        raise error

    def _missing_component(self, name: str, library: str, class_name: str) -> MissingSlot:
        ref = self.refs.get(name)
        top = library.split(".", maxsplit=1)[0]
        if ref is not None and ref.distribution == "pavas-sdk" and top != "pavas_sdk":
            # not what it is said to be of: nobody is told to install what such an index names
            named = f"{library}.{class_name}"
            return MissingSlot(slot=name, name=named, distribution="", version="", soft=False)
        return MissingSlot(
            slot=name,
            name=class_name if ref is None or not ref.distribution else ref.name,
            distribution=(ref.distribution if ref else "") or top.replace("_", "-"),
            version=ref.version if ref else "",
            soft=False,
        )

    def _missing_slots(self, registry: Registry, replaced: frozenset[str]) -> list[MissingSlot]:
        missing = []
        for slot, ref in saved_slots(self.estimator).items() if self.estimator else ():
            if slot in replaced:
                continue
            if ref.distribution:
                try:
                    registry.get(slot, ref.qualified_name)
                except (ComponentNotFoundError, ConfigurationError):
                    pass
                else:
                    continue
            missing.append(
                MissingSlot(
                    slot=slot,
                    name=ref.name,
                    distribution=ref.distribution,
                    version=ref.version,
                )
            )
        return missing


def _may_load(library: str, class_name: str, registry: Registry) -> bool:
    if library in _FOREIGN_LIBRARIES:
        return _is_installed(library)
    if library in _PUBLIC_MODULES:
        return class_name in import_module(library).__all__
    packages = {
        entry.spec.target.partition(":")[0].split(".")[0]
        for entry in registry.components()
        if entry.distribution != "override"
    }
    return library.split(".", maxsplit=1)[0] in packages - {"pavas_sdk"}


def _is_installed(library: str) -> bool:
    top = library.split(".", maxsplit=1)[0]
    return top.isidentifier() and find_spec(top) is not None
