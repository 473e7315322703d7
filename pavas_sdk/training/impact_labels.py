"""Which contacts of a clip the impact detector is taught, and slot by slot what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pavas_sdk.training.targets import MIN_ENERGY_J, MIN_SHARE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["ClipContacts", "SlotLabels", "clip_contacts", "slot_labels"]

_SAME_MOMENT_S = 0.02
_NOTHING_J = 1e-7  # a weaker contact is taught as none, for nobody sees it
_BESIDE = 0.3  # of a slot beside one with an impact
_UNCERTAIN_SLOTS = 2  # to both sides of a contact that is not counted


class ClipContacts(NamedTuple):
    """Contacts of a clip, each the strongest within 20 ms, as `picture_facts` tells of them.

    Attributes:
        heard: Impacts.
        weak: Too weak to be heard beside the others: neither an impact nor none.
    """

    heard: list[Mapping[str, Any]]
    weak: list[Mapping[str, Any]]


class SlotLabels(NamedTuple):
    """What is taught of the slots of a row.

    Attributes:
        wanted: (J,), 1 in a slot with an impact, 0.3 beside it.
        counted: (J,), 0 near contacts that are neither impacts nor none.
    """

    wanted: NDArray[np.float32]
    counted: NDArray[np.float32]


def clip_contacts(contacts: Iterable[Mapping[str, Any]]) -> ClipContacts:
    """Return the contacts of a clip, those at one moment joined.

    Args:
        contacts: With ``time_s`` and ``energy_change_j``, see `picture_facts`.
    """
    ordered = sorted(contacts, key=lambda contact: float(contact["time_s"]))
    moments: list[list[Mapping[str, Any]]] = []
    for contact in ordered:
        if moments and contact["time_s"] - moments[-1][-1]["time_s"] <= _SAME_MOMENT_S:
            moments[-1].append(contact)
        else:
            moments.append([contact])
    strongest = [max(moment, key=lambda contact: contact["energy_change_j"]) for moment in moments]
    loudest_j = max((contact["energy_change_j"] for contact in strongest), default=0.0)
    least_j = max(MIN_ENERGY_J, MIN_SHARE * loudest_j)
    return ClipContacts(
        heard=[contact for contact in strongest if contact["energy_change_j"] >= least_j],
        weak=[
            contact for contact in strongest if _NOTHING_J < contact["energy_change_j"] < least_j
        ],
    )


def slot_labels(count: int, *, hits: Sequence[int], uncertain: Sequence[int]) -> SlotLabels:
    """Return what is taught of ``count`` slots.

    Args:
        count: J.
        hits: Slots with an impact; they count although they are beside an uncertain one.
        uncertain: Slots with a contact that is weak or outside the picture.
    """
    wanted = np.zeros(count, dtype=np.float32)
    counted = np.ones(count, dtype=np.float32)
    for slots, value in ((uncertain, 0.0), (hits, 1.0)):
        for slot in slots:
            counted[max(0, slot - _UNCERTAIN_SLOTS) : slot + _UNCERTAIN_SLOTS + 1] = value
    for slot in hits:
        around = slice(max(0, slot - 1), slot + 2)
        wanted[around] = np.maximum(wanted[around], _BESIDE)
    wanted[list(hits)] = 1.0
    return SlotLabels(wanted=wanted, counted=counted)
