"""The whole recipe in miniature: from seeds to a pipeline that makes sound."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import CONFIG, toy_takes

from pavas_sdk.data import PhysicsEstimate
from pavas_sdk.data.seeds import TRAINING_SEEDS
from pavas_sdk.errors import ComponentError, ConfigurationError
from pavas_sdk.models import TinyImpactDetector
from pavas_sdk.pipelines import LevelLaw, PavasPipeline
from pavas_sdk.training import BatchConfig, Sampling, TinyRecipe, train_tiny
from pavas_sdk.training.assembly import TinySize
from pavas_sdk.training.impact_store import PictureConfig
from pavas_sdk.training.recipe import scaled

SMALL = TinySize(
    latent_channels=12,
    transformer={
        "hidden_dim": 32,
        "num_heads": 2,
        "depth": 2,
        "fused_depth": 1,
        "mlp_ratio": 1.0,
        "mlp_multiple_of": 16,
        "modulation_rank": 8,
        "time_embed_dim": 16,
    },
    adapter={"hidden_dim": 24, "mixer_rank": 4, "num_frequencies": 6, "mass_unit_kg": 0.01},
)

SMALL_PICTURES = PictureConfig(duration_s=1.0, grey_size=32, grid=4)
SMALL_DETECTOR = {"image_size": 32, "stem_dim": 4, "dim": 8, "dilations": (1,)}
SMALL_VOCODER = {"hidden_dim": 16, "depth": 1, "fine_dim": 8, "fine_depth": 1}


def recipe(**changes):
    base = scaled(TinyRecipe(jobs=1, size=SMALL, store=CONFIG), clips=8, steps=4, seed=0)
    return replace(
        base,
        flow=replace(base.flow, warmup=1, batches=BatchConfig(batch=2, latents=20)),
        sampling=Sampling(steps=2),
        vocoder=replace(base.vocoder, frames=8, batch=1, network=SMALL_VOCODER),
        impacts=replace(
            base.impacts, frames=8, batch=1, pictures=SMALL_PICTURES, network=SMALL_DETECTOR
        ),
        **changes,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_from_seeds_to_sound_with_impacts(tmp_path):
    size = replace(SMALL, adapter={**SMALL.adapter, "impacts": True, "impact_unit_j": 0.01})
    small = replace(recipe(), size=size)
    folder = train_tiny(tmp_path, small, source=toy_takes)
    pipe = PavasPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    adapter, clip = pipe.conditioning_adapter, toy_takes(50)[0]
    assert adapter.uses_impacts
    assert adapter.config.impact_std not in (0.0, 1.0)
    first, second = (
        pipe(
            clip.video,
            physics=physics,
            masks=clip.masks,
            generator=torch.Generator().manual_seed(0),
        )
        for physics in (clip.physics, clip.physics.with_impact(3, 0.7, energy_change_j=50.0))
    )
    assert not np.array_equal(first.audio.samples, second.audio.samples)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_from_seeds_to_sound_and_again_without_work(tmp_path):
    folder = train_tiny(tmp_path, recipe(), source=toy_takes)
    assert folder == tmp_path / "pipeline"
    assert sum(f.stat().st_size for f in folder.rglob("*.safetensors")) < 25e6
    pipe = PavasPipeline.from_pretrained(folder)
    pipe.set_progress_bar_config(disable=True)
    clip = toy_takes(50)[0]
    sound = pipe(
        clip.video,
        physics=clip.physics,
        masks=clip.masks,
        level="physical",
        generator=torch.Generator().manual_seed(0),
    )
    assert sound.audio.samples.shape == (1, round(1.28 * 48000))
    assert np.isfinite(sound.audio.samples).all()
    assert sound.audio.gain_db == pipe.config.output_gain_db
    assert isinstance(sound.physics, PhysicsEstimate)
    detector = TinyImpactDetector.from_pretrained(tmp_path / "impact_detector")
    assert detector.config.image_size == 32

    def refuse(seed):
        raise AssertionError(f"clip {seed} was made again")

    with pytest.raises(ConfigurationError, match=r"resume=True \(--resume\)"):
        train_tiny(tmp_path, recipe(), source=refuse)
    again = train_tiny(tmp_path / ".", recipe(), source=refuse, resume=True)
    first = (tmp_path / "pipeline/transformer/diffusion_pytorch_model.safetensors").read_bytes()
    assert again == folder
    assert (again / "transformer/diffusion_pytorch_model.safetensors").read_bytes() == first

    # a law of levels that was measured belongs to these weights
    measured = tmp_path / "pipeline_level.json"
    law = json.loads(measured.read_text())
    assert law["level_slope_db"] is None  # one clip is no ground for one
    law |= {"level_intercept_dbfs": -30.0, "level_slope_db": 7.0}
    measured.write_text(json.dumps(law))
    train_tiny(tmp_path, recipe(), source=refuse, resume=True)
    loaded = PavasPipeline.from_pretrained(folder)
    assert loaded.level_law == LevelLaw(intercept_dbfs=-30.0, slope_db=7.0)


def test_estimates_reach_the_bank(tmp_path):
    from pavas_sdk.models import MEL_48K, LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
    from pavas_sdk.physics.run import PhysicsResult
    from pavas_sdk.training import ClipStore, FeatureBank, write_shard
    from pavas_sdk.training.features import write_features

    class HalfRight:
        """Masses wrong by three, true masks; nothing but a failure on the last clip."""

        def __init__(self):
            self.prompts = []

        def estimate(self, source, *, prompt=""):
            self.prompts.append(prompt)
            clip = next(c for c in made if c.source is source)
            if clip.clip_id == 8:
                raise ComponentError("cannot see")
            physics = clip.physics
            return PhysicsResult(
                physics=physics.with_mass(3, 3 * physics[3].mass_kg), masks=clip.masks
            )

    made = []

    def takes(seed):
        made.append(toy_takes(seed)[0])
        return (made[-1],)

    config = replace(CONFIG, estimate_every=2, takes=1)
    estimator = HalfRight()
    write_shard(tmp_path / "clips/shard-0", range(10), takes, config, estimator=estimator)
    assert estimator.prompts == ["a wooden box"] * 3 + [""] * 2
    store = ClipStore(tmp_path / "clips")
    visual, sync = TinyVisualEncoder().eval(), TinySyncEncoder().eval()
    codec = LinearMelCodec.for_mel(MEL_48K, latent_channels=4)
    write_features(store, visual, sync, codec, tmp_path / "features.npz")
    bank = FeatureBank.load([tmp_path / "features.npz"], store)
    assert bank.has_estimate.tolist() == [i in (0, 2, 4, 6) for i in range(10)]
    true, seen = bank.true, bank.estimated
    for clip in (0, 4):
        np.testing.assert_allclose(
            seen.mass_kg[clip, 0, 0], 3 * true.mass_kg[clip, 0, 0], rtol=1e-5
        )
        np.testing.assert_array_equal(seen.objects[clip, 0], true.objects[clip, 0])
        assert seen.valid[clip].tolist() == [True, False]
        np.testing.assert_allclose(
            seen.impact_energy_j[clip, 0, 0], 3 * true.impact_energy_j[clip, 0, 0], rtol=1e-5
        )
        assert np.isfinite(seen.impact_energy_j[clip, 0]).any()
    for clip in (1, 8):
        assert np.isnan(seen.mass_kg[clip]).all()
        assert not seen.valid[clip].any()


def test_training_seeds_stay_below_those_of_the_evaluation():
    assert TinyRecipe().first_seed + TinyRecipe().clips <= TRAINING_SEEDS.stop
    with pytest.raises(ConfigurationError, match="9999999"):
        TinyRecipe(first_seed=TRAINING_SEEDS[-1], clips=100)
    with pytest.raises(ConfigurationError, match="held_out"):
        TinyRecipe(clips=10, held_out=10)


def test_scaling_keeps_the_proportions():
    whole = TinyRecipe()
    same = scaled(whole, clips=whole.clips, steps=whole.flow.steps, seed=0)
    assert same.visual == whole.visual
    assert same.held_out == whole.held_out
    assert same.impacts == whole.impacts
    half = scaled(whole, clips=20, steps=whole.flow.steps // 2, seed=3)
    assert half.visual.steps == pytest.approx(whole.visual.steps / 2, abs=1)
    assert half.flow.seed == 3
    assert 0 < half.held_out < 20
    assert half.impacts.steps == pytest.approx(whole.impacts.steps / 2, abs=1)
    assert half.impacts.clips == round(whole.impacts.clips * 20 / whole.clips)
    assert half.impacts.seed == 3
    assert scaled(whole, clips=7, steps=10, seed=0).impacts.clips == 2
