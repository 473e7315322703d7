"""The released MMAudio models as registered presets. No torch."""

from __future__ import annotations

from pavas_sdk.released.mmaudio import MMAUDIO_RELEASES
from pavas_sdk.released.preset import ReleasedPreset

__all__ = ["large_44k", "large_44k_v2", "medium_44k", "small_16k", "small_44k"]

small_16k = ReleasedPreset(MMAUDIO_RELEASES["mmaudio-small-16k"])
small_44k = ReleasedPreset(MMAUDIO_RELEASES["mmaudio-small-44k"])
medium_44k = ReleasedPreset(MMAUDIO_RELEASES["mmaudio-medium-44k"])
large_44k = ReleasedPreset(MMAUDIO_RELEASES["mmaudio-large-44k"])
large_44k_v2 = ReleasedPreset(MMAUDIO_RELEASES["mmaudio-large-44k-v2"])
