"""Impacts that a person adds, moves or removes are what an adapter with impacts is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pavas_sdk import PhysicsEstimate
from pavas_sdk.media import MemorySource
from pavas_sdk.pipelines.flow import latent_times_s
from pavas_sdk.testing.tiny_pipeline import fill_zeros, untrained_adapter

NEAR_S = 0.08  # two physics frames


@pytest.fixture
def with_impacts(pipe):
    """The shared pipeline with another adapter, for one test."""
    plain = pipe.conditioning_adapter
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        adapter = untrained_adapter(pipe.transformer, patch_dim=16, impacts=True)
        fill_zeros(adapter)
    pipe.conditioning_adapter = adapter
    yield pipe
    pipe.conditioning_adapter = plain


@pytest.fixture
def modulation(pipe, clip):
    """Deltas of the audio stream's latents, and when those are."""
    (window,) = pipe.plan_windows(clip.video.duration_s)
    seen = pipe.encode_video(MemorySource(clip.video), window)
    times_s = latent_times_s(window, pipe.sequence.latent_rate_hz)

    def modulation(physics):
        state = pipe.encode_physics(physics, clip.masks, seen)
        deltas = pipe.conditioning_adapter.modulation(state, seen.times_s, times_s)
        return times_s, torch.cat(list(deltas.values()), dim=-1)[0].detach().numpy()

    return modulation


def changed(first, second) -> np.ndarray:
    """Times of the latents at which two modulations differ."""
    (times_s, one), (_, two) = first, second
    return times_s[np.abs(one - two).max(axis=1) > 0]


def test_an_added_impact_changes_what_is_around_it(with_impacts, modulation, physics):
    still = PhysicsEstimate(
        objects=physics.objects, duration_s=physics.duration_s, known_impacts=()
    )
    moments = changed(modulation(still), modulation(still.with_impact(0, 0.5, energy_change_j=1)))
    assert moments.size >= 2
    assert np.abs(moments - 0.5).max() < NEAR_S


def test_a_moved_impact_moves_what_is_around_it(with_impacts, modulation, physics):
    there = physics.with_impact(0, 0.3, energy_change_j=0.5)
    moved = there.move_impact(0, 0.3, 0.7)
    moments = changed(modulation(there), modulation(moved))
    near = [np.abs(moments - time_s) < NEAR_S for time_s in (0.3, 0.7)]
    assert near[0].any()
    assert near[1].any()
    assert (near[0] | near[1]).all()
    back = moved.move_impact(0, 0.7, 0.3)
    assert changed(modulation(there), modulation(back)).size == 0
    gone = moved.without_impact(0, 0.7)
    assert changed(modulation(physics), modulation(gone)).size == 0


def test_energy_and_time_within_a_frame_are_told(with_impacts, modulation, physics):
    one = modulation(physics.with_impact(0, 0.50, energy_change_j=0.5))
    stronger = modulation(physics.with_impact(0, 0.50, energy_change_j=0.6))
    later = modulation(physics.with_impact(0, 0.51, energy_change_j=0.5))
    for other in (stronger, later):
        moments = changed(one, other)
        assert moments.size
        assert np.abs(moments - 0.5).max() < NEAR_S


def test_what_a_file_says_is_what_the_adapter_is_told(with_impacts, modulation, physics, tmp_path):
    edited = physics.with_impact(0, 0.4, energy_change_j=0.5)
    edited.save(tmp_path / "edited.json")
    read = PhysicsEstimate.load(tmp_path / "edited.json")
    assert changed(modulation(edited), modulation(read)).size == 0


def test_an_impact_after_an_object_was_last_seen_is_told(with_impacts, clip):
    (window,) = with_impacts.plan_windows(clip.video.duration_s)
    seen = with_impacts.encode_video(MemorySource(clip.video), window)
    early = PhysicsEstimate(
        objects=[_seen_until(clip.physics[0], 0.0)], duration_s=clip.physics.duration_s + 9.0
    )
    late = seen.times_s + 5.0
    seen = type(seen)(pooled=seen.pooled, patches=seen.patches, sync=seen.sync, times_s=late)
    nothing = with_impacts.encode_physics(early, {}, seen)
    unknown = with_impacts.encode_physics(early, {}, seen, told=False)
    assert torch.equal(unknown.impact, with_impacts.conditioning_adapter.null_state(1, 25).impact)
    assert not torch.equal(nothing.impact, unknown.impact)
    hit = early.with_impact(0, 5.5, energy_change_j=1.0)
    assert not torch.equal(with_impacts.encode_physics(hit, {}, seen).impact, nothing.impact)


def _seen_until(entry, time_s):
    known = entry.speed_times_s <= max(time_s, entry.speed_times_s[0])
    return replace(
        entry,
        speed_times_s=entry.speed_times_s[known],
        speed_m_s=entry.speed_m_s[known],
        velocity_m_s=None,
    )


def test_without_the_stream_impacts_change_not_one_bit(sound, same, physics, modulation):
    edited = physics.with_impact(0, 0.4, energy_change_j=5.0)
    assert changed(modulation(physics), modulation(edited)).size == 0
    assert same(sound(), sound(physics=edited))


def test_with_the_stream_they_are_heard(with_impacts, sound, same, physics):
    edited = physics.with_impact(0, 0.4, energy_change_j=5.0)
    first, second = sound(), sound(physics=edited)
    assert not same(first, second)
    assert second.provenance["physics"]["edits"] == ["impact of object 0 at 0.4 s added"]
    assert len(second.provenance["physics"]["impacts"]) == len(physics.impacts()) + 1
