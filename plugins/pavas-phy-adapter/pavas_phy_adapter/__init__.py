"""Phy-Adapter: object-level mass and speed conditioning (PAVAS, Sec. 3.4).

`PhyAdapter` loads on first use, so that listing plugins never imports torch. Saved pipelines
record it under this package; it must stay importable from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_phy_adapter.adapter import PhyAdapter

__all__ = ["PhyAdapter"]


def __getattr__(name: str) -> Any:
    if name != "PhyAdapter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pavas_phy_adapter.adapter import PhyAdapter

    globals()[name] = PhyAdapter
    return PhyAdapter


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
