"""One row of the impact detector's training: some seconds of a clip, changed, and what is in them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional as F

from pavas_sdk.models import TinyImpactDetector
from pavas_sdk.training.camera_changes import blurred_and_noisy, draw_camera_change
from pavas_sdk.training.encoders import exposed
from pavas_sdk.training.impact_labels import clip_contacts, slot_labels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from pavas_sdk.training.camera_changes import CameraChange
    from pavas_sdk.training.impact_labels import ClipContacts
    from pavas_sdk.training.impact_store import ImpactStore

__all__ = ["ImpactExample", "TaughtImpact", "draw_example"]

_CHANGED_TEMPO = 0.4  # share of the rows
_AROUND_IMPACT = 0.5  # share of the rows that hold one of the clip's impacts, if it has any
_EDGE = 0.02  # of the picture: what hits farther outside is not seen to hit
_STILL_M_S = 0.05  # what moves more slowly does not move
_SLOWEST_M_S = 1e-2
_LEAST_M_S = 1e-3  # of an impact


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtImpact:
    """An impact of a row that is seen.

    Attributes:
        slot: When, of the row's slots.
        place: Where, shares of the changed picture's width and height, in [0, 1].
        log10_speed: Of the speed in m/s whose kinetic energy is lost, sqrt(2 E / m).
        log10_mass: Of the mass in kg of the body that loses it.
        true_tempo: Whether it is shown at its own speed: else facts are not taught.
    """

    slot: int
    place: tuple[float, float]
    log10_speed: float
    log10_mass: float
    true_tempo: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ImpactExample:
    """One row: T frames of G x G, J slots, cells of a P x P grid.

    Attributes:
        changes: (T, 5, G, G), see `TinyImpactDetector.changes`.
        wanted: (J,), see `SlotLabels`.
        counted: (J,), see there.
        impacts: Those that are seen.
        moving: (T, P, P), the share of each cell in which something moves.
        log10_speed: (T, P, P), of what moves there, in m/s as shown.
    """

    changes: Tensor
    wanted: Tensor
    counted: Tensor
    impacts: tuple[TaughtImpact, ...]
    moving: Tensor
    log10_speed: Tensor


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """Which frames of a clip a row shows.

    Attributes:
        first: Place of the first one in the clip.
        tempo: Frames of the clip per frame shown.
        span: How many are shown.
    """

    first: float
    tempo: float
    span: int

    def frames(self, count: int) -> NDArray[np.int64]:
        """Return the nearest frames of a clip of ``count``, (span,)."""
        places = np.rint(self.first + self.tempo * np.arange(self.span)).astype(np.int64)
        return np.asarray(places.clip(0, count - 1))


def draw_example(
    store: ImpactStore,
    clip: int,
    *,
    frames: int,
    slots: int,
    rng: np.random.Generator,
    device: torch.device | None = None,
) -> ImpactExample:
    """Draw a row from a clip, its tempo, exposure and camera changed.

    Args:
        store: Of pictures.
        clip: Which.
        frames: T; a quick tempo may need more than the clip has: then the row ends at rest.
        slots: Of a frame.
        rng: Draws everything.
        device: Of the tensors; by default the CPU.
    """
    device = device or torch.device("cpu")
    fact, rate_hz = store.facts[clip], store.config.frame_rate_hz
    contacts = clip_contacts(fact["contacts"])
    heard_at = [_frame_of(contact, fact, rate_hz) for contact in contacts.heard]
    part = _draw_part(heard_at, store.config.frames, frames, rng)
    chosen = part.frames(store.config.frames)
    pictures = exposed(store.get("grey", clip)[chosen], rng, device)
    camera = draw_camera_change(part.span, rng)
    pictures = blurred_and_noisy(camera.of_pictures(pictures[:, None])[:, 0], rng)
    masks = torch.tensor(np.asarray(store.get("masks", clip)[:, chosen]), device=device)
    speed = torch.tensor(np.asarray(store.get("speed_m_s", clip)[:, chosen]), device=device)
    moving, log10_speed = _motion(masks.float() / 255.0, speed, camera)
    wanted, counted, impacts = _taught(contacts, fact, rate_hz, part, slots, camera)
    changes = TinyImpactDetector.changes(pictures)
    missing = frames - part.span
    if missing > 0:
        still = torch.zeros_like(changes[:1])
        still[:, 0] = changes[-1:, 0]
        changes = torch.cat([changes, still.expand(missing, -1, -1, -1)])
        moving, log10_speed = (F.pad(x, (0, 0, 0, 0, 0, missing)) for x in (moving, log10_speed))
    return ImpactExample(
        changes=changes,
        wanted=F.pad(torch.from_numpy(wanted), (0, missing * slots)).to(device),
        counted=F.pad(torch.from_numpy(counted), (0, missing * slots), value=1.0).to(device),
        impacts=impacts,
        moving=moving,
        log10_speed=log10_speed + math.log10(part.tempo),
    )


def _frame_of(contact: Any, fact: Any, rate_hz: float) -> float:
    """Place of a contact among the frames of its clip."""
    return float((contact["time_s"] - fact["first_frame_s"]) * rate_hz)


def _draw_part(
    heard_at: Sequence[float], count: int, frames: int, rng: np.random.Generator
) -> _Part:
    """Half of the rows are around an impact; tempo changes where facts are not taught."""
    changed = rng.random() < _CHANGED_TEMPO
    tempo = float(np.exp(rng.uniform(-0.35, 0.35))) if changed else 1.0
    span = min(frames, math.floor((count - 1) / tempo))
    room = count - 1 - (span - 1) * tempo
    first = float(rng.uniform(0, room)) if changed else float(rng.integers(0, int(room) + 1))
    if heard_at and rng.random() < _AROUND_IMPACT:
        impact = heard_at[int(rng.integers(len(heard_at)))]
        first = float(np.clip(impact - rng.uniform(0.1, 0.9) * span * tempo, 0, room))
        if not changed:
            first = float(round(first))
    return _Part(first=first, tempo=tempo, span=span)


def _motion(masks: Tensor, speed_m_s: Tensor, camera: CameraChange) -> tuple[Tensor, Tensor]:
    """Where something moves after the change, and log10 of how fast, both (T, P, P).

    Args:
        masks: (K, T, P, P), shares.
        speed_m_s: (K, T), NaN where there is no object.
        camera: The change.
    """
    speed = torch.nan_to_num(speed_m_s, nan=0.0)
    moves = masks * (speed > _STILL_M_S)[:, :, None, None]
    moving, who = camera.of_masks(moves.permute(1, 0, 2, 3)).max(dim=1)
    log10_speed = torch.log10(speed.clamp_min(_SLOWEST_M_S)).T[:, :, None, None]
    spread = log10_speed.expand(-1, -1, *moving.shape[1:])
    return moving, torch.gather(spread, 1, who[:, None])[:, 0]


def _taught(
    contacts: ClipContacts,
    fact: Any,
    rate_hz: float,
    part: _Part,
    slots: int,
    camera: CameraChange,
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[TaughtImpact, ...]]:
    """Slots that are wanted and counted, (span * slots,) each, and the impacts that are seen."""
    impacts, uncertain = [], []
    count = part.span * slots
    for contact in (*contacts.weak, *contacts.heard):
        frame = (_frame_of(contact, fact, rate_hz) - part.first) / part.tempo
        slot = math.floor(frame * slots)
        if not 0 <= slot < count:
            continue
        place = camera.of_place(contact["place"], min(int(frame), part.span - 1))
        if contact in contacts.weak or not _is_inside(place):
            uncertain.append(slot)
            continue
        energy_j, mass_kg = contact["energy_change_j"], contact["mass_kg"]
        speed_m_s = math.sqrt(2.0 * energy_j / mass_kg)
        across, down = (min(max(share, 0.0), 1.0) for share in place)
        impacts.append(
            TaughtImpact(
                slot=slot,
                place=(across, down),
                log10_speed=math.log10(max(speed_m_s, _LEAST_M_S)),
                log10_mass=math.log10(mass_kg),
                true_tempo=part.tempo == 1.0,
            )
        )
    hits = [impact.slot for impact in impacts]
    labels = slot_labels(count, hits=hits, uncertain=uncertain)
    return labels.wanted, labels.counted, tuple(impacts)


def _is_inside(place: tuple[float, float]) -> bool:
    return all(-_EDGE <= share <= 1.0 + _EDGE for share in place)
