"""Which contacts count as impacts: contacts of one moment merged, the isolated ones kept.

A box that lands on an edge touches several times within milliseconds and is heard once; and a level
or an onset belongs to one impact only if no other falls into the same window. So contacts within
30 ms are one event (at the time of the strongest), and an event counts when no comparable one is
within 150 ms. One whose energy is below a hundredth is not comparable: it is some 14 dB quieter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pavas_sdk.data import Contact

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

__all__ = ["isolated", "merge_contacts"]

MERGE_S = 0.03
APART_S = 0.15
NEGLIGIBLE = 0.01


def merge_contacts(contacts: Iterable[Contact], *, within_s: float = MERGE_S) -> list[Contact]:
    """Return one event per moment, in order of time.

    A chain of contacts, each within ``within_s`` of the one before, becomes its strongest member
    with the energies of all added up.
    """
    chains: list[list[Contact]] = []
    for contact in sorted(contacts, key=lambda entry: entry.time_s):
        if chains and contact.time_s - chains[-1][-1].time_s <= within_s:
            chains[-1].append(contact)
        else:
            chains.append([contact])
    return [_merged(chain) for chain in chains]


def _merged(chain: list[Contact]) -> Contact:
    known = [entry for entry in chain if not np.isnan(entry.energy_change_j)]
    if len(known) < len(chain):
        return chain[0]
    strongest = max(known, key=lambda entry: entry.energy_change_j)
    return Contact(
        time_s=strongest.time_s,
        object_id=strongest.object_id,
        energy_change_j=float(sum(entry.energy_change_j for entry in known)),
    )


def isolated(
    events: Sequence[Contact], *, apart_s: float = APART_S, negligible: float = NEGLIGIBLE
) -> NDArray[np.bool_]:
    """Return which events have no comparable one within ``apart_s``, (E,).

    Args:
        events: From `merge_contacts`.
        apart_s: Least distance.
        negligible: Others below this share of an event's energy do not disturb it. Unknown
            energies are comparable with everything.
    """
    times = np.asarray([event.time_s for event in events])
    energy = np.asarray([event.energy_change_j for event in events])
    near = np.abs(times[:, None] - times[None]) < apart_s
    np.fill_diagonal(near, False)
    disturbs = ~(energy[None] < negligible * energy[:, None])
    return np.asarray(~(near & disturbs).any(axis=1))
