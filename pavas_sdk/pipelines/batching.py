"""Sounds that are denoised together: encoded ones wait until enough of one size are there."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from pavas_sdk.interfaces import AdapterState

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from torch import Tensor

    from pavas_sdk.data import PhysicsEstimate
    from pavas_sdk.pipelines.clip_input import ClipInput, InitialNoise
    from pavas_sdk.pipelines.encoding import WindowCondition
    from pavas_sdk.pipelines.level import LevelGain

__all__ = ["EncodedSound", "SoundBatches", "stacked_conditions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EncodedSound:
    """One sound of a call, ready to be denoised.

    Attributes:
        clip: What it is for.
        noise: Its noise, by which it is known.
        latents: The same as a tensor, (1, N, C).
        conditions: One per window.
        text: Text tokens, (1, T, D_text).
        negative_text: Of branches without the prompt.
        physics: Estimate of the clip.
        level: Gain that its physics asks for.
        notes: What should be known about it.
    """

    clip: ClipInput
    noise: InitialNoise
    latents: Tensor
    conditions: Sequence[WindowCondition]
    text: Tensor
    negative_text: Tensor
    physics: PhysicsEstimate
    level: LevelGain
    notes: tuple[str, ...]

    def size(self) -> Hashable:
        """Return what sounds must share to stand in one batch."""
        return (
            tuple(self.latents.shape),
            tuple(self.text.shape),
            tuple(
                (
                    entry.window,
                    tuple(entry.pooled.shape),
                    tuple(entry.sync.shape),
                    tuple(entry.times_s.tolist()),
                    entry.state is None,
                )
                for entry in self.conditions
            ),
        )


class SoundBatches:
    """Gathers sounds of one size into batches.

    At most ``size`` sounds of each length wait, and twice as many in all: then the fullest batch
    goes. Memory is bounded, whatever the list.

    Args:
        size: Sounds of a full batch.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._waiting: dict[Hashable, list[EncodedSound]] = defaultdict(list)

    def add(self, sound: EncodedSound) -> Iterator[list[EncodedSound]]:
        """Take a sound; yield the batches that are to be made now."""
        key = sound.size()
        self._waiting[key].append(sound)
        if len(self._waiting[key]) == self._size:
            yield self._waiting.pop(key)
        elif sum(map(len, self._waiting.values())) >= 2 * self._size:
            yield self._waiting.pop(max(self._waiting, key=lambda k: len(self._waiting[k])))

    def rest(self) -> Iterator[list[EncodedSound]]:
        """Yield what waits, at the end of a call."""
        while self._waiting:
            yield self._waiting.pop(next(iter(self._waiting)))


def stacked_conditions(sounds: Sequence[EncodedSound]) -> Sequence[WindowCondition]:
    """Return the conditions of several sounds of one size as one batch; of one, its own."""
    if len(sounds) == 1:
        return sounds[0].conditions
    return [
        replace(
            entries[0],
            pooled=torch.cat([entry.pooled for entry in entries]),
            sync=torch.cat([entry.sync for entry in entries]),
            state=_stacked_states([entry.state for entry in entries]),
        )
        for entries in zip(*(sound.conditions for sound in sounds), strict=True)
    ]


def _stacked_states(states: Sequence[AdapterState | None]) -> AdapterState | None:
    known = [state for state in states if state is not None]
    if len(known) < len(states):
        return None
    impacts = [state.impact for state in known if state.impact is not None]
    return AdapterState(
        mass=torch.cat([state.mass for state in known]),
        speed=torch.cat([state.speed for state in known]),
        impact=torch.cat(impacts) if len(impacts) == len(known) else None,
    )
