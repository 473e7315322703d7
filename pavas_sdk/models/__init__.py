"""Neural networks: flow transformer, codecs, encoders, sampler.

Names load on first use, so that importing this package costs nothing. Saved pipelines record
these names under ``pavas_sdk.models``; they must stay importable from here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.models.conditions import Conditions
    from pavas_sdk.models.sequence import (
        SEQUENCE_16K,
        SEQUENCE_44K,
        SequenceConfig,
        sequence_for_mode,
    )
    from pavas_sdk.models.transformer import MMAudioTransformer
    from pavas_sdk.models.variants import (
        TRANSFORMER_VARIANTS,
        build_transformer,
        sequence_config,
        transformer_config,
    )

_EXPORTS = {
    "Conditions": "conditions",
    "MMAudioTransformer": "transformer",
    "SEQUENCE_16K": "sequence",
    "SEQUENCE_44K": "sequence",
    "SequenceConfig": "sequence",
    "TRANSFORMER_VARIANTS": "variants",
    "build_transformer": "variants",
    "sequence_config": "variants",
    "sequence_for_mode": "sequence",
    "transformer_config": "variants",
}

__all__ = [
    "SEQUENCE_16K",
    "SEQUENCE_44K",
    "TRANSFORMER_VARIANTS",
    "Conditions",
    "MMAudioTransformer",
    "SequenceConfig",
    "build_transformer",
    "sequence_config",
    "sequence_for_mode",
    "transformer_config",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
