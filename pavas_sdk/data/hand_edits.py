"""Edits by hand in a physics document: recognised by its digest, and never overwritten unseen."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

from pavas_sdk.data.documents import read_json
from pavas_sdk.data.files import replacing
from pavas_sdk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pavas_sdk.data.physics import PhysicsEstimate

__all__ = ["BY_HAND", "DIGEST", "content_sha256", "kept_aside"]

DIGEST = "content_sha256"
"""Key of the digest in a document that was written by this package."""

BY_HAND = "edited by hand"
"""What ``edits`` says of a document that no longer is what was written."""


def content_sha256(content: Mapping[str, Any]) -> str:
    """Return the digest of what a document says: order, spaces and other keys do not matter.

    Args:
        content: `PhysicsEstimate.to_json`.
    """
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def kept_aside(path: Path, new: PhysicsEstimate) -> Path | None:
    """Copy a physics file that was edited by hand to a name of its own before it is replaced.

    Args:
        path: The file that will be replaced; it need not exist.
        new: What will be written.

    Returns:
        ``NAME.physics.edited.json`` (``.edited-2`` and so on where that exists), or None: there is
        nothing to lose, because nobody edited the file, or the new one says the same.

    Raises:
        OutputError: The copy cannot be written; the file is untouched.
    """
    if not path.is_file() or not _was_edited(path, new):
        return None
    stem = path.name.removesuffix(".json")
    number = 1
    while True:
        ending = "edited" if number == 1 else f"edited-{number}"
        aside = path.with_name(f"{stem}.{ending}.json")
        if not aside.exists():
            break
        if aside.read_bytes() == path.read_bytes():
            return aside
        number += 1
    with replacing(aside) as draft:
        shutil.copy2(path, draft)
    return aside


def _was_edited(path: Path, new: PhysicsEstimate) -> bool:
    """Whether a file holds what nobody else has; one that cannot be read may be half an edit."""
    try:
        data = read_json(path)
        old = type(new).from_json(data)
    except InputError:
        return True
    if old.to_json() == new.to_json():
        return False
    if DIGEST in data:
        return BY_HAND in old.edits[-1:]
    # of an earlier version: it may have been edited, or not
    return True
