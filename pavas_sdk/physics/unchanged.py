"""What components are given is theirs to read: a change in place is noticed."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from pavas_sdk.errors import ContractError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from pavas_sdk.data import MaskTrack, MovingObject

__all__ = ["read_only", "unchanged"]


def read_only(masks: Mapping[int, MaskTrack]) -> Mapping[int, MaskTrack]:
    """Return a view of masks by id to which nothing can be added and from which nothing goes."""
    return MappingProxyType(dict(masks))


@contextmanager
def unchanged(
    objects: Sequence[MovingObject], masks: Mapping[int, MaskTrack], *, who: str
) -> Iterator[None]:
    """Make sure that a component leaves objects and masks as they are.

    Args:
        objects: What it is given.
        masks: What it is given.
        who: The component, for the message.

    Raises:
        ContractError: It changed them in place.
    """
    before = _digest(objects, masks)
    yield
    changed = [name for name, value in _digest(objects, masks).items() if value != before[name]]
    if changed:
        raise ContractError(
            f"{who} changed the {' and '.join(changed)} that it was given; a component reads them, "
            "and works on copies of its own (mask.copy())"
        )


def _digest(
    objects: Sequence[MovingObject], masks: Mapping[int, MaskTrack]
) -> dict[str, list[object]]:
    return {
        "objects": [
            (thing.object_id, thing.label, thing.action, thing.score, thing.box)
            for thing in objects
        ],
        "masks": [
            (key, _checksum(track.masks), _checksum(track.times_s)) for key, track in masks.items()
        ],
    }


def _checksum(array: NDArray[Any]) -> int:
    return zlib.crc32(np.ascontiguousarray(array).data)
