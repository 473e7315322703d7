"""What counts in the loss of the flow network: contacts, and longer and more where things ring."""

from __future__ import annotations

import numpy as np

from pavas_sdk.training.features import contact_weights
from pavas_sdk.training.store import ClipStore

LATENTS = 125


def test_latents_count_by_contacts_and_by_what_may_ring(store_folder):
    store = ClipStore(store_folder)
    weight = contact_weights(store, LATENTS)
    assert weight.shape == (len(store), store.config.takes, LATENTS)
    middle = (np.arange(LATENTS) + 0.5) / LATENTS * store.config.duration_s
    rings = 0
    for clip, fact in enumerate(store.facts):
        known = {"metal", "glass", "ceramic"} & {*fact["materials"], fact["surface"]}
        rings += bool(known)
        assert set(np.unique(weight[clip])) <= {1.0, 8.0 if known else 4.0}
        for take, row in enumerate(fact["takes"]):
            strong = np.array(row["energy_change_j"]) >= 0.1 * max(
                row["energy_change_j"], default=0
            )
            for time_s in np.array(row["times_s"])[strong]:
                near = (middle > time_s - 0.05) & (middle < time_s + 0.5)
                if max(row["energy_change_j"]) > 1e-3:
                    assert (weight[clip, take, near] > 1.0).all()
    assert 0 < rings < len(store)


def test_silence_counts_once(store_folder):
    store = ClipStore(store_folder)
    weight = contact_weights(store, LATENTS)
    middle = (np.arange(LATENTS) + 0.5) / LATENTS * store.config.duration_s
    for clip, fact in enumerate(store.facts):
        first_s = min((t for row in fact["takes"] for t in row["times_s"]), default=np.inf)
        assert (weight[clip][:, middle < first_s - 0.06] == 1.0).all()
