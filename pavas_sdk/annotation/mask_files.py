"""Mask tracks of a clip in a file: run lengths, deflated."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING

from pavas_sdk.data import MaskTrack
from pavas_sdk.data.documents import parse_json
from pavas_sdk.data.files import make_folder, replacing
from pavas_sdk.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["read_masks", "write_masks"]


def write_masks(path: Path, masks: Mapping[int, MaskTrack]) -> None:
    """Write mask tracks; equal masks give equal bytes.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps([masks[key].to_json() for key in sorted(masks)], allow_nan=False)
    make_folder(path.parent)
    with replacing(path, overwrite=True) as draft:
        draft.write_bytes(gzip.compress(text.encode(), mtime=0))


def read_masks(path: Path) -> dict[int, MaskTrack]:
    """Return the mask tracks of a clip.

    Raises:
        FormatError: Not there, or damaged.
    """
    try:
        text = gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as err:
        raise FormatError(f"cannot read the masks {path}: {err}") from err
    rows = parse_json(text)
    if not isinstance(rows, list):
        raise FormatError(f"{path} holds no masks")
    tracks = [MaskTrack.from_json(row) for row in rows]
    return {track.object_id: track for track in tracks}
