"""Training: clips on disk, encoders, the flow-matching loop, and the recipe of pavas-tiny.

Names load on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from pavas_sdk.training.batch_config import BatchConfig
    from pavas_sdk.training.batches import FlowBatch, draw_batch, whole_clips
    from pavas_sdk.training.encoders import EncoderTraining
    from pavas_sdk.training.features import FeatureBank, PhysicsSet
    from pavas_sdk.training.flow import FlowModel, flow_loss
    from pavas_sdk.training.loop import FlowTraining, train_flow
    from pavas_sdk.training.objective import DropShares, FlowObjective
    from pavas_sdk.training.optimisation import Optimisation
    from pavas_sdk.training.presets import PRESETS, preset_config
    from pavas_sdk.training.recipe import TinyRecipe
    from pavas_sdk.training.run_config import AverageConfig, RunConfig
    from pavas_sdk.training.runs import TrainedRun, export_average, train_stage
    from pavas_sdk.training.simulated import simulated_picture, simulated_takes
    from pavas_sdk.training.stages import Stage
    from pavas_sdk.training.store import ClipStore, StoreConfig, write_shard
    from pavas_sdk.training.stored_averages import mix_stored
    from pavas_sdk.training.tiny import train_tiny
    from pavas_sdk.training.train_loop import RunResult, train_objective
    from pavas_sdk.training.validation import Sampling, validate

_EXPORTS = {
    "batch_config": ["BatchConfig"],
    "batches": ["FlowBatch", "draw_batch", "whole_clips"],
    "encoders": ["EncoderTraining"],
    "features": ["FeatureBank", "PhysicsSet"],
    "flow": ["FlowModel", "flow_loss"],
    "loop": ["FlowTraining", "train_flow"],
    "objective": ["DropShares", "FlowObjective"],
    "optimisation": ["Optimisation"],
    "presets": ["PRESETS", "preset_config"],
    "recipe": ["TinyRecipe"],
    "run_config": ["AverageConfig", "RunConfig"],
    "runs": ["TrainedRun", "export_average", "train_stage"],
    "simulated": ["simulated_picture", "simulated_takes"],
    "stages": ["Stage"],
    "store": ["ClipStore", "StoreConfig", "write_shard"],
    "stored_averages": ["mix_stored"],
    "tiny": ["train_tiny"],
    "train_loop": ["RunResult", "train_objective"],
    "validation": ["Sampling", "validate"],
}

__all__ = [
    "PRESETS",
    "AverageConfig",
    "BatchConfig",
    "ClipStore",
    "DropShares",
    "EncoderTraining",
    "FeatureBank",
    "FlowBatch",
    "FlowModel",
    "FlowObjective",
    "FlowTraining",
    "Optimisation",
    "PhysicsSet",
    "RunConfig",
    "RunResult",
    "Sampling",
    "Stage",
    "StoreConfig",
    "TinyRecipe",
    "TrainedRun",
    "draw_batch",
    "export_average",
    "flow_loss",
    "mix_stored",
    "preset_config",
    "simulated_picture",
    "simulated_takes",
    "train_flow",
    "train_objective",
    "train_stage",
    "train_tiny",
    "validate",
    "whole_clips",
    "write_shard",
]

__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs=_EXPORTS)
