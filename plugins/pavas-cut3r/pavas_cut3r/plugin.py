"""What this distribution registers. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> Iterable[ComponentSpec]:
    """Register the reconstructor under the name ``cut3r``."""
    return [
        ComponentSpec(
            kind="reconstructor",
            name="cut3r",
            target="pavas_cut3r:Cut3RReconstructor",
            summary="metric points, camera poses and intrinsics from CUT3R, frame by frame",
            # The code is Apache-2.0, the released weights are not for commercial use.
            licence="Apache-2.0 AND CC-BY-NC-SA-4.0",
        )
    ]
