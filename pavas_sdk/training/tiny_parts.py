"""The stages of pavas-tiny's recipe before the flow network: clips, ear, encoders, features, detector.

Each is skipped when its result is there. Everything lies under one folder.
"""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import (
    IstftVocoder,
    LinearMelCodec,
    TinyImpactDetector,
    TinySyncEncoder,
    TinyVisualEncoder,
)
from pavas_sdk.training.features import FeatureBank, write_features
from pavas_sdk.training.impact_detector import train_impact_detector
from pavas_sdk.training.impact_store import ImpactStore, write_pictures
from pavas_sdk.training.shards import make_shards
from pavas_sdk.training.stage_networks import is_saved, save_network
from pavas_sdk.training.store import ClipStore, StoreConfig, write_shard
from pavas_sdk.training.sync_encoder import train_sync_encoder
from pavas_sdk.training.visual_encoder import train_visual_encoder
from pavas_sdk.training.vocoder import codec_of_sounds, train_vocoder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.process import BaseProcess
    from pathlib import Path

    from numpy.typing import NDArray

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.training.recipe import TinyRecipe
    from pavas_sdk.training.vocoder import VocoderTraining

__all__ = ["Ear", "TinyParts", "make_clips", "prepare_impact_detector", "prepare_parts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyParts:
    """What stands before the flow network is trained.

    Attributes:
        store: The clips.
        train: Which of them are trained on.
        visual: Trained visual encoder.
        sync: Trained synchronisation encoder.
        codec: Fitted codec.
        bank: Features of all clips.
        ear: Gives the vocoder, when it is trained.
    """

    store: ClipStore
    train: NDArray[np.int64]
    visual: TinyVisualEncoder
    sync: TinySyncEncoder
    codec: LinearMelCodec
    bank: FeatureBank
    ear: Ear


def prepare_parts(
    folder: Path, recipe: TinyRecipe, source: Callable[[int], Sequence[LabelledClip]]
) -> TinyParts:
    """Run the stages before the flow network; what is finished in the folder is read.

    Args:
        folder: Where everything goes.
        recipe: Numbers.
        source: Makes the takes of a seed; a module-level function.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ear = Ear(folder / "ear", recipe)
    codec = ear.codec()
    ear.start()
    make_clips(
        folder / "clips",
        range(recipe.first_seed, recipe.first_seed + recipe.clips),
        source,
        recipe.store,
        shard=recipe.shard,
        jobs=recipe.jobs,
    )
    store = ClipStore(folder / "clips")
    train = np.arange(recipe.held_out, len(store))
    visual = _visual(folder / "clip", recipe, store, train)
    sync = _sync(folder / "sync_encoder", recipe, store, train)
    return TinyParts(
        store=store,
        train=train,
        visual=visual,
        sync=sync,
        codec=codec,
        bank=_bank(folder, store, visual, sync, codec),
        ear=ear,
    )


class Ear:
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
        return is_saved(self._folder / "vocoder")


def _train_vocoder(folder: Path, training: VocoderTraining) -> None:
    torch.set_num_threads(1)
    train_vocoder(folder, training, resume=True)


def make_clips(
    folder: Path,
    seeds: range,
    source: Callable[[int], Sequence[LabelledClip]],
    store: StoreConfig,
    *,
    shard: int,
    jobs: int = 1,
) -> None:
    """Simulate the clips of ``seeds`` in shards; those that are finished are left alone.

    Args:
        folder: Of the shards.
        seeds: Of the clips.
        source: Makes the takes of a seed; a module-level function where there are several jobs.
        store: Sizes of what is kept.
        shard: Clips per shard.
        jobs: Processes.
    """
    write = partial(write_shard, source=source, config=store)
    make_shards(folder, seeds, write, shard=shard, jobs=jobs)


def prepare_impact_detector(folder: Path, recipe: TinyRecipe) -> None:
    """Train the estimators' detector to ``folder/impact_detector``, unless it is there.

    It lies beside the pipeline, because estimators are chosen apart from it. Its pictures and its
    checkpoint, from which an interrupted training goes on, lie in ``folder/impact_training``.

    Args:
        folder: Where everything goes.
        recipe: Numbers.

    Raises:
        ConfigurationError: accelerate is missing, or there are pictures of other seeds.
    """
    place, work, training = folder / "impact_detector", folder / "impact_training", recipe.impacts
    if is_saved(place):
        return
    write = partial(write_pictures, config=training.pictures)
    make_shards(work / "pictures", training.seeds, write, shard=training.shard, jobs=recipe.jobs)
    store = ImpactStore(work / "pictures")
    if [fact["seed"] for fact in store.facts] != list(training.seeds):
        raise ConfigurationError(
            f"{work} was begun with other pictures than the {training.clips} from seed "
            f"{training.first_seed} on; go on with the numbers (--clips, --steps) that it was begun "
            "with, or delete it"
        )
    torch.manual_seed(training.seed)
    detector: TinyImpactDetector = TinyImpactDetector(**training.network)
    train_impact_detector(detector, store, training, work, resume=True)
    save_network(detector, place)


def _visual(
    folder: Path, recipe: TinyRecipe, store: ClipStore, train: NDArray[np.int64]
) -> TinyVisualEncoder:
    if is_saved(folder):
        loaded: TinyVisualEncoder = TinyVisualEncoder.from_pretrained(folder).eval()
        return loaded
    torch.manual_seed(recipe.visual.seed)
    encoder: TinyVisualEncoder = TinyVisualEncoder(image_size=recipe.store.image_size)
    train_visual_encoder(encoder, store, train, recipe.visual)
    save_network(encoder, folder)
    return encoder


def _sync(
    folder: Path, recipe: TinyRecipe, store: ClipStore, train: NDArray[np.int64]
) -> TinySyncEncoder:
    if is_saved(folder):
        loaded: TinySyncEncoder = TinySyncEncoder.from_pretrained(folder).eval()
        return loaded
    torch.manual_seed(recipe.sync.seed)
    encoder: TinySyncEncoder = TinySyncEncoder(
        image_size=recipe.store.grey_size, stem_stride=4, widths=(24, 32, 48, 64)
    )
    train_sync_encoder(encoder, store, train, recipe.sync)
    save_network(encoder, folder)
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
