"""Everything the flow network sees of a clip, computed once by the frozen encoders and codec.

The adapter sums patch features under each object's mask (PAVAS Eq. 4). That sum does not change
during training, so it is what is stored: instead of a P x P grid per frame, one vector per object.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data.files import replacing
from pavas_sdk.training.encoders import training_device
from pavas_sdk.training.targets import audible_contacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.models import LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
    from pavas_sdk.training.store import ClipStore

__all__ = ["FeatureBank", "PhysicsSet", "contact_weights", "masked_sums", "write_features"]

logger = logging.getLogger(__name__)
_BEFORE_S, _AFTER_S = 0.05, 0.5
_RINGING = frozenset(("ceramic", "glass", "metal"))
_NAMES = (
    "pooled",
    "sync",
    "objects",
    "visible",
    "estimated_objects",
    "estimated_visible",
    "latents",
    "text",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhysicsSet:
    """Objects of clips as the adapter is given them, true or estimated.

    Attributes:
        objects: float16, (n, K, T, D_p), masked sums of patch features.
        visible: bool, (n, K, T).
        mass_kg: float32, (n, V, K); NaN = unknown.
        speed_m_s: float32, (n, V, K, T); NaN = missing.
        impact_energy_j: float32, (n, V, K, T), kinetic-energy change by impacts; NaN = unknown.
        valid: bool, (n, K).
    """

    objects: NDArray[np.float16]
    visible: NDArray[np.bool_]
    mass_kg: NDArray[np.float32]
    speed_m_s: NDArray[np.float32]
    impact_energy_j: NDArray[np.float32]
    valid: NDArray[np.bool_]


def masked_sums(patches: Tensor, masks: NDArray[np.float32]) -> Tensor:
    """Return sum over the grid of mask times patch feature, (K, T, D_p) (Eq. 4).

    Args:
        patches: (T, P, P, D_p).
        masks: (K, T, P, P), share of each cell.
    """
    return torch.einsum("ktpq,tpqd->ktd", torch.tensor(masks, device=patches.device), patches)


def contact_weights(
    store: ClipStore, latents: int, *, around: float = 4.0, ringing: float = 2.0
) -> NDArray[np.float32]:
    """Return the weight of each latent in the loss, (n, V, latents).

    Nine latents in ten hold silence; those from 50 ms before to 500 ms after an audible contact
    count ``around`` times as much, contacts of the picture that an edited take leaves out
    included: what is heard there instead, nothing, is as much of a lesson. Where metal, glass or
    ceramic may ring, they count ``ringing`` times as much again: fine lines that last are what a small
    network learns last. The weight follows from the conditions and not from how loud a contact is:
    what the network learns to expect stays unbiased.
    """
    takes = store.config.takes
    weight = np.ones((len(store), takes, latents), dtype=np.float32)
    middle = (np.arange(latents) + 0.5) / latents * store.config.duration_s
    for clip, fact in enumerate(store.facts):
        heard = [audible_contacts(row["times_s"], row["energy_change_j"]) for row in fact["takes"]]
        for take, own in enumerate(heard):
            since = middle[:, None] - np.concatenate([own, heard[0]])[None]
            near = ((since > -_BEFORE_S) & (since < _AFTER_S)).any(axis=1)
            weight[clip, take, near] = around * (ringing if _may_ring(fact) else 1.0)
    return weight


def _may_ring(fact: Mapping[str, Any]) -> bool:
    return bool(_RINGING.intersection((*fact["materials"], fact["surface"])))


@torch.no_grad()
def write_features(
    store: ClipStore,
    visual: TinyVisualEncoder,
    sync: TinySyncEncoder,
    codec: LinearMelCodec,
    path: Path,
    *,
    clips: Sequence[int] | None = None,
) -> None:
    """Encode clips (all by default) and write one ``.npz`` with an array per kind of feature."""
    device = training_device()
    for network in (visual, sync, codec):
        network.to(device)
    rows: dict[str, list[NDArray[Any]]] = {name: [] for name in _NAMES}
    for count, clip in enumerate(range(len(store)) if clips is None else clips):
        frames = torch.tensor(np.asarray(store.get("frames", clip)), device=device)
        pixels = frames.permute(0, 3, 1, 2).float() / 255.0
        grey = torch.tensor(np.asarray(store.get("grey", clip)), device=device).float() / 255.0
        seen = visual.encode_image(pixels)
        masks, guessed = (
            np.asarray(store.get(name, clip), dtype=np.float32) / 255.0
            for name in ("masks", "estimated_masks")
        )
        mel = torch.tensor(np.asarray(store.get("mel", clip), dtype=np.float32), device=device)
        prompts = [take["prompt"] for take in store.facts[clip]["takes"]]
        values = {
            "pooled": seen.pooled,
            "sync": sync.encode_grey(grey),
            "objects": masked_sums(seen.patches, masks),
            "visible": torch.tensor(masks.sum(axis=(2, 3)) > 0),
            "estimated_objects": masked_sums(seen.patches, guessed),
            "estimated_visible": torch.tensor(guessed.sum(axis=(2, 3)) > 0),
            "latents": codec.encode(mel).mean.transpose(1, 2),
            "text": visual.encode_text(prompts),
        }
        for name, value in values.items():
            kept = value.cpu().numpy()
            rows[name].append(kept if kept.dtype == np.bool_ else kept.astype(np.float16))
        if count % 250 == 0:
            logger.info("features of %d clips", count)
    for network in (visual, sync, codec):
        network.cpu()
    path.parent.mkdir(parents=True, exist_ok=True)
    # half a file would be taken for a finished one
    with replacing(path, overwrite=True) as temporary, temporary.open("wb") as file:
        np.savez(file, **{name: np.stack(kind) for name, kind in rows.items()})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeatureBank:
    """All features in memory, clip by clip.

    Attributes:
        pooled: float16, (n, T, D), visual vectors.
        sync: float16, (n, M, D), synchronisation features.
        latents: float16, (n, V, N, C), codec latents.
        text: float16, (n, V, L, D), text tokens.
        weight: float32, (n, V, N), of each latent in the loss, see `contact_weights`.
        true: True physics.
        edited: bool, (n, V), takes whose sound follows a list of impacts that the picture does
            not show: they teach nothing without their physics.
        estimated: Physics and masks of estimators, or None; rows without an estimate have no
            valid object and are listed in ``has_estimate``.
        has_estimate: bool, (n,).
    """

    pooled: NDArray[np.float16]
    sync: NDArray[np.float16]
    latents: NDArray[np.float16]
    text: NDArray[np.float16]
    weight: NDArray[np.float32]
    true: PhysicsSet
    edited: NDArray[np.bool_]
    estimated: PhysicsSet | None = None
    has_estimate: NDArray[np.bool_] | None = None

    def __len__(self) -> int:
        return int(self.pooled.shape[0])

    @classmethod
    def load(cls, paths: Sequence[Path], store: ClipStore) -> FeatureBank:
        """Read what `write_features` wrote (parts in the store's order), with the store's physics."""
        parts = [np.load(path) for path in paths]
        arrays = {name: np.concatenate([part[name] for part in parts]) for name in _NAMES}
        mass = store.all("mass_kg").astype(np.float32)
        has_estimate = np.array([fact["estimated"] for fact in store.facts], dtype=np.bool_)
        return cls(
            pooled=arrays["pooled"],
            sync=arrays["sync"],
            latents=arrays["latents"],
            text=arrays["text"],
            weight=contact_weights(store, arrays["latents"].shape[2]),
            true=PhysicsSet(
                objects=arrays["objects"],
                visible=arrays["visible"],
                mass_kg=mass,
                speed_m_s=store.all("speed_m_s").astype(np.float32),
                impact_energy_j=store.all("impact_energy_j").astype(np.float32),
                valid=np.isfinite(mass[:, 0]),
            ),
            estimated=PhysicsSet(
                objects=arrays["estimated_objects"],
                visible=arrays["estimated_visible"],
                mass_kg=store.all("estimated_mass_kg")[:, None],
                speed_m_s=store.all("estimated_speed_m_s")[:, None],
                impact_energy_j=store.all("estimated_impact_energy_j")[:, None],
                valid=store.all("estimated_valid"),
            ),
            has_estimate=has_estimate,
            edited=np.array(
                [[take["edited"] for take in fact["takes"]] for fact in store.facts], dtype=np.bool_
            ),
        )
