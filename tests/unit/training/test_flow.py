"""The objective, the loop and its resume, on a world of a few numbers."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from training_world import CONFIG

from pavas_sdk.errors import ConfigurationError, FormatError
from pavas_sdk.models import MEL_48K, LinearMelCodec, TinySyncEncoder, TinyVisualEncoder
from pavas_sdk.registry import default_registry
from pavas_sdk.training import (
    BatchConfig,
    ClipStore,
    FeatureBank,
    FlowTraining,
    Sampling,
    draw_batch,
    flow_loss,
    train_flow,
    validate,
    whole_clips,
)
from pavas_sdk.training.assembly import TinySize, build_flow_model, physics_statistics
from pavas_sdk.training.features import write_features
from pavas_sdk.training.loop import learning_rate_schedule
from pavas_sdk.training.validation import impact_levels, sample_mel

CLIPS = np.arange(10)
SIZE = TinySize(
    latent_channels=12,
    transformer={
        "hidden_dim": 32,
        "num_heads": 2,
        "depth": 2,
        "fused_depth": 1,
        "mlp_ratio": 1.0,
        "mlp_multiple_of": 16,
        "input_kernel_size": 3,
        "block_kernel_size": 1,
        "time_embed_dim": 16,
        "modulation_rank": 8,
    },
    adapter={"hidden_dim": 24, "mixer_rank": 4, "num_frequencies": 6, "mass_unit_kg": 0.1},
)
TRAINING = FlowTraining(
    steps=8, warmup=2, batches=BatchConfig(batch=4, latents=20), ema_decay=0.9, save_every_s=1e9
)


@pytest.fixture(scope="module")
def world(store_folder, tmp_path_factory):
    torch.manual_seed(0)
    store = ClipStore(store_folder)
    visual, sync = TinyVisualEncoder().eval(), TinySyncEncoder().eval()
    codec = LinearMelCodec.for_mel(MEL_48K, latent_channels=12)
    codec.fit(torch.tensor(store.all("mel")[:, 0].astype(np.float32)))
    path = tmp_path_factory.mktemp("features") / "features.npz"
    write_features(store, visual, sync, codec, path)
    return store, FeatureBank.load([path], store), visual, sync, codec


@pytest.fixture
def build(world):
    _, bank, visual, sync, _ = world
    latents = bank.latents.astype(np.float32).reshape(-1, 12)

    def build(with_physics=True, **adapter):
        return build_flow_model(
            replace(SIZE, adapter={**SIZE.adapter, **adapter}),
            visual=visual,
            sync=sync,
            channel_std=latents.std(axis=0),
            latent_mean=latents.mean(axis=0),
            statistics=physics_statistics(
                bank.true, CLIPS, 0.1, impact_unit_j=0.01 if adapter else None
            ),
            adapter_class=default_registry().get("conditioning_adapter", "phy-adapter").load(),
            with_physics=with_physics,
        )

    return build


def test_features_have_the_shapes_of_the_clock(world):
    _, bank, *_ = world
    assert bank.pooled.shape == (10, 32, 64)
    assert bank.sync.shape == (10, 64, 64)
    assert bank.latents.shape == (10, 2, 40, 12)
    assert bank.true.objects.shape == (10, 2, 32, 64)
    assert bank.true.valid.tolist() == [[True, False]] * 10
    assert bank.true.visible[:, 0].all()
    assert not bank.true.visible[:, 1].any()
    assert np.abs(bank.text[:, 0]).sum() > 0
    assert np.abs(bank.text[:, 1]).sum() == 0


def test_the_flow_sees_unit_mean_square_and_unequal_channels(world, build):
    _, bank, *_ = world
    seen = build().transformer.normalize(torch.tensor(bank.latents.astype(np.float32)))
    flat = seen.flatten(0, 2)
    assert float(flat.square().mean()) == pytest.approx(1.0, abs=0.02)
    assert float(flat.std(dim=0)[0]) > 1.5 * float(flat.std(dim=0)[-1])


def test_statistics_are_those_of_the_transformed_masses(world):
    _, bank, *_ = world
    stats = physics_statistics(bank.true, CLIPS, 0.1)
    mass = bank.true.mass_kg[np.isfinite(bank.true.mass_kg)]
    assert stats["mass_mean"] == pytest.approx(np.log1p(mass / 0.1).mean(), abs=1e-3)
    speed = bank.true.speed_m_s[np.isfinite(bank.true.speed_m_s)]
    assert stats["speed_std_m_s"] == pytest.approx(speed.std(), abs=1e-2)


def test_statistics_of_impacts_are_those_of_the_frames_that_have_some(world):
    _, bank, *_ = world
    stats = physics_statistics(bank.true, CLIPS, 0.1, impact_unit_j=0.01)
    energy = bank.true.impact_energy_j
    energy = np.log1p(energy[np.isfinite(energy) & (energy > 0)] / 0.01)
    assert stats["impact_mean"] == pytest.approx(energy.mean(), abs=1e-3)
    assert stats["impact_std"] == pytest.approx(energy.std(), abs=1e-3)
    assert "impact_mean" not in physics_statistics(bank.true, CLIPS, 0.1)
    still = replace(bank.true, impact_energy_j=np.zeros_like(bank.true.impact_energy_j))
    with pytest.raises(ConfigurationError, match="impacts in 0 frames"):
        physics_statistics(still, CLIPS, 0.1, impact_unit_j=0.01)


def test_impacts_reach_the_loss_of_a_model_that_uses_them(world, build):
    _, bank, *_ = world
    batch = whole_clips(bank, CLIPS[:2])
    assert batch.impact_energy_j.any()
    other = replace(batch, impact_energy_j=batch.impact_energy_j * 3)
    off = torch.zeros(2, dtype=torch.bool)
    time, noise = torch.full((2,), 0.5), torch.zeros_like(batch.latents)
    for options, is_heard in (({}, False), ({"impacts": True, "impact_unit_j": 0.01}, True)):
        model = build(**options)
        torch.manual_seed(1)
        for parameter in model.parameters():
            if parameter.requires_grad:
                torch.nn.init.normal_(parameter, std=0.2)
        losses = [model(one, noise, time).item() for one in (batch, other)]
        assert (losses[0] != losses[1]) == is_heard
        dropped = [model(replace(one, keep_physics=off), noise, time) for one in (batch, other)]
        assert dropped[0].item() == dropped[1].item()


def test_the_stream_of_impacts_learns(world, build, tmp_path):
    _, bank, *_ = world
    model = build(impacts=True, impact_unit_j=0.01)
    before = {name: value.clone() for name, value in model.adapter.state_dict().items()}
    train_flow(model, bank, CLIPS, TRAINING, tmp_path)
    after = model.adapter.state_dict()
    still = [name for name in after if "impact" in name and torch.equal(before[name], after[name])]
    assert still == []


def test_stored_sums_equal_the_adapter_on_the_whole_grid(world, build):
    """One vector per object stands for the grid: Eq. 4 is linear, so nothing may change."""
    store, bank, visual, *_ = world
    adapter = build().adapter
    torch.manual_seed(3)
    for parameter in adapter.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    batch = whole_clips(bank, CLIPS[:1])
    model = build()
    model.adapter = adapter
    short = model.modulation(batch)
    frames = torch.tensor(np.asarray(store.get("frames", 0))).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        patches = visual.encode_image(frames).patches[None]
    masks = torch.tensor(np.asarray(store.get("masks", 0)))[None].float() / 255
    state = adapter.encode(patches, masks, batch.mass_kg, batch.speed_m_s, batch.valid)
    whole = adapter.modulation(state, *model.times_s(32, 40))
    for name, delta in whole.items():
        torch.testing.assert_close(short[name], delta, rtol=0.02, atol=0.02)


def test_loss_is_one_draw_per_seed_and_step(world, build):
    _, bank, *_ = world
    model = build()
    batch = draw_batch(bank, CLIPS, TRAINING.batches, 0, 0)
    assert flow_loss(model, batch, 0, 1).item() == flow_loss(model, batch, 0, 1).item()
    assert flow_loss(model, batch, 0, 1).item() != flow_loss(model, batch, 0, 2).item()


def test_times_move_towards_the_noise():
    class Times(torch.nn.Module):
        def forward(self, batch, noise, time):
            return time.mean()

    batch = SimpleNamespace(latents=torch.zeros(4000, 1, 1))
    means = [
        flow_loss(Times(), batch, 0, 0, time_logit_mean=mean).item() for mean in (-0.4, 0.0, 0.4)
    ]
    assert means[1] == pytest.approx(0.5, abs=0.02)
    assert means[0] + means[2] == pytest.approx(1.0, abs=0.03)
    assert means[0] < 0.45


def test_a_share_of_the_times_is_near_the_noise():
    class Times(torch.nn.Module):
        def forward(self, batch, noise, time):
            return (time < 0.1).float().mean()

    def early(share: float, mean: float) -> float:
        numbers = {"time_logit_mean": -0.6, "early_share": share, "early_logit_mean": mean}
        return flow_loss(Times(), batch, 0, 0, **numbers).item()

    batch = SimpleNamespace(latents=torch.zeros(8000, 1, 1))
    # normal(-0.6, 1) is below logit(0.1) = -2.20 with probability 0.055, normal(-2.5, 1) with 0.619
    assert early(0.0, -2.5) == pytest.approx(0.055, abs=0.01)
    assert early(1.0, -2.5) == pytest.approx(0.619, abs=0.02)
    assert early(0.5, -2.5) == pytest.approx(0.337, abs=0.02)
    assert early(0.5, -0.6) == early(0.0, -2.5)


def test_dropped_rows_do_not_see_their_features(world, build):
    _, bank, *_ = world
    model = build()
    torch.manual_seed(1)
    for parameter in model.parameters():
        if parameter.requires_grad:
            torch.nn.init.normal_(parameter, std=0.2)
    batch = whole_clips(bank, CLIPS[:2])
    off = torch.zeros(2, dtype=torch.bool)
    batch = replace(batch, keep_clip=off, keep_sync=off, keep_physics=off)
    other = replace(
        batch,
        clip=batch.clip + 1,
        sync=batch.sync - 1,
        mass_kg=batch.mass_kg * 9,
        speed_m_s=batch.speed_m_s * 3,
    )
    time, noise = torch.full((2,), 0.5), torch.zeros_like(batch.latents)
    assert model(batch, noise, time).item() == model(other, noise, time).item()
    kept = replace(batch, keep_physics=~off)
    assert model(kept, noise, time).item() != model(batch, noise, time).item()


def test_resume_is_exact(world, build, tmp_path):
    _, bank, *_ = world
    straight, broken = build(), build()
    for name in ("straight", "broken"):
        (tmp_path / name).mkdir()
    train_flow(straight, bank, CLIPS, TRAINING, tmp_path / "straight")
    train_flow(broken, bank, CLIPS, TRAINING, tmp_path / "broken", until_step=3)
    fresh = build()
    losses = train_flow(fresh, bank, CLIPS, TRAINING, tmp_path / "broken", resume=True)
    # accelerate moves no model with this mark to the GPU, and the same one may go on in a process
    assert "_is_accelerate_prepared" not in vars(broken)
    for (name, a), b in zip(
        straight.state_dict().items(), fresh.state_dict().values(), strict=True
    ):
        assert torch.equal(a, b), name
    assert len(losses) == 2
    assert not (tmp_path / "broken" / "checkpoint.new").exists()
    assert not (tmp_path / "broken" / "checkpoint.old").exists()


def test_training_learns(world, build, tmp_path):
    _, bank, *_ = world
    model = build()
    training = replace(TRAINING, steps=60, warmup=5, peak_learning_rate=3e-3)
    losses = train_flow(model, bank, CLIPS, training, tmp_path)
    untrained = build()
    with torch.no_grad():  # the same crops, noise and times as those of the last ten steps
        before = [
            flow_loss(
                untrained,
                draw_batch(bank, CLIPS, training.batches, training.seed, step),
                training.seed,
                step,
            ).item()
            for step in range(50, 60)
        ]
    assert losses[-1] < 0.9 * np.mean(before)
    fixed = draw_batch(bank, CLIPS, replace(TRAINING.batches, batch=10), 9, 9)
    with torch.no_grad():
        assert flow_loss(model, fixed, 1, 1).item() < flow_loss(build(), fixed, 1, 1).item()


def test_the_twin_has_no_adapter(world, build, tmp_path):
    _, bank, *_ = world
    twin = build(with_physics=False)
    assert twin.modulation(whole_clips(bank, CLIPS[:1])) is None
    train_flow(twin, bank, CLIPS, replace(TRAINING, steps=2), tmp_path)


def test_checkpoints_show_the_average_and_give_the_parameters_back(world, build, tmp_path):
    _, bank, *_ = world
    model = build()
    seen = []

    def look(averaged, step):
        seen.append((step, next(averaged.transformer.fused_blocks.parameters()).clone()))

    train_flow(model, bank, CLIPS, TRAINING, tmp_path, on_checkpoint=look)
    assert [step for step, _ in seen] == [8]
    assert torch.equal(seen[0][1], next(model.transformer.fused_blocks.parameters()))


def test_looking_at_the_average_changes_nothing(world, build, tmp_path):
    _, bank, *_ = world
    plain, watched = build(), build()
    train_flow(plain, bank, CLIPS, TRAINING, tmp_path / "plain")
    every_step = replace(TRAINING, save_every_s=0.0)
    seen = []
    train_flow(
        watched,
        bank,
        CLIPS,
        every_step,
        tmp_path / "watched",
        on_checkpoint=lambda _, n: seen.append(n),
    )
    assert seen == list(range(1, 9))
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_of_version_0_1_0_is_refused(world, build, tmp_path):
    _, bank, *_ = world
    train_flow(build(), bank, CLIPS, TRAINING, tmp_path, until_step=2)
    place = tmp_path / "checkpoint" / "custom_checkpoint_1.pkl"
    state = torch.load(place)
    torch.save({"step": state["step"], "losses": state["losses"]}, place)
    with pytest.raises(FormatError, match=r"format version 1.*train anew"):
        train_flow(build(), bank, CLIPS, TRAINING, tmp_path, resume=True)


def test_without_warm_up_the_rate_begins_at_the_peak():
    training = FlowTraining(steps=10, warmup=0)
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.AdamW([weight], lr=training.peak_learning_rate)
    learning_rate_schedule(optimizer, training)
    assert optimizer.param_groups[0]["lr"] == training.peak_learning_rate


def test_learning_rate_rises_and_falls():
    training = FlowTraining(steps=1000, warmup=100)
    optimizer = torch.optim.AdamW(
        [torch.nn.Parameter(torch.zeros(1))], lr=training.peak_learning_rate
    )
    schedule = learning_rate_schedule(optimizer, training)
    rates = []
    for _ in range(1000):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates[0] == pytest.approx(training.peak_learning_rate / 100)
    assert int(np.argmax(rates)) in (99, 100)
    assert rates[-1] == pytest.approx(training.peak_learning_rate * 0.02, rel=0.02)
    assert (np.diff(rates[100:]) <= 0).all()


def test_validation_reads_levels_off_the_spectrogram(world):
    store = world[0]
    mel = torch.tensor(store.all("mel")[:, 0].astype(np.float32))
    levels = impact_levels(mel, store, CLIPS)
    assert levels.level_db.size > 4
    louder = impact_levels(mel + 0.5, store, CLIPS)
    np.testing.assert_allclose(louder.level_db - levels.level_db, 10.0, atol=0.5)
    order = np.argsort(levels.energy_change_j)
    assert np.corrcoef(np.log(levels.energy_change_j[order]), levels.level_db[order])[0, 1] > 0.9


def test_validation_figures(world, build):
    store, bank, _, _, codec = world
    figures = validate(
        build(), codec, bank, store, CLIPS[:4], Sampling(steps=2, guidance_scale=2.0), edits=True
    )
    assert set(figures) >= {"spearman", "level_error_db", "mass_x2_right", "speed_x0.5_db"}
    assert figures["spearman_truth"] > 0.8


def test_sampling_does_not_depend_on_the_chunk(world, build):
    _, bank, _, _, codec = world
    model, batch = build(), whole_clips(bank, CLIPS[:3])
    one = sample_mel(model, codec, batch, Sampling(steps=2, chunk=1))
    all_at_once = sample_mel(model, codec, batch, Sampling(steps=2, chunk=8))
    torch.testing.assert_close(one, all_at_once, rtol=1e-3, atol=1e-3)


def test_accelerate_is_named_when_it_is_missing(world, build, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ConfigurationError, match=r"pavas-sdk\[train\]"):
        train_flow(build(), world[1], CLIPS, TRAINING, tmp_path)


def test_config_of_the_store_fits(world):
    assert world[0].config == CONFIG
