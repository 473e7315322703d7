"""What this distribution registers. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["pavas_register_components"]

# This code is Apache-2.0; what it runs is not for commercial use.
_LICENCE = "Apache-2.0 AND CC-BY-NC-SA-4.0"


@hookimpl
def pavas_register_components() -> Iterable[ComponentSpec]:
    """Register the extractors of sound and of video."""
    return [
        ComponentSpec(
            kind="metric_extractor",
            name="imagebind-audio",
            target="pavas_imagebind.extractors:ImageBindAudio",
            summary="a sound in ImageBind's space, for IB-score",
            licence=_LICENCE,
        ),
        ComponentSpec(
            kind="metric_extractor",
            name="imagebind-video",
            target="pavas_imagebind.extractors:ImageBindVideo",
            summary="a video in ImageBind's space, for IB-score",
            licence=_LICENCE,
        ),
    ]
