"""The recipe of pavas-tiny: from nothing but seeds to a saved pipeline, stage by stage.

Stages, each skipped when its result is there: clips (with the estimators' view of
some), codec, vocoder, visual and synchronisation encoder, features, flow, settings, export, level.
Everything lies under one folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.data.files import write_text
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import IstftVocoder, LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.training.assembly import (
    build_flow_model,
    export_pipeline,
    physics_statistics,
)
from pavas_sdk.training.features import FeatureBank, write_features
from pavas_sdk.training.level_law import measure_level_law
from pavas_sdk.training.loop import train_flow
from pavas_sdk.training.store import ClipStore, StoreConfig, is_finished, write_shard
from pavas_sdk.training.sync_encoder import train_sync_encoder
from pavas_sdk.training.validation import validate
from pavas_sdk.training.visual_encoder import train_visual_encoder
from pavas_sdk.training.vocoder import codec_of_sounds, train_vocoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.training.flow import FlowModel
    from pavas_sdk.training.recipe import TinyRecipe
    from pavas_sdk.training.vocoder import VocoderTraining

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
        ConfigurationError: accelerate is missing, or there is a checkpoint of an earlier run and
            ``resume`` is off.
    """
    from pavas_sdk.training.simulated import simulated_takes

    checkpoint = _flow_folder(folder, recipe) / "checkpoint"
    if checkpoint.exists() and not resume:
        raise ConfigurationError(
            f"{checkpoint} is there from an earlier run; pass resume=True (--resume) to go on from "
            "it, or give another folder (--out)"
        )
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
    folder.mkdir(parents=True, exist_ok=True)
    ear = _Ear(folder / "ear", recipe)
    codec = ear.codec()
    ear.start()
    _clips(folder / "clips", recipe, source)
    store = ClipStore(folder / "clips")
    train = np.arange(recipe.held_out, len(store))
    held_out = np.arange(recipe.held_out)
    visual = _visual(folder / "clip", recipe, store, train)
    sync = _sync(folder / "sync_encoder", recipe, store, train)
    bank = _bank(folder, store, visual, sync, codec)
    model = _flow(folder, recipe, bank, store, train, visual, sync, resume=resume)
    settings = _settings(folder, recipe, model, codec, bank, store, held_out)
    exported = export_pipeline(
        folder / ("pipeline" if recipe.with_physics else "pipeline_without_physics"),
        model=model,
        visual=visual,
        sync=sync,
        codec=codec,
        vocoder=ear.vocoder(),
        settings=settings,
    )
    _level_law(exported, recipe, source)
    return exported


class _Ear:
    """Codec and vocoder, which need sounds alone: they are trained beside the other stages.

    Args:
        folder: Where sounds, codec and vocoder go.
        recipe: Numbers; with one job the vocoder waits for the others.
    """

    def __init__(self, folder: Path, recipe: TinyRecipe) -> None:
        self._folder = folder
        self._training = recipe.vocoder
        self._channels = recipe.size.latent_channels
        self._aside = recipe.jobs > 1
        self._process: BaseProcess | None = None

    def codec(self) -> LinearMelCodec:
        """Make the sounds, fit the codec to them, and return it."""
        return codec_of_sounds(self._folder, self._training, latent_channels=self._channels)

    def start(self) -> None:
        """Begin to train the vocoder, unless it is there or there is one job."""
        if self._aside and not self._finished():
            context = multiprocessing.get_context("spawn")
            self._process = context.Process(
                target=_train_vocoder, args=(self._folder, self._training), daemon=True
            )
            self._process.start()

    def vocoder(self) -> IstftVocoder:
        """Return the trained vocoder.

        Raises:
            ConfigurationError: Its process failed.
        """
        if self._process is not None:
            self._process.join()
            if self._process.exitcode != 0:
                raise ConfigurationError(
                    f"the training of the vocoder in {self._folder} ended with exit code "
                    f"{self._process.exitcode}; its message stands above, resume=True (--resume) "
                    "goes on from its last checkpoint"
                )
        elif not self._finished():
            _train_vocoder(self._folder, self._training)
        loaded: IstftVocoder = IstftVocoder.from_pretrained(self._folder / "vocoder").eval()
        return loaded

    def _finished(self) -> bool:
        return (self._folder / "vocoder" / "config.json").exists()


def _train_vocoder(folder: Path, training: VocoderTraining) -> None:
    torch.set_num_threads(1)
    train_vocoder(folder, training, resume=True)


def _flow_folder(folder: Path, recipe: TinyRecipe) -> Path:
    return folder / ("flow" if recipe.with_physics else "flow_without_physics")


def _clips(
    folder: Path, recipe: TinyRecipe, source: Callable[[int], Sequence[LabelledClip]]
) -> None:
    """Simulate all shards, several processes at a time."""
    starts = range(0, recipe.clips, recipe.shard)
    work = [
        (
            folder / f"shard-{number:04d}",
            range(
                recipe.first_seed + start,
                recipe.first_seed + min(start + recipe.shard, recipe.clips),
            ),
        )
        for number, start in enumerate(starts)
    ]
    work = [entry for entry in work if not is_finished(entry[0])]
    make = partial(_shard, source=source, config=recipe.store)
    if recipe.jobs == 1:
        for entry in work:
            make(entry)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(recipe.jobs, mp_context=context) as pool:
        for done, _ in enumerate(pool.map(make, work)):
            logger.info("shard %d of %d", done + 1, len(work))


def _shard(
    entry: tuple[Path, Sequence[int]],
    *,
    source: Callable[[int], Sequence[LabelledClip]],
    config: StoreConfig,
) -> None:
    torch.set_num_threads(1)
    write_shard(entry[0], entry[1], source, config)


def _visual(
    folder: Path, recipe: TinyRecipe, store: ClipStore, train: NDArray[np.int64]
) -> TinyVisualEncoder:
    if (folder / "config.json").exists():
        loaded: TinyVisualEncoder = TinyVisualEncoder.from_pretrained(folder).eval()
        return loaded
    torch.manual_seed(recipe.visual.seed)
    encoder: TinyVisualEncoder = TinyVisualEncoder(image_size=recipe.store.image_size)
    train_visual_encoder(encoder, store, train, recipe.visual)
    encoder.save_pretrained(folder)
    return encoder


def _sync(
    folder: Path, recipe: TinyRecipe, store: ClipStore, train: NDArray[np.int64]
) -> TinySyncEncoder:
    if (folder / "config.json").exists():
        loaded: TinySyncEncoder = TinySyncEncoder.from_pretrained(folder).eval()
        return loaded
    torch.manual_seed(recipe.sync.seed)
    encoder: TinySyncEncoder = TinySyncEncoder(
        image_size=recipe.store.grey_size, stem_stride=4, widths=(24, 32, 48, 64)
    )
    train_sync_encoder(encoder, store, train, recipe.sync)
    encoder.save_pretrained(folder)
    return encoder


def _bank(
    folder: Path,
    store: ClipStore,
    visual: TinyVisualEncoder,
    sync: TinySyncEncoder,
    codec: LinearMelCodec,
) -> FeatureBank:
    """Encode everything."""
    path = folder / "features.npz"
    if not path.exists():
        write_features(store, visual, sync, codec, path)
    return FeatureBank.load([path], store)


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
