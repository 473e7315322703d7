"""The arms of the paper's Table 3 at pavas-tiny's size, on the same simulated clips.

As in the paper, encoders, codec and vocoder are released ones, here pavas-tiny's, and stay as they
are. A backbone is trained first, and each arm goes on from it for as many steps again: without
physics (trained longer), with mass, with speed, with both, by delta modulation or by direct
summation.

The adapter has the paper's two streams; pavas-tiny's third, of impacts, holds both mass and speed and
is left out. Physics is the true one, the sound is that of the picture, and no crop shows another
clip's picture: pavas-tiny learns from such crops to believe the physics, and an arm without it could
only be misled.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.assembly import (
    TinySize,
    build_flow_model,
    export_pipeline,
    physics_statistics,
)
from pavas_sdk.training.batch_config import BatchConfig
from pavas_sdk.training.features import FeatureBank, write_features
from pavas_sdk.training.frozen_parts import frozen_parts
from pavas_sdk.training.loop import FlowTraining, train_flow
from pavas_sdk.training.recipe import TinyRecipe
from pavas_sdk.training.store import ClipStore, StoreConfig
from pavas_sdk.training.tiny_parts import make_clips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.training.flow import FlowModel
    from pavas_sdk.training.frozen_parts import FrozenParts
    from pavas_sdk.training.validation import Sampling

__all__ = [
    "ABLATION_ARMS",
    "ABLATION_COMPARISONS",
    "AblationArm",
    "AblationRecipe",
    "AblationTraining",
    "ablation_recipe",
]

_FIRST_SEED = 9_000_000  # far from the clips that the encoders were trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationArm:
    """A row of the table.

    Attributes:
        name: Of its folders.
        title: In the table.
        variant: How physics is injected: "delta", "direct", or None for a model without an adapter.
        mass: Whether masses are known to it.
        speed: Whether speeds are.
        goes_on: Whether it goes on from the backbone; else it is the backbone.
    """

    name: str
    title: str
    variant: str | None = None
    mass: bool = False
    speed: bool = False
    goes_on: bool = True


ABLATION_ARMS = (
    AblationArm(name="backbone", title="Backbone", goes_on=False),
    AblationArm(name="longer", title="+ Trained longer"),
    AblationArm(name="mass", title="+ mass only", variant="delta", mass=True),
    AblationArm(name="speed", title="+ speed only", variant="delta", speed=True),
    AblationArm(name="both", title="+ mass and speed", variant="delta", mass=True, speed=True),
    AblationArm(name="direct", title="Direct summation", variant="direct", mass=True, speed=True),
)
"""Rows of Table 3, the backbone first."""

ABLATION_COMPARISONS = (
    *((arm.name, "longer") for arm in ABLATION_ARMS if arm.name != "longer"),
    ("both", "direct"),
)
"""Pairs of arms whose difference answers a question: does physics do more than further training, and
does modulation do more than direct summation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AblationRecipe:
    """Numbers of an ablation.

    Attributes:
        clips: Simulated clips to train on.
        shard: Clips per shard.
        jobs: Processes that simulate.
        store: Sizes of what is kept of a clip.
        size: Of backbone and adapter.
        flow: Training of the backbone, and of each arm after it; its seed is not used.
        sampling: Steps and guidance of the saved pipelines.
    """

    clips: int
    shard: int = 20
    jobs: int = 2
    store: StoreConfig = field(default_factory=lambda: StoreConfig(takes=1))
    size: TinySize = field(default_factory=TinySize)
    flow: FlowTraining
    sampling: Sampling

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Several takes of a clip: they are heard otherwise than seen.
        """
        if self.store.takes != 1:
            raise ConfigurationError(f"an ablation has one take a clip, got {self.store.takes}")


def ablation_recipe(*, clips: int, steps: int, batch: int = 16, jobs: int = 2) -> AblationRecipe:
    """Return pavas-tiny's numbers with other amounts.

    Args:
        clips: Simulated clips to train on.
        steps: Of the backbone, and of each arm after it.
        batch: Crops per step.
        jobs: Processes that simulate.
    """
    tiny = TinyRecipe()
    return AblationRecipe(
        clips=clips,
        jobs=jobs,
        flow=replace(
            tiny.flow,
            steps=steps,
            warmup=min(tiny.flow.warmup, steps // 10),
            batches=BatchConfig(batch=batch, estimated_share=0.0, other_picture=0.0),
        ),
        sampling=tiny.sampling,
    )


class AblationTraining:
    """Trains the arms in one folder; what is finished there is not trained again.

    Args:
        folder: Where everything goes.
        recipe: Numbers.
        source: Makes the one take of a seed; by default `simulated_take`.
    """

    def __init__(
        self,
        folder: Path,
        recipe: AblationRecipe,
        *,
        source: Callable[[int], Sequence[LabelledClip]] | None = None,
    ) -> None:
        from pavas_sdk.training.simulated import simulated_take

        self._recipe = recipe
        self._adapter = {k: v for k, v in recipe.size.adapter.items() if not k.startswith("impact")}
        self._folder = folder
        self._source = source or simulated_take
        self._frozen: FrozenParts | None = None
        self._bank: FeatureBank | None = None

    def is_finished(self, arm: AblationArm, seed: int) -> bool:
        """Return whether an arm's pipeline is there."""
        return (self._place(arm, seed) / "pipeline" / "model_index.json").is_file()

    def train(self, arm: AblationArm, seed: int) -> Path:
        """Train an arm, or go on with it, and return the folder of its pipeline.

        Args:
            arm: One of `ABLATION_ARMS`; others than the backbone train that first.
            seed: Of weights, order and noise.

        Raises:
            ConfigurationError: accelerate is missing.
        """
        if self.is_finished(arm, seed):
            return self._place(arm, seed) / "pipeline"
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # several threads under contention are much slower than one
        try:
            return self._trained(arm, seed)
        finally:
            torch.set_num_threads(threads)

    def _trained(self, arm: AblationArm, seed: int) -> Path:
        place, backbone = self._place(arm, seed), None
        if arm.goes_on:
            backbone = self.train(ABLATION_ARMS[0], seed)
        frozen, bank = self._prepared()
        bank = reduced_bank(bank, mass=arm.mass, speed=arm.speed)
        model = self._model(arm, seed, backbone)
        place.mkdir(parents=True, exist_ok=True)
        # another order and noise than the backbone's, the same for all arms
        flow = replace(self._recipe.flow, seed=2 * seed + int(arm.goes_on))
        train_flow(model, bank, np.arange(len(bank)), flow, place, resume=True)
        return export_pipeline(
            place / "pipeline",
            model=model,
            visual=frozen.visual,
            sync=frozen.sync,
            codec=frozen.codec,
            vocoder=frozen.vocoder,
            settings={
                "name": f"ablation-{arm.name}",
                "licence": "Apache-2.0",
                "window_s": 8.0,
                "overlap_s": 2.0,
                **self._recipe.sampling.settings(),
            },
        )

    def _place(self, arm: AblationArm, seed: int) -> Path:
        return self._folder / "arms" / f"{arm.name}-{seed}"

    def _prepared(self) -> tuple[FrozenParts, FeatureBank]:
        if self._frozen is None or self._bank is None:
            recipe, path = self._recipe, self._folder / "features.npz"
            frozen = frozen_parts(self._folder / "frozen")
            make_clips(
                self._folder / "clips",
                range(_FIRST_SEED, _FIRST_SEED + recipe.clips),
                self._source,
                recipe.store,
                shard=recipe.shard,
                jobs=recipe.jobs,
            )
            store = ClipStore(self._folder / "clips")
            if not path.exists():
                write_features(store, frozen.visual, frozen.sync, frozen.codec, path)
            self._frozen, self._bank = frozen, FeatureBank.load([path], store)
        return self._frozen, self._bank

    def _model(self, arm: AblationArm, seed: int, backbone: Path | None) -> FlowModel:
        from pavas_sdk.models import MMAudioTransformer
        from pavas_sdk.registry import default_registry

        frozen, bank = self._prepared()
        latents = bank.latents.astype(np.float32).reshape(-1, bank.latents.shape[-1])
        options: dict[str, Any] = self._adapter
        statistics = physics_statistics(
            bank.true, np.arange(len(bank)), float(options.get("mass_unit_kg", 1.0))
        )
        size = replace(
            self._recipe.size,
            latent_channels=latents.shape[-1],
            adapter={**options, "variant": arm.variant or "delta"},
        )
        model = build_flow_model(
            size,
            visual=frozen.visual,
            sync=frozen.sync,
            channel_std=latents.std(axis=0),
            latent_mean=latents.mean(axis=0),
            statistics=statistics,
            adapter_class=default_registry().get("conditioning_adapter").load(),
            with_physics=arm.variant is not None,
            seed=seed,
        )
        if backbone is not None:
            trained = MMAudioTransformer.from_pretrained(backbone / "transformer")
            model.transformer.load_state_dict(trained.state_dict())
        return model


def reduced_bank(bank: FeatureBank, *, mass: bool, speed: bool) -> FeatureBank:
    """Return the features with unknown masses, missing speeds, or neither."""
    true = bank.true
    if not mass:
        true = replace(true, mass_kg=np.full_like(true.mass_kg, np.nan))
    if not speed:
        true = replace(true, speed_m_s=np.full_like(true.speed_m_s, np.nan))
    return replace(bank, true=true)
