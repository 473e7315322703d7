"""``pavas.json`` of a saved pipeline: who made each component, of which official file."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data.component_ref import ComponentRef
from pavas_sdk.data.documents import read_document
from pavas_sdk.data.files import write_text
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PipelineOrigins"]

_FILE_NAME = "pavas.json"
_FORMAT = "pavas.pipeline"
_NEWEST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PipelineOrigins:
    """Where the components of a saved pipeline come from.

    Attributes:
        components: Who made each component, by slot.
        sources: Of components that were converted, by slot: ``official`` (repository, path,
            licence and SHA-256 of the file) and ``weights`` (SHA-256, size and dtype as written).
        pavas_sdk_version: Version that wrote it.
    """

    components: Mapping[str, ComponentRef] = field(default_factory=dict)
    sources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pavas_sdk_version: str = ""

    @classmethod
    def read(cls, folder: Path) -> PipelineOrigins:
        """Read them from the folder of a pipeline; one without the file says nothing.

        Raises:
            FormatError: The file is malformed, or newer than this version reads.
        """
        path = folder / _FILE_NAME
        if not path.is_file():
            return cls()
        data = read_document(
            path, format_name=_FORMAT, newest=_NEWEST, what="description of a saved pipeline"
        )
        try:
            components = _json.mapping(data.get("components", {}), "components")
            sources = _json.mapping(data.get("sources", {}), "sources")
            return cls(
                components={slot: ComponentRef.from_json(ref) for slot, ref in components.items()},
                sources={slot: _json.mapping(source, slot) for slot, source in sources.items()},
                pavas_sdk_version=_json.text(
                    data.get("pavas_sdk_version", ""), "pavas_sdk_version"
                ),
            )
        except FormatError as err:
            raise FormatError(f"{path}: {err}") from err

    def write(self, folder: Path) -> None:
        """Write them into the folder of a pipeline, in place of what was there.

        Raises:
            OutputError: The file cannot be written.
        """
        document = {
            "format": _FORMAT,
            "format_version": _NEWEST,
            "pavas_sdk_version": self.pavas_sdk_version,
            "components": {slot: ref.to_json() for slot, ref in self.components.items()},
        }
        if self.sources:
            document["sources"] = {slot: dict(source) for slot, source in self.sources.items()}
        text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False) + "\n"
        write_text(folder / _FILE_NAME, text, overwrite=True)
