"""The networks of pavas-tiny that all arms of an ablation have, and none trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pavas_sdk.models import IstftVocoder, LinearMelCodec, TinySyncEncoder, TinyVisualEncoder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FrozenParts", "frozen_parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenParts:
    """What all arms have and none trains.

    Attributes:
        visual: Visual encoder.
        sync: Synchronisation encoder.
        codec: Codec.
        vocoder: Vocoder.
    """

    visual: TinyVisualEncoder
    sync: TinySyncEncoder
    codec: LinearMelCodec
    vocoder: IstftVocoder


def frozen_parts(folder: Path) -> FrozenParts:
    """Return pavas-tiny's parts from a copy that is made once.

    With the copy, another release of pavas-tiny cannot get between the arms of one folder.

    Args:
        folder: Of the copy.
    """
    from diffusers.utils.logging import disable_progress_bar

    from pavas_sdk.pipelines import PavasPipeline

    disable_progress_bar()  # a copy is quickly made
    if not (folder / "model_index.json").is_file():
        shipped: PavasPipeline = PavasPipeline.from_pretrained("pavas-tiny")
        shipped.save_pretrained(folder)
    return FrozenParts(
        visual=TinyVisualEncoder.from_pretrained(folder / "clip").eval(),
        sync=TinySyncEncoder.from_pretrained(folder / "sync_encoder").eval(),
        codec=LinearMelCodec.from_pretrained(folder / "vae").eval(),
        vocoder=IstftVocoder.from_pretrained(folder / "vocoder").eval(),
    )
