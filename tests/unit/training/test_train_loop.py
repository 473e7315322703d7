"""The loop: resume to the bit, processes and micro-batches, bad steps, and that it learns."""

import copy
import errno
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from training_features_world import LAYOUT, write_features

from pavas_sdk.errors import ConfigurationError, FormatError, OutputError, PavasError
from pavas_sdk.models.lora import add_lora
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline
from pavas_sdk.training.datasets import BatchLoader, FeatureSet, Mixture
from pavas_sdk.training.fixed_validation import read_rows, swapped_physics, validation_losses
from pavas_sdk.training.flow_draws import draw_rows
from pavas_sdk.training.objective import DropShares, FlowObjective
from pavas_sdk.training.optimisation import Optimisation
from pavas_sdk.training.run_config import AverageConfig, RunConfig
from pavas_sdk.training.train_loop import train_objective
from pavas_sdk.training.training_run import TrainingRun

CONFIG = RunConfig(
    steps=6,
    batch=8,
    mixed_precision="no",
    seed=3,
    optimisation=Optimisation(learning_rate=1e-3, warmup=2, schedule="constant"),
    average=AverageConfig(keep_every=4),
    validate_every=3,
    save_every=4,
)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return Mixture([FeatureSet(write_features(tmp_path_factory.mktemp("features")))])


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    folder = write_features(tmp_path_factory.mktemp("others"), count=16, first=100)
    return Mixture([FeatureSet(folder)])


def objective(*, adapter=True, drop=None, seed=0):
    """Small networks that compute something; a fresh adapter changes nothing yet."""
    pipe = tiny_pipeline(seed)
    fresh = None
    torch.manual_seed(seed)
    if adapter:
        fresh = type(pipe.conditioning_adapter).for_transformer(
            pipe.transformer, patch_dim=16, hidden_dim=16, mixer_rank=4
        )
    return FlowObjective(
        pipe.transformer, fresh, frame_rate_hz=LAYOUT.frame_rate_hz, latent_rate_hz=31.25, drop=drop
    )


def weights(model):
    return {name: p.detach().clone() for name, p in model.named_parameters()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[n], second[n]) for n in first)


def batch_and_draws(clips, step=0, seed=3):
    batch = BatchLoader(clips, batch=8, seed=seed).read(step)
    return batch.to("cpu"), draw_rows(seed, step, range(8), tuple(batch.mean.shape[1:]))


# -- objective -----------------------------------------------------------------------------------


def test_a_fresh_adapter_leaves_the_loss_equal_to_the_bit(clips):
    model = objective()
    batch, draws = batch_and_draws(clips)
    with_adapter = model(batch, draws)
    model.adapter = None
    assert torch.equal(model(batch, draws), with_adapter)


def test_dropped_physics_is_the_null_state(clips):
    model = objective()
    for parameter in model.adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    batch, draws = batch_and_draws(clips)
    model.drop = DropShares(video=0, text=0, physics=1)
    dropped = model.modulation(batch, draws)
    null = model.modulation(replace(batch, objects=None), draws)
    assert all(torch.equal(dropped[name], null[name].expand_as(dropped[name])) for name in null)
    # where the video is dropped, so is what was seen in it
    model.drop = DropShares(video=1, text=0, physics=0)
    assert equal(dict(model.modulation(batch, draws)), dict(dropped))
    model.drop = DropShares(video=0, text=0, physics=0)
    kept = model.modulation(batch, draws)
    assert not any(torch.equal(kept[name], dropped[name]) for name in kept)


def test_every_parameter_of_an_adapter_gets_a_gradient(clips):
    model = objective()
    for parameter in model.adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    batch, draws = batch_and_draws(clips)
    draws = replace(draws, u_physics=torch.tensor([0.0, 1.0] * 4))
    hidden = replace(batch.objects, visible=batch.objects.visible.clone())
    hidden.visible[:, ::2] = False  # some frames occluded, some masses and speeds unknown
    hidden.mass_kg[0], hidden.speed_m_s[1, 0] = float("nan"), float("nan")
    model(replace(batch, objects=hidden), draws).mean().backward()
    without = [name for name, p in model.adapter.named_parameters() if p.grad is None]
    assert without == []


def test_swapped_physics_is_the_next_clips(clips):
    batch = read_rows(clips, torch.arange(4).numpy()).to("cpu")
    other = swapped_physics(batch)
    assert torch.equal(other.objects.mass_kg, batch.objects.mass_kg.roll(-1))
    assert torch.equal(other.objects.objects, batch.objects.objects)
    assert swapped_physics(replace(batch, objects=None)) is None


# -- the run -------------------------------------------------------------------------------------


def test_stop_and_resume_is_the_straight_run_to_the_bit(clips, others, tmp_path):
    straight, stopped, resumed = objective(), objective(), objective()
    train_objective(straight, CONFIG, tmp_path / "straight", clips, validation=others)
    half = train_objective(stopped, CONFIG, tmp_path / "two", clips, until_step=3)
    assert (half.steps, half.finished) == (3, False)
    with pytest.raises(ConfigurationError, match="--resume"):
        train_objective(objective(), CONFIG, tmp_path / "two", clips)
    with pytest.raises(FormatError, match=r"seed was 3, is 4"):
        train_objective(objective(), replace(CONFIG, seed=4), tmp_path / "two", clips, resume=True)
    done = train_objective(resumed, CONFIG, tmp_path / "two", clips, validation=others, resume=True)
    assert done.finished
    assert equal(weights(straight), weights(resumed))
    names = [
        sorted(p.name for p in (tmp_path / run / "averages").iterdir())
        for run in ("straight", "two")
    ]
    assert names[0] == names[1]
    assert "0.05-00000004.safetensors" in names[0]
    for name in names[0]:
        one, two = (tmp_path / run / "averages" / name for run in ("straight", "two"))
        assert equal(load_file(one), load_file(two))
    entries = [
        json.loads(line) for line in (tmp_path / "two" / "log.jsonl").read_text().splitlines()
    ]
    assert [entry["step"] for entry in entries if "loss" in entry] == [3, 6]
    page = (tmp_path / "two" / "index.html").read_text()
    assert "data:image/png;base64," in page
    assert (tmp_path / "two" / "loss.png").stat().st_size > 1000


def test_an_interrupted_save_leaves_a_whole_checkpoint(clips, tmp_path):
    train_objective(objective(), CONFIG, tmp_path, clips, until_step=2)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    (tmp_path / "checkpoint.new").mkdir()
    with pytest.raises(ConfigurationError, match="--resume"):
        train_objective(objective(), CONFIG, tmp_path, clips)  # nothing is begun anew over it
    done = train_objective(objective(), CONFIG, tmp_path, clips, resume=True)
    assert done.steps == 6
    (tmp_path / "checkpoint" / "weights.safetensors").write_bytes(b"cut")
    with pytest.raises(FormatError, match="damaged"):
        train_objective(objective(), CONFIG, tmp_path, clips, resume=True)
    with pytest.raises(FormatError, match="no checkpoint"):
        train_objective(objective(), CONFIG, tmp_path / "new", clips, resume=True)


def test_a_checkpoint_of_another_network_is_refused(clips, tmp_path):
    train_objective(objective(adapter=False), CONFIG, tmp_path, clips, until_step=1)
    with pytest.raises(FormatError, match="another network"):
        train_objective(objective(), CONFIG, tmp_path, clips, resume=True)


@pytest.mark.parametrize("micro_batch", [1, 3])
def test_micro_batches_do_not_change_the_result(clips, tmp_path, micro_batch):
    results = []
    for size in (None, micro_batch):
        model = objective()
        config = replace(CONFIG, steps=2, micro_batch=size)
        train_objective(model, config, tmp_path / str(size), clips)
        results.append(weights(model))
    for name in results[0]:
        torch.testing.assert_close(results[0][name], results[1][name], rtol=1e-4, atol=2e-6)


PROCESS = """
import sys
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
sys.path.insert(0, sys.argv[2])
from test_train_loop import CONFIG, objective
from dataclasses import replace
from pavas_sdk.training.datasets import FeatureSet, Mixture
from pavas_sdk.training.train_loop import train_objective
from safetensors.torch import save_file
model = objective()
out = sys.argv[4]
train_objective(model, replace(CONFIG, steps=2), out, Mixture([FeatureSet(sys.argv[3])]))
save_file({n: p.detach().contiguous() for n, p in model.named_parameters()}, f"{out}/rank-{sys.argv[5]}")
"""


def test_two_processes_are_one(clips, tmp_path):
    here = Path(__file__)
    straight = objective()
    train_objective(straight, replace(CONFIG, steps=2), tmp_path / "one", clips)
    started = []
    for rank in (0, 1):
        environment = {
            **os.environ,
            "RANK": str(rank),
            "LOCAL_RANK": str(rank),
            "WORLD_SIZE": "2",
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(29_000 + os.getpid() % 1000),
            "ACCELERATE_USE_CPU": "true",
            "OMP_NUM_THREADS": "1",
        }
        paths = [str(here.parent), str(here.parents[2]), str(clips.sets[0].folder)]
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", PROCESS, *paths, str(tmp_path / "two"), str(rank)],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in started:
        _, err = process.communicate(timeout=300)
        assert process.returncode == 0, err[-3000:]
    ranks = [load_file(tmp_path / "two" / f"rank-{rank}") for rank in (0, 1)]
    assert equal(*ranks)
    for name, value in weights(straight).items():
        torch.testing.assert_close(ranks[0][name], value, rtol=1e-4, atol=2e-6)


class Breaks(FlowObjective):
    """Its loss is not a number in one step, or in all."""

    bad = ()

    def forward(self, batch, draws):
        losses = super().forward(batch, draws)
        return losses * float("nan") if batch.step in self.bad else losses


def test_a_bad_step_is_skipped_and_counted(clips, tmp_path):
    model = objective()
    model.__class__ = Breaks
    model.bad = (1,)
    before = weights(model)
    run = TrainingRun(model, CONFIG)
    moved = []
    for step in range(3):
        update = run.update([batch_and_draws(clips, step)], count=1, total_rows=8)
        moved.append(not equal(before, weights(model)))
        assert update.skipped is (step == 1)
        before = weights(model)
    assert moved == [True, False, True]
    assert run.skipped == 1
    assert all(average.updates == 2 for average in run.averages)
    model.bad = range(100)
    config = replace(CONFIG, steps=50, max_bad_steps=3)
    with pytest.raises(PavasError, match="3 steps in a row"):
        train_objective(model, config, tmp_path, clips)


def test_bfloat16_trains_and_keeps_weights_float32(clips, tmp_path):
    model = objective()
    result = train_objective(model, replace(CONFIG, mixed_precision="bf16"), tmp_path, clips)
    assert result.finished
    assert {p.dtype for p in model.parameters()} == {torch.float32}


def test_validation_is_the_same_each_time_and_drops_nothing(others):
    model = objective(drop=DropShares(video=1, text=1, physics=1))
    model.train()
    numbers = [
        validation_losses(model, others, rows=16, seed=1, device="cpu", micro_batch=size)
        for size in (16, 5)
    ]
    assert numbers[0]["validation"] == pytest.approx(numbers[1]["validation"], rel=1e-5)
    assert numbers[0] == validation_losses(model, others, rows=16, seed=1, device="cpu")
    assert model.training
    assert model.drop.video == 1
    # a fresh adapter does not look at the physics
    assert numbers[0]["swapped"] == pytest.approx(numbers[0]["validation"], rel=1e-6)


def test_frozen_parts_stay(clips, tmp_path):
    model = objective()
    model.transformer.requires_grad_(False)
    before = weights(model)
    train_objective(model, CONFIG, tmp_path, clips)
    after = weights(model)
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"adapter"}


def test_a_tracker_that_is_not_there_is_said(clips, tmp_path, monkeypatch):
    monkeypatch.setattr("pavas_sdk.training.train_loop.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="pip install wandb"):
        train_objective(objective(), CONFIG, tmp_path, clips, tracker="wandb")


def test_tensorboard_hears_the_losses(clips, tmp_path):
    pytest.importorskip("tensorboard")
    train_objective(objective(), CONFIG, tmp_path, clips, tracker="tensorboard")
    assert list(tmp_path.rglob("events.out.tfevents.*"))


def test_a_full_disk_is_a_typed_error(clips, tmp_path, monkeypatch):
    def full(*args, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    train_objective(objective(), CONFIG, tmp_path, clips, until_step=2)
    monkeypatch.setattr("pavas_sdk.training.checkpoint.save_file", full)
    with pytest.raises(OutputError, match="--resume"):
        train_objective(objective(), CONFIG, tmp_path, clips, resume=True)
    assert not (tmp_path / "checkpoint.new").exists()
    monkeypatch.undo()
    assert train_objective(objective(), CONFIG, tmp_path, clips, resume=True).finished


def test_nothing_to_train_is_refused(clips, tmp_path):
    model = objective()
    model.requires_grad_(False)
    with pytest.raises(ConfigurationError, match="requires a gradient"):
        train_objective(model, CONFIG, tmp_path, clips)


# -- it learns ---------------------------------------------------------------------------------


def learns(steps, learning_rate):
    return RunConfig(
        steps=steps,
        batch=16,
        mixed_precision="no",
        optimisation=Optimisation(
            learning_rate=learning_rate, warmup=20, schedule="cosine", betas=(0.9, 0.99)
        ),
        average=AverageConfig(sigma_rels=(0.05,), keep_every=1000),
        validate_every=1000,
    )


def loss_on(model, clips, draws=4):
    return validation_losses(
        model, clips, rows=32, seed=1, device="cpu", micro_batch=32, draws_per_clip=draws
    )


def test_stages_learn(clips, others, tmp_path):
    """Stage 1 learns when it sounds; stage 2 how loud, from the mass; a LoRA learns, too."""
    model = objective(adapter=False)
    model.transformer.reset_parameters()
    before = loss_on(model, clips, draws=1)["validation"]
    train_objective(model, learns(160, 4e-3), tmp_path / "one", clips)
    stage1 = loss_on(model, clips, draws=1)["validation"]
    assert stage1 < 0.5 * before
    unseen = loss_on(model, others)["validation"]

    many = Mixture([FeatureSet(write_features(tmp_path / "many", count=256, first=1000))])
    both = FlowObjective(
        copy.deepcopy(model.transformer),
        objective().adapter,
        frame_rate_hz=LAYOUT.frame_rate_hz,
        latent_rate_hz=31.25,
    )
    train_objective(both, learns(150, 1e-2), tmp_path / "two", many)
    stage2 = loss_on(both, others)
    assert stage2["validation"] < 0.9 * unseen
    assert stage2["swapped"] > 1.15 * stage2["validation"]

    pytest.importorskip("peft")
    every_map = r".*(linear1|w[123]|qkv|adaLN_modulation\.1)"
    add_lora(model.transformer, rank=4, targets=every_map)
    assert loss_on(model, clips, draws=1)["validation"] == stage1
    train_objective(model, learns(60, 3e-2), tmp_path / "lora", clips)
    assert loss_on(model, clips, draws=1)["validation"] < 0.97 * stage1
