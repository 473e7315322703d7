"""What an object was found as in one window of a long video, so that it can be found again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pavas_sdk.data import _json
from pavas_sdk.data._validation import not_negative
from pavas_sdk.data.objects import MovingObject
from pavas_sdk.errors import PhysicsInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Sighting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """An object as the detector gave it in one window.

    Attributes:
        from_s: Where the window begins in the clip, seconds.
        object: Id, label, box and the box's time as they were in that window, whose times start at
            0: the id is the window's, not the clip's.
    """

    from_s: float
    object: MovingObject

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            PhysicsInputError: A window that begins before the clip.
        """
        from_s = not_negative("from_s of a sighting", self.from_s, error=PhysicsInputError)
        object.__setattr__(self, "from_s", from_s)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"from_s": self.from_s, "object": self.object.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sighting:
        """Read what `to_json` wrote.

        Raises:
            FormatError: A field is missing or of the wrong type.
            PhysicsInputError: A value is impossible.
        """
        data = _json.mapping(data, "a sighting")
        return cls(
            from_s=_json.number(_json.required(data, "from_s", "a sighting"), "from_s"),
            object=MovingObject.from_json(_json.required(data, "object", "a sighting")),
        )
