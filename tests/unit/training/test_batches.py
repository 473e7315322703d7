"""Crops: everything on one time grid, the right share dropped, the same batch for the same step."""

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training import BatchConfig, FeatureBank, PhysicsSet, draw_batch, whole_clips

NOTHING_DROPPED = BatchConfig(
    batch=8,
    latents=10,
    near_contact=0,
    drop_physics=0,
    drop_visual=0,
    drop_all=0,
    other_picture=0,
    drop_clip=0,
    drop_text=0,
    drop_mass=0,
    drop_speed=0,
    drop_mask=0,
    miss_frames=0,
    speed_noise=0,
    drop_impacts=0,
)
CLIPS = np.arange(5)


def bank(estimates: bool = False) -> FeatureBank:
    """Every feature tells its own time in milliseconds, and its clip."""
    clips, takes, objects, frames, latents = 5, 2, 3, 32, 40

    def ramp(count: int, rate: float, *tail: int) -> np.ndarray:
        time = (np.arange(count) / rate).reshape(-1, *(1,) * len(tail))
        return np.broadcast_to(time, (count, *tail))

    def physics(mass: float) -> PhysicsSet:
        return PhysicsSet(
            objects=np.stack([np.stack([ramp(frames, 25, 6)] * objects)] * clips).astype(
                np.float16
            ),
            visible=np.ones((clips, objects, frames), dtype=bool),
            mass_kg=np.full((clips, takes, objects), mass, dtype=np.float32),
            speed_m_s=np.stack(
                [np.stack([np.stack([ramp(frames, 25)] * objects)] * takes)] * clips
            ).astype(np.float32),
            impact_energy_j=np.stack(
                [np.stack([np.stack([ramp(frames, 25)] * objects)] * takes)] * clips
            ).astype(np.float32),
            valid=np.array([[True, True, False]] * clips),
        )

    return FeatureBank(
        pooled=np.stack([ramp(frames, 25, 4)] * clips).astype(np.float16),
        sync=np.stack([ramp(2 * frames, 50, 3)] * clips).astype(np.float16),
        latents=np.stack([np.stack([ramp(latents, 31.25, 2)] * takes)] * clips).astype(np.float16),
        text=np.ones((clips, takes, 2, 5), dtype=np.float16),
        weight=np.stack([np.stack([ramp(latents, 31.25)] * takes)] * clips).astype(np.float32),
        true=physics(1.0),
        edited=np.zeros((clips, takes), dtype=bool),
        estimated=physics(7.0) if estimates else None,
        has_estimate=np.array([True, True, True, True, False]) if estimates else None,
    )


def test_all_parts_of_a_crop_show_the_same_time():
    batch = draw_batch(bank(), CLIPS, NOTHING_DROPPED, 0, 3)
    starts = batch.latents[:, 0, 0]
    assert starts.unique().numel() > 1
    for part in (
        batch.clip,
        batch.sync,
        batch.objects[:, 0],
        batch.speed_m_s[:, 0, :, None],
        batch.impact_energy_j[:, 0, :, None],
        batch.weight[:, :, None],
    ):
        np.testing.assert_allclose(part[:, 0, 0], starts, atol=2e-3)
    assert batch.latents.shape == (8, 10, 2)
    assert batch.clip.shape == (8, 8, 4)
    assert batch.sync.shape == (8, 16, 3)
    assert batch.objects.shape == (8, 3, 8, 6)


def test_crops_near_contacts_hold_one_wherever_it_is():
    whole = bank()
    for place in (0, 17, 39):
        weight = np.ones_like(whole.weight)
        weight[:, :, place] = 6.0
        marked = replace(whole, weight=weight)
        config = replace(NOTHING_DROPPED, near_contact=1.0, batch=32)
        starts = set()
        for step in range(4):
            batch = draw_batch(marked, CLIPS, config, 0, step)
            assert (batch.weight == 6.0).sum(dim=1).tolist() == [1] * 32
            starts |= set(batch.latents[:, 0, 0].tolist())
        assert len(starts) == {0: 1, 17: 2, 39: 1}[place]
    calm = replace(whole, weight=np.ones_like(whole.weight))
    drawn = draw_batch(calm, CLIPS, replace(NOTHING_DROPPED, near_contact=1.0), 0, 0)
    assert drawn.latents.shape == (8, 10, 2)


def test_a_step_is_the_same_batch_and_another_step_another():
    config = BatchConfig(batch=8, latents=10)
    one, two, other = (draw_batch(bank(), CLIPS, config, 0, step) for step in (5, 5, 6))
    for entry in fields(one):
        torch.testing.assert_close(
            getattr(one, entry.name), getattr(two, entry.name), rtol=0, atol=0, equal_nan=True
        )
    assert not torch.equal(one.latents, other.latents)


def test_nothing_is_dropped_when_nothing_is_to_be_dropped():
    batch = draw_batch(bank(), CLIPS, NOTHING_DROPPED, 0, 0)
    assert batch.keep_clip.all()
    assert batch.keep_sync.all()
    assert batch.keep_physics.all()
    assert batch.visible.all()
    assert torch.isfinite(batch.speed_m_s).all()
    assert torch.isfinite(batch.impact_energy_j).all()
    assert (batch.text == 1).all()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("drop_physics", "keep_physics"),
        ("drop_visual", "keep_sync"),
        ("drop_clip", "keep_clip"),
    ],
)
def test_shares_that_are_dropped(name, kept):
    config = replace(NOTHING_DROPPED, batch=2000, **{name: 0.25})
    batch = draw_batch(bank(), CLIPS, config, 1, 0)
    assert float(getattr(batch, kept).float().mean()) == pytest.approx(0.75, abs=0.04)


def test_the_empty_branch_has_nothing_at_all():
    batch = draw_batch(bank(), CLIPS, replace(NOTHING_DROPPED, batch=400, drop_all=0.5), 0, 0)
    assert 0.4 < float(batch.keep_sync.float().mean()) < 0.6
    for kept in (batch.keep_physics, batch.keep_clip, (batch.text != 0).flatten(1).all(dim=1)):
        assert torch.equal(kept, batch.keep_sync)


def test_physics_can_disagree_with_the_picture_and_is_then_kept():
    whole = bank(estimates=True)
    whole.pooled[:] = np.arange(5)[:, None, None]
    whole.sync[:] = np.arange(5)[:, None, None]
    whole.latents[:] = np.arange(5)[:, None, None, None]
    whole.true.objects[:] = np.arange(5)[:, None, None, None]
    config = replace(
        NOTHING_DROPPED, batch=4000, other_picture=0.5, drop_impacts=0.5, drop_physics=0.5
    )
    batch = draw_batch(whole, CLIPS, config, 0, 0)
    clip = batch.latents[:, 0, 0]
    told = batch.keep_physics & (batch.mass_kg[:, 0] != 7.0)
    other = batch.clip[:, 0, 0] != clip
    assert torch.equal(batch.clip[:, 0, 0], batch.sync[:, 0, 0])
    assert not other[~told].any()
    assert float(other[told].float().mean()) == pytest.approx(0.5 * 0.8, abs=0.05)
    assert torch.isfinite(batch.impact_energy_j[other]).all()
    assert torch.isnan(batch.impact_energy_j[~other]).any()
    foreign = batch.objects[:, 0, 0, 0] != clip
    assert not (foreign & told & ~other).any()
    assert float(foreign[other].float().mean()) == pytest.approx(0.5, abs=0.06)


def test_edited_takes_are_told_by_their_physics_or_not_used():
    whole = bank(estimates=True)
    whole.edited[:, 1] = True
    whole.latents[:, 1] = 9.0
    config = replace(NOTHING_DROPPED, batch=2000, drop_physics=0.5, drop_impacts=1.0)
    batch = draw_batch(whole, CLIPS, config, 0, 0)
    edited = batch.latents[:, 0, 0] == 9.0
    told = batch.keep_physics & (batch.mass_kg[:, 0] != 7.0)
    assert not edited[~told].any()
    assert float(edited[told].float().mean()) == pytest.approx(0.5, abs=0.05)
    assert torch.isfinite(batch.impact_energy_j[edited]).all()
    assert torch.isnan(batch.impact_energy_j[~edited]).all()


def test_parts_of_the_physics_go_missing():
    config = replace(
        NOTHING_DROPPED, batch=1000, drop_mass=0.2, drop_speed=0.2, drop_mask=0.2, drop_text=0.2
    )
    batch = draw_batch(bank(), CLIPS, config, 0, 0)
    assert float(torch.isnan(batch.mass_kg).float().mean()) == pytest.approx(0.2, abs=0.03)
    whole = torch.isnan(batch.speed_m_s).all(dim=2)
    assert float(whole.float().mean()) == pytest.approx(0.2, abs=0.03)
    hidden = ~batch.visible.any(dim=2)
    assert float(hidden.float().mean()) == pytest.approx(0.2, abs=0.03)
    silent = (batch.text == 0).flatten(1).all(dim=1)
    assert float(silent.float().mean()) == pytest.approx(0.2, abs=0.05)


def test_impacts_are_known_as_far_as_mass_and_speed_are():
    config = replace(NOTHING_DROPPED, batch=500, drop_mass=0.2, drop_speed=0.2, drop_impacts=0.2)
    batch = draw_batch(bank(), CLIPS, config, 0, 0)
    energy = batch.impact_energy_j
    unknown = torch.isnan(energy).all(dim=2)
    has_speed = ~torch.isnan(batch.speed_m_s).all(dim=2)
    has_mass = ~torch.isnan(batch.mass_kg)
    assert unknown[~has_speed].all()
    share = float(unknown[has_speed & has_mass].float().mean())
    assert share == pytest.approx(0.2, abs=0.05)
    assert torch.isfinite(energy[~unknown & has_mass]).all()
    without_mass = energy[has_speed & ~has_mass]
    assert without_mass.shape[0] > 100
    assert (torch.isnan(without_mass) | (without_mass == 0)).all()


def test_a_share_of_dropped_impacts_leaves_the_rest_of_a_batch_as_it_was():
    config = BatchConfig(batch=16, latents=10)
    one, two = (
        draw_batch(bank(), CLIPS, replace(config, drop_impacts=share), 0, 5) for share in (0, 1)
    )
    assert torch.isnan(two.impact_energy_j).all()
    for entry in fields(one):
        if entry.name != "impact_energy_j":
            torch.testing.assert_close(
                getattr(one, entry.name), getattr(two, entry.name), rtol=0, atol=0, equal_nan=True
            )


def test_estimates_are_used_where_there_are_some():
    config = replace(NOTHING_DROPPED, batch=1000, estimated_share=0.5)
    batch = draw_batch(bank(estimates=True), CLIPS, config, 0, 0)
    share = float((batch.mass_kg[:, 0] == 7.0).float().mean())
    assert share == pytest.approx(0.5, abs=0.05)
    none = draw_batch(bank(), CLIPS, config, 0, 0)
    assert (none.mass_kg[:, 0] == 1.0).all()


def test_whole_clips_and_their_edits():
    store = bank(estimates=True)
    batch = whole_clips(store, CLIPS[:2], take=1, mass_factor=2.0, speed_factor=0.5)
    assert batch.latents.shape == (2, 40, 2)
    assert batch.sync.shape == (2, 64, 3)
    assert (batch.mass_kg == 2.0).all()
    np.testing.assert_allclose(batch.speed_m_s[0, 0], 0.5 * np.arange(32) / 25, rtol=1e-5)
    # twice the mass, half the speed: half the energy
    np.testing.assert_allclose(batch.impact_energy_j[0, 0], 0.5 * np.arange(32) / 25, rtol=1e-5)
    estimated = whole_clips(store, CLIPS[:2], physics=store.estimated)
    assert (estimated.mass_kg == 7.0).all()


@pytest.mark.parametrize("latents", [0, 3, 12])
def test_crops_are_whole_units(latents):
    with pytest.raises(ConfigurationError, match="multiple of 5"):
        BatchConfig(latents=latents)


def test_a_crop_longer_than_the_clip_is_the_clip():
    batch = draw_batch(bank(), CLIPS, replace(NOTHING_DROPPED, latents=500), 0, 0)
    assert batch.latents.shape[1] == 40
