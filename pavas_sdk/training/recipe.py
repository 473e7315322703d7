"""The numbers of pavas-tiny's recipe."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.assembly import TinySize
from pavas_sdk.training.batch_config import BatchConfig
from pavas_sdk.training.encoders import EncoderTraining
from pavas_sdk.training.impact_detector import ImpactTraining
from pavas_sdk.training.loop import FlowTraining
from pavas_sdk.training.store import StoreConfig
from pavas_sdk.training.validation import Sampling
from pavas_sdk.training.vocoder import VocoderSounds, VocoderTraining

__all__ = ["TinyRecipe", "scaled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TinyRecipe:
    """Numbers of the whole recipe.

    The shipped weights were made with these, stage by stage; transformer and adapter in five parts
    (docs/how-to/train.md).

    Attributes:
        clips: Simulated clips.
        first_seed: Of the first clip.
        shard: Clips per shard.
        held_out: The first so many clips are not trained on.
        jobs: Processes that simulate.
        with_physics: False: the twin without an adapter.
        store: Sizes of what is kept of a clip.
        visual: Training of the visual encoder.
        sync: Training of the synchronisation encoder.
        impacts: Training of the estimators' impact detector, and the pictures that it makes for itself.
        size: Of backbone and adapter.
        flow: Training of backbone and adapter.
        vocoder: Training of the vocoder, and the sounds that the codec is fitted to.
        sampling: Steps and guidance of the saved pipeline, with which the gain is measured.
    """

    clips: int = 3000
    first_seed: int = 100_000
    shard: int = 20
    held_out: int = 40
    jobs: int = 2
    with_physics: bool = True
    store: StoreConfig = field(default_factory=StoreConfig)
    visual: EncoderTraining = field(
        default_factory=lambda: EncoderTraining(steps=1400, batch=24, frames=4)
    )
    sync: EncoderTraining = field(
        default_factory=lambda: EncoderTraining(steps=1400, batch=10, frames=48)
    )
    impacts: ImpactTraining = field(default_factory=ImpactTraining)
    size: TinySize = field(default_factory=TinySize)
    flow: FlowTraining = field(
        # without estimates: who sees how often they err believes none of them
        default_factory=lambda: FlowTraining(
            steps=27700,
            warmup=150,
            time_logit_mean=-0.6,
            early_share=0.5,
            batches=BatchConfig(estimated_share=0.0, near_contact=0.5),
        )
    )
    vocoder: VocoderTraining = field(
        default_factory=lambda: VocoderTraining(
            steps=6400,
            batch=32,
            frames=64,
            windows_per_step=8,
            sounds=VocoderSounds(simulated=1800, mixed=1200),
        )
    )
    sampling: Sampling = field(
        default_factory=lambda: Sampling(
            steps=16,
            video_guidance_scale=1.0,
            physics_guidance_scale=1.35,
            noise_temperature={"0": 0.9, "4": 1.0},
        )
    )

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: Seeds outside the range for training, or nothing to train on.
        """
        if not 0 <= self.first_seed <= self.first_seed + self.clips - 1 <= TRAINING_SEEDS[-1]:
            raise ConfigurationError(
                f"clips {self.first_seed} to {self.first_seed + self.clips - 1} leave the seeds "
                f"for training, 0 to {TRAINING_SEEDS[-1]}"
            )
        if not 0 < self.held_out < self.clips:
            raise ConfigurationError(
                f"held_out must lie between 1 and clips - 1, got {self.held_out} of {self.clips}"
            )


def scaled(recipe: TinyRecipe, *, clips: int, steps: int, seed: int) -> TinyRecipe:
    """Return the recipe with other amounts; other steps shrink with the flow's.

    Args:
        recipe: To start from.
        clips: Simulated clips.
        steps: Steps of the flow training.
        seed: Of weights, order and noise; clips stay the same.
    """
    share = min(1.0, steps / recipe.flow.steps)
    return replace(
        recipe,
        clips=clips,
        held_out=max(1, min(recipe.held_out, clips // 5)),
        shard=min(recipe.shard, max(1, clips // recipe.jobs)),
        visual=replace(recipe.visual, steps=max(2, round(recipe.visual.steps * share)), seed=seed),
        sync=replace(recipe.sync, steps=max(2, round(recipe.sync.steps * share)), seed=seed),
        impacts=_scaled_impacts(recipe, clips=clips, share=share, seed=seed),
        flow=replace(recipe.flow, steps=steps, seed=seed),
        vocoder=replace(
            recipe.vocoder,
            steps=max(2, round(recipe.vocoder.steps * share)),
            adversarial_steps=round(recipe.vocoder.adversarial_steps * share),
            seed=seed,
            sounds=replace(
                recipe.vocoder.sounds,
                simulated=max(2, round(recipe.vocoder.sounds.simulated * share)),
                mixed=max(2, round(recipe.vocoder.sounds.mixed * share)),
                jobs=recipe.jobs,
            ),
        ),
    )


def _scaled_impacts(recipe: TinyRecipe, *, clips: int, share: float, seed: int) -> ImpactTraining:
    """As few pictures as the share of steps or of clips says, so that little takes little time."""
    impacts = recipe.impacts
    pictures = max(2, round(impacts.clips * min(share, clips / recipe.clips)))
    return replace(
        impacts,
        clips=pictures,
        shard=min(impacts.shard, max(1, pictures // recipe.jobs)),
        steps=max(2, round(impacts.steps * share)),
        seed=seed,
    )
