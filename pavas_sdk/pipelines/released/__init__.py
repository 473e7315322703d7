"""Released checkpoints as presets: fetched once, converted once, kept in a cache folder.

Names load on first use: listing presets imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.pipelines.released.preset import ReleasedPreset

_EXPORTS = {"ReleasedPreset": "preset"}

__all__ = ["ReleasedPreset"]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
