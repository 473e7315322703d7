"""``source.json`` of a converted component: which official file it was, and what was written. No torch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk import __version__
from pavas_sdk.data.documents import read_document
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CONVERTER_VERSION", "WEIGHTS_NAME", "ComponentRecord"]

CONVERTER_VERSION = 1
"""Raised when the same official file would be converted to something else: cached folders of
another version are converted again."""

WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
"""Name of the weights file, as diffusers has it."""

_FILE_NAME = "source.json"
_FORMAT = "pavas.released_component"
_NEWEST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRecord:
    """What is known of a converted component.

    Attributes:
        component: Its unique name.
        network: Public module and class of its network.
        official: Repository, path, licence and SHA-256 of the official file.
        weights: SHA-256, size and dtype of the written weights.
        converter_version: Of the conversion.
    """

    component: str
    network: tuple[str, str]
    official: Mapping[str, Any]
    weights: Mapping[str, Any]
    converter_version: int = CONVERTER_VERSION

    @classmethod
    def read(cls, folder: Path) -> ComponentRecord:
        """Read the record in a component's folder.

        Raises:
            FormatError: It is not there, malformed, or newer than this version reads.
        """
        path = folder / _FILE_NAME
        data = read_document(
            path, format_name=_FORMAT, newest=_NEWEST, what="record of a converted component"
        )
        try:
            module, name = data["class"]
            return cls(
                component=data["component"],
                network=(str(module), str(name)),
                official=dict(data["official"]),
                weights=dict(data["weights"]),
                converter_version=data["converter_version"],
            )
        except (KeyError, TypeError, ValueError) as err:
            raise FormatError(f"{path} is malformed: {type(err).__name__}: {err}") from err

    @classmethod
    def of_whole(cls, folder: Path, component: str) -> ComponentRecord | None:
        """Return the record of ``component``, or None when ``folder`` is not whole or is another's."""
        try:
            record = cls.read(folder)
            whole = (
                record.component == component
                and record.converter_version == CONVERTER_VERSION
                and record.weights.get("size_bytes") == (folder / WEIGHTS_NAME).stat().st_size
                and (folder / "config.json").is_file()
            )
        except (FormatError, OSError):
            return None
        return record if whole else None

    def write(self, folder: Path) -> None:
        """Write the record into a component's folder.

        Raises:
            OSError: The file cannot be written.
        """
        document = {
            "format": _FORMAT,
            "format_version": _NEWEST,
            "component": self.component,
            "class": list(self.network),
            "official": dict(self.official),
            "weights": dict(self.weights),
            "converter_version": self.converter_version,
            "pavas_sdk_version": __version__,
        }
        (folder / _FILE_NAME).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
