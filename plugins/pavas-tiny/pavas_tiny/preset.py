"""The embedded pipeline: where its weights lie."""

from __future__ import annotations

from pathlib import Path

__all__ = ["folder"]


def folder() -> Path:
    """Return the folder of the saved pipeline that is part of this distribution."""
    return Path(__file__).parent / "weights"
