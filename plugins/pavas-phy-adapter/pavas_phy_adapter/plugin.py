"""What this distribution registers. Free of torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk import ComponentSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["pavas_register_components"]


@hookimpl
def pavas_register_components() -> Iterable[ComponentSpec]:
    """Register the adapter under the name ``phy-adapter``."""
    return [
        ComponentSpec(
            kind="conditioning_adapter",
            name="phy-adapter",
            target="pavas_phy_adapter:PhyAdapter",
            summary="Mass and speed of each object, as shifts of the backbone's adaptive norms.",
            licence="Apache-2.0",
        )
    ]
