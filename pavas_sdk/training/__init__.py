"""Training: clips on disk, encoders, the flow-matching loop, and the recipe of pavas-tiny.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pavas_sdk.training.batches import BatchConfig, FlowBatch, draw_batch, whole_clips
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.features import FeatureBank, PhysicsSet
    from pavas_sdk.training.flow import FlowModel, flow_loss
    from pavas_sdk.training.loop import FlowTraining, train_flow
    from pavas_sdk.training.recipe import TinyRecipe
    from pavas_sdk.training.simulated import simulated_picture, simulated_takes
    from pavas_sdk.training.store import ClipStore, StoreConfig, write_shard
    from pavas_sdk.training.tiny import train_tiny
    from pavas_sdk.training.validation import Sampling, validate

_EXPORTS = {
    "BatchConfig": "batches",
    "ClipStore": "store",
    "EncoderTraining": "encoders",
    "FeatureBank": "features",
    "FlowBatch": "batches",
    "FlowModel": "flow",
    "FlowTraining": "loop",
    "PhysicsSet": "features",
    "Sampling": "validation",
    "StoreConfig": "store",
    "TinyRecipe": "recipe",
    "draw_batch": "batches",
    "flow_loss": "flow",
    "simulated_picture": "simulated",
    "simulated_takes": "simulated",
    "train_flow": "loop",
    "train_tiny": "tiny",
    "validate": "validation",
    "whole_clips": "batches",
    "write_shard": "store",
}

__all__ = [
    "BatchConfig",
    "ClipStore",
    "EncoderTraining",
    "FeatureBank",
    "FlowBatch",
    "FlowModel",
    "FlowTraining",
    "PhysicsSet",
    "Sampling",
    "StoreConfig",
    "TinyRecipe",
    "draw_batch",
    "flow_loss",
    "simulated_picture",
    "simulated_takes",
    "train_flow",
    "train_tiny",
    "validate",
    "whole_clips",
    "write_shard",
]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_EXPORTS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS})
