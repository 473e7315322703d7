"""Table 3 in simulation, in miniature: six arms, trained, measured, and made again without work."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from training_world import CONFIG, toy_takes

from pavas_sdk.cli.evaluate_ablation import check_settings, run_ablation, whole_seeds
from pavas_sdk.cli.main import run
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.evaluation.ablation import known_physics
from pavas_sdk.models import MMAudioTransformer
from pavas_sdk.pipelines import PavasPipeline
from pavas_sdk.training import Sampling
from pavas_sdk.training.ablation import ABLATION_ARMS, AblationTraining, ablation_recipe
from pavas_sdk.training.assembly import TinySize
from pavas_sdk.training.simulated import simulated_take

SMALL = TinySize(
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
    adapter={
        "hidden_dim": 24,
        "mixer_rank": 4,
        "num_frequencies": 6,
        "mass_unit_kg": 0.01,
        "impacts": True,
        "impact_unit_j": 0.01,
    },
)


def small_recipe():
    base = ablation_recipe(clips=8, steps=3, batch=2, jobs=1)
    return replace(
        base,
        size=SMALL,
        store=replace(CONFIG, grey_size=128, takes=1),
        flow=replace(base.flow, batches=replace(base.flow.batches, latents=20)),
        sampling=Sampling(steps=2),
    )


def toy_clip(seed):
    return toy_takes(seed)[0]


def refuse(seed):
    raise AssertionError(f"clip {seed} was made again")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_six_arms_and_again_without_work(tmp_path):
    def table(source, make, **options):
        return run_ablation(
            AblationTraining(tmp_path, small_recipe(), source=source),
            tmp_path,
            clips=3,
            make=make,
            settings={"steps": 3},
            **options,
        )

    first = table(toy_takes, toy_clip, seeds=1)
    assert list(first["models"]) == [arm.title for arm in ABLATION_ARMS]
    for entry in first["models"].values():
        assert entry["metrics"]["level_error_db"]["value"] > 0
        low, high = entry["metrics"]["fd_codec"]["interval"]
        assert low <= high
        assert len(entry["metrics"]["fd_codec"]["seeds"]) == 1
    # every arm went its own way from the backbone
    weights = {
        arm.name: MMAudioTransformer.from_pretrained(
            tmp_path / "arms" / f"{arm.name}-0" / "pipeline" / "transformer"
        ).state_dict()
        for arm in ABLATION_ARMS
    }
    largest = max(weights["backbone"], key=lambda key: weights["backbone"][key].numel())
    own = {arm: value[largest].float() for arm, value in weights.items()}
    assert len({value.numpy().tobytes() for value in own.values()}) == len(ABLATION_ARMS)
    size = float(own["backbone"].abs().mean())
    for value in own.values():  # not begun anew: other weights of that size would be farther away
        assert float((value - own["backbone"]).abs().mean()) < 0.2 * size
    direct = json.loads(
        (tmp_path / "arms/direct-0/pipeline/conditioning_adapter/config.json").read_text()
    )
    assert (direct["variant"], direct["impacts"]) == ("direct", False)

    shipped = PavasPipeline.from_pretrained("pavas-tiny")
    made = PavasPipeline.from_pretrained(tmp_path / "arms/both-0/pipeline")
    for name in ("clip", "sync_encoder", "vae", "vocoder"):  # frozen
        own_weights = getattr(made, name).state_dict()
        for key, value in getattr(shipped, name).state_dict().items():
            assert torch.equal(own_weights[key], value), (name, key)

    assert json.dumps(table(refuse, refuse, seeds=1)) == json.dumps(first)
    written = json.loads((tmp_path / "table.json").read_text())
    assert written == first
    text = (tmp_path / "table.md").read_text()
    assert "| + mass and speed less Direct summation |" in text
    assert text.count(" less + Trained longer |") == len(ABLATION_ARMS) - 1
    more = table(refuse, refuse, seeds=2, budget_s=1e-6)
    assert more["unfinished"] == [f"{arm.name}, seed 1" for arm in ABLATION_ARMS]
    assert more["models"] == first["models"]
    assert more["differences"] == first["differences"]
    # one arm of a further seed is measured, and the table stays of seeds that all arms have
    AblationTraining(tmp_path, small_recipe(), source=refuse).train(ABLATION_ARMS[0], 1)
    more = table(refuse, toy_clip, seeds=2, budget_s=1e-6)
    assert more["unfinished"] == [f"{arm.name}, seed 1" for arm in ABLATION_ARMS[1:]]
    assert (tmp_path / "rows" / "backbone-1.jsonl").is_file()
    assert more["models"] == first["models"]


def test_no_crop_shows_another_picture_and_no_clip_is_heard_otherwise_than_seen():
    recipe = ablation_recipe(clips=8, steps=3)
    assert (recipe.flow.batches.other_picture, recipe.flow.batches.estimated_share) == (0, 0)
    with pytest.raises(ConfigurationError, match="one take"):
        replace(recipe, store=CONFIG)
    (take,) = simulated_take(7)
    assert take.true_audio.sample_rate_hz == 48000
    assert not take.physics.edits


def test_whole_seeds_are_those_of_all_arms():
    rows = {"backbone": {0: "", 1: "", 2: ""}, "both": {0: "", 2: ""}}
    assert whole_seeds(rows, 2) == [0, 2]
    assert whole_seeds(rows, 3) == []


def test_a_budget_that_ends_at_once_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="before the first arm"):
        run_ablation(
            AblationTraining(tmp_path, small_recipe(), source=refuse),
            tmp_path,
            seeds=1,
            clips=2,
            make=refuse,
            settings={},
            budget_s=1e-9,
        )


def test_an_arm_knows_no_more_than_it_was_trained_with():
    physics = toy_clip(5).physics
    mass = known_physics(physics, mass=True, speed=False)
    speed = known_physics(physics, mass=False, speed=True)
    assert known_physics(physics, mass=False, speed=False) == "none"
    assert [entry.mass_kg for entry in mass] == [entry.mass_kg for entry in physics]
    assert all(np.isnan(entry.speed_m_s).all() for entry in mass)
    assert [entry.mass_kg for entry in speed] == [None]
    assert np.array_equal(next(iter(speed)).speed_m_s, next(iter(physics)).speed_m_s)
    assert mass.impacts() == speed.impacts() == []


def test_other_settings_are_refused_and_the_command_says_what_it_needs(tmp_path, capsys):
    check_settings(tmp_path, {"steps": 1})
    check_settings(tmp_path, {"steps": 1})
    with pytest.raises(ConfigurationError, match="other settings"):
        check_settings(tmp_path, {"steps": 2})
    assert run(["evaluate", "ablation", "-o", str(tmp_path)]) == 2
    assert "--simulated" in capsys.readouterr().err
