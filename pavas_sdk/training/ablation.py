"""The arms of the paper's Table 3 at pavas-tiny's size, on the same simulated clips.

As in the paper, a backbone is trained first, and each arm goes on from it for as many steps again:
without physics (trained longer), with mass, with speed, with both, by delta modulation or by direct
summation. Clips, encoders, codec and vocoder are the same for all arms and seeds.

The adapter has the paper's two streams; pavas-tiny's third, of impacts, holds both mass and speed and
is left out. Physics is the true one, and takes whose sound differs from the picture are left out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.assembly import build_flow_model, export_pipeline, physics_statistics
from pavas_sdk.training.loop import train_flow
from pavas_sdk.training.tiny_parts import TinyParts, prepare_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pavas_sdk.data import LabelledClip
    from pavas_sdk.training.features import FeatureBank
    from pavas_sdk.training.flow import FlowModel
    from pavas_sdk.training.recipe import TinyRecipe

__all__ = ["ABLATION_ARMS", "AblationArm", "AblationTraining"]


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


class AblationTraining:
    """Trains the arms in one folder; what is finished there is not trained again.

    Args:
        folder: Where everything goes.
        recipe: Numbers, with an adapter; each arm after the backbone takes ``recipe.flow.steps`` more.
        source: Makes the takes of a seed; by default `simulated_takes`.
    """

    def __init__(
        self,
        folder: Path,
        recipe: TinyRecipe,
        *,
        source: Callable[[int], Sequence[LabelledClip]] | None = None,
    ) -> None:
        from pavas_sdk.training.simulated import simulated_takes

        if not recipe.with_physics:
            raise ConfigurationError("the recipe of an ablation must be the one with physics")
        adapter = {k: v for k, v in recipe.size.adapter.items() if not k.startswith("impact")}
        # estimates cost time and are not given to any arm
        self._recipe = replace(
            recipe,
            size=replace(recipe.size, adapter=adapter),
            store=replace(recipe.store, estimate_every=0),
        )
        self._folder = folder
        self._source = source or simulated_takes
        self._parts: TinyParts | None = None
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
        parts, bank = self._prepared()
        bank = reduced_bank(bank, mass=arm.mass, speed=arm.speed)
        model = self._model(arm, seed, backbone)
        place.mkdir(parents=True, exist_ok=True)
        # another order and noise than the backbone's, the same for all arms
        flow = replace(self._recipe.flow, seed=2 * seed + int(arm.goes_on))
        train_flow(model, bank, parts.train, flow, place, resume=True)
        return export_pipeline(
            place / "pipeline",
            model=model,
            visual=parts.visual,
            sync=parts.sync,
            codec=parts.codec,
            vocoder=parts.ear.vocoder(),
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

    def _prepared(self) -> tuple[TinyParts, FeatureBank]:
        if self._parts is None or self._bank is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._parts = prepare_parts(self._folder, self._recipe, self._source)
            self._bank = faithful_bank(self._parts.bank)
        return self._parts, self._bank

    def _model(self, arm: AblationArm, seed: int, backbone: Path | None) -> FlowModel:
        from pavas_sdk.models import MMAudioTransformer
        from pavas_sdk.registry import default_registry

        parts, bank = self._prepared()
        latents = bank.latents[parts.train].astype(np.float32).reshape(-1, bank.latents.shape[-1])
        options: dict[str, Any] = dict(self._recipe.size.adapter)
        statistics = physics_statistics(
            bank.true, parts.train, float(options.get("mass_unit_kg", 1.0))
        )
        size = replace(self._recipe.size, adapter={**options, "variant": arm.variant or "delta"})
        model = build_flow_model(
            size,
            visual=parts.visual,
            sync=parts.sync,
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


def faithful_bank(bank: FeatureBank) -> FeatureBank:
    """Return the features of takes whose sound is the picture's, with true physics only.

    Raises:
        ConfigurationError: There is no such take.
    """
    takes = np.flatnonzero(~bank.edited.any(axis=0))
    if not takes.size:
        raise ConfigurationError("every take has a sound that differs from the picture")
    true = replace(
        bank.true,
        mass_kg=bank.true.mass_kg[:, takes],
        speed_m_s=bank.true.speed_m_s[:, takes],
        impact_energy_j=bank.true.impact_energy_j[:, takes],
    )
    return replace(
        bank,
        latents=bank.latents[:, takes],
        text=bank.text[:, takes],
        weight=bank.weight[:, takes],
        edited=bank.edited[:, takes],
        true=true,
        estimated=None,
        has_estimate=None,
    )


def reduced_bank(bank: FeatureBank, *, mass: bool, speed: bool) -> FeatureBank:
    """Return the features with unknown masses, missing speeds, or neither."""
    true = bank.true
    if not mass:
        true = replace(true, mass_kg=np.full_like(true.mass_kg, np.nan))
    if not speed:
        true = replace(true, speed_m_s=np.full_like(true.speed_m_s, np.nan))
    return replace(bank, true=true)
