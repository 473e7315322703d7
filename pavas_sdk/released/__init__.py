"""Released checkpoints as presets: fetched once, converted once, kept in a cache folder.

One `ReleasedComponent` per official file says where it is published, which network it belongs to
and how its tensor names become ours; a `ReleasedPreset` makes a pipeline's folder of them. Nothing
here imports torch before a file is read.
"""

from __future__ import annotations

from pavas_sdk.released.mmaudio import MMAUDIO_RELEASES
from pavas_sdk.released.preset import ReleasedPreset
from pavas_sdk.released.releases import OfficialFile, Release, ReleasedComponent

__all__ = ["MMAUDIO_RELEASES", "OfficialFile", "Release", "ReleasedComponent", "ReleasedPreset"]
