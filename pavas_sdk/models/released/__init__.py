"""Released checkpoints: which official files there are, how to read them, what their names become.

One `ReleasedComponent` per file says where it is published, which network it belongs to and how
its tensor names become ours. Nothing here writes; `pavas_sdk.pipelines.released` does.
"""

from __future__ import annotations

from pavas_sdk.models.released.mmaudio import MMAUDIO_RELEASES
from pavas_sdk.models.released.official import OfficialFile, Release, ReleasedComponent

__all__ = ["MMAUDIO_RELEASES", "OfficialFile", "Release", "ReleasedComponent"]
