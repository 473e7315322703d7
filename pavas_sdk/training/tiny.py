"""The recipe of pavas-tiny: from nothing but seeds to a saved pipeline, stage by stage.

Stages, each skipped when its result is there: clips, codec, vocoder, visual and synchronisation
encoder, features, impact detector, flow, settings, export, level. Everything lies under one folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data.files import write_text
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.accelerated import present_checkpoint
from pavas_sdk.training.assembly import (
    build_flow_model,
    export_pipeline,
    physics_statistics,
)
from pavas_sdk.training.level_law import measure_level_law
from pavas_sdk.training.loop import train_flow
from pavas_sdk.training.tiny_parts import prepare_impact_detector, prepare_parts
from pavas_sdk.training.validation import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.models import LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
    from pavas_sdk.training.features import FeatureBank
    from pavas_sdk.training.flow import FlowModel
    from pavas_sdk.training.recipe import TinyRecipe
    from pavas_sdk.training.store import ClipStore

__all__ = ["train_tiny"]

logger = logging.getLogger(__name__)


def train_tiny(
    folder: Path,
    recipe: TinyRecipe,
    *,
    source: Callable[[int], Sequence[LabelledClip]] | None = None,
    resume: bool = False,
) -> Path:
    """Run all stages and return the folder of the saved pipeline.

    Args:
        folder: Where everything goes; stages that are finished there are not run again.
        recipe: Numbers.
        source: Makes the takes of a seed; a module-level function (workers import it). By
            default `simulated_takes`.
        resume: Continue an interrupted flow training from its checkpoint.

    Raises:
        ConfigurationError: accelerate is missing, there is a checkpoint of an earlier run and
            ``resume`` is off, or the folder was begun with other clips.
    """
    from pavas_sdk.training.begun_recipe import check_begun_recipe
    from pavas_sdk.training.simulated import simulated_takes

    checkpoint = _flow_folder(folder, recipe) / "checkpoint"
    if present_checkpoint(checkpoint) and not resume:
        raise ConfigurationError(
            f"{checkpoint} is there from an earlier run; pass resume=True (--resume) to go on from "
            "it, or give another folder (--out)"
        )
    check_begun_recipe(folder, recipe)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads under contention are much slower than one
    try:
        return _train(folder, recipe, source or simulated_takes, resume=resume)
    finally:
        torch.set_num_threads(threads)


def _train(
    folder: Path,
    recipe: TinyRecipe,
    source: Callable[[int], Sequence[LabelledClip]],
    *,
    resume: bool,
) -> Path:
    parts = prepare_parts(folder, recipe, source)
    prepare_impact_detector(folder, recipe)
    bank, store, train, visual, sync = (
        parts.bank,
        parts.store,
        parts.train,
        parts.visual,
        parts.sync,
    )
    held_out = np.arange(recipe.held_out)
    model = _flow(folder, recipe, bank, store, train, visual, sync, resume=resume)
    settings = _settings(folder, recipe, model, parts.codec, bank, store, held_out)
    exported = export_pipeline(
        folder / ("pipeline" if recipe.with_physics else "pipeline_without_physics"),
        model=model,
        visual=visual,
        sync=sync,
        codec=parts.codec,
        vocoder=parts.ear.vocoder(),
        settings=settings,
    )
    _level_law(exported, recipe, source)
    return exported


def _flow_folder(folder: Path, recipe: TinyRecipe) -> Path:
    return folder / ("flow" if recipe.with_physics else "flow_without_physics")


def _flow(
    folder: Path,
    recipe: TinyRecipe,
    bank: FeatureBank,
    store: ClipStore,
    train: NDArray[np.int64],
    visual: TinyVisualEncoder,
    sync: TinySyncEncoder,
    *,
    resume: bool,
) -> FlowModel:
    from pavas_sdk.registry import default_registry

    latents = bank.latents[train].astype(np.float32).reshape(-1, bank.latents.shape[-1])
    options = recipe.size.adapter
    unit_j = float(options.get("impact_unit_j", 1e-3)) if options.get("impacts") else None
    model = build_flow_model(
        recipe.size,
        visual=visual,
        sync=sync,
        channel_std=latents.std(axis=0),
        latent_mean=latents.mean(axis=0),
        statistics=physics_statistics(
            bank.true,
            train,
            float(options.get("mass_unit_kg", 1.0)),
            impact_unit_j=unit_j,
        ),
        adapter_class=default_registry().get("conditioning_adapter").load(),
        with_physics=recipe.with_physics,
        seed=recipe.flow.seed,
    )
    place = _flow_folder(folder, recipe)
    place.mkdir(exist_ok=True)
    train_flow(model, bank, train, recipe.flow, place, resume=resume)
    return model


def _settings(
    folder: Path,
    recipe: TinyRecipe,
    model: FlowModel,
    codec: LinearMelCodec,
    bank: FeatureBank,
    store: ClipStore,
    held_out: NDArray[np.int64],
) -> dict[str, Any]:
    """Measure the level on the held-out clips; the gain makes its median error zero."""
    figures = validate(model, codec, bank, store, held_out, recipe.sampling)
    error = figures["level_error_db"]
    gain = 0.0 if not np.isfinite(error) else round(-error, 2)
    kept = {name: value if np.isfinite(value) else None for name, value in figures.items()}
    (folder / "validation.json").write_text(json.dumps(kept, indent=2), encoding="utf-8")
    return {
        "name": "pavas-tiny",
        "licence": "Apache-2.0",
        "window_s": 8.0,
        "overlap_s": 2.0,
        **recipe.sampling.settings(),
        "output_gain_db": gain,
    }


def _level_law(
    exported: Path, recipe: TinyRecipe, source: Callable[[int], Sequence[LabelledClip]]
) -> None:
    """Keep in the saved pipeline how loud it makes the impacts of the held-out clips.

    What was measured is taken again as long as the weights are the same.
    """
    from pavas_sdk.pipelines import PavasPipeline

    pipe: PavasPipeline = PavasPipeline.from_pretrained(exported)
    pipe.set_progress_bar_config(disable=True)
    kept, weights = exported.parent / f"{exported.name}_level.json", _fingerprint(exported)
    law = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    if law.get("weights") != weights:
        clips = (source(recipe.first_seed + index)[0] for index in range(recipe.held_out))
        law = {"weights": weights, "level_intercept_dbfs": None, "level_slope_db": None}
        try:
            found = measure_level_law(pipe, clips)
            law |= {"level_intercept_dbfs": found.intercept_dbfs, "level_slope_db": found.slope_db}
        except ConfigurationError as err:
            logger.warning("no law of levels, so the pipeline has its physical level only: %s", err)
        write_text(kept, json.dumps(law, indent=2), overwrite=True)
    pipe.register_to_config(**{name: law[name] for name in law if name != "weights"})
    pipe.save_config(exported)


def _fingerprint(folder: Path) -> str:
    """Return a hash of all weights under a folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
