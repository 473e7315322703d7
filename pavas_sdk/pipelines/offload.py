"""Components that are offloaded to the CPU between uses, and networks that are compiled."""

from __future__ import annotations

from typing import Any

__all__ = ["onload"]


def onload(module: Any) -> None:
    """Bring an offloaded component back to its device; the one before it in the order leaves.

    diffusers' hooks see only ``forward``; any other method of a component needs this first, right
    before it is called. Without offloading nothing happens.
    """
    hook = getattr(module, "_hf_hook", None)
    if hook is not None and hasattr(hook, "pre_forward"):
        hook.pre_forward(module)
