"""ComponentRef: which component made something."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ComponentRef"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentRef:
    """Which component made something: enough to find it again.

    Attributes:
        kind: Slot or kind ("mass_estimator").
        name: Registered name, or the class name of an object that was passed in.
        distribution: Distribution that registers it, or "" for an object that was passed in.
        version: Version of that distribution, or "".
        config: JSON-able settings.
        licence: SPDX expression or a short text, "" when unknown.
    """

    kind: str
    name: str
    distribution: str = ""
    version: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    licence: str = ""

    @property
    def qualified_name(self) -> str:
        """``distribution/name``, or the bare name of an unregistered object."""
        return f"{self.distribution}/{self.name}" if self.distribution else self.name

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "kind": self.kind,
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
            "config": dict(self.config),
            "licence": self.licence,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ComponentRef:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
        """
        where = "component reference"
        data = _json.mapping(data, where)
        return cls(
            kind=_json.text(_json.required(data, "kind", where), "kind"),
            name=_json.text(_json.required(data, "name", where), "name"),
            distribution=_json.text(data.get("distribution", ""), "distribution"),
            version=_json.text(data.get("version", ""), "version"),
            config=dict(_json.mapping(data.get("config", {}), "config")),
            licence=_json.text(data.get("licence", ""), "licence"),
        )
