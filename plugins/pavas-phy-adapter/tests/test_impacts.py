"""The stream of impacts: an option that leaves the paper's two streams alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from pavas_phy_adapter import PhyAdapter

from pavas_sdk.errors import InputError


def deltas(adapter, inputs, times):
    with torch.no_grad():
        return adapter.modulation(inputs.encode(adapter), *times)


def test_it_is_off_by_default_and_energies_then_change_nothing(build, inputs, times):
    adapter = build(trained=True)
    assert not adapter.uses_impacts
    assert inputs.encode(adapter).impact is None
    assert adapter.null_state(1, 5).impact is None
    before = deltas(adapter, inputs, times)
    inputs.impact_energy_j = inputs.impact_energy_j + 3.0
    for name, delta in deltas(adapter, inputs, times).items():
        assert torch.equal(delta, before[name])


@pytest.mark.parametrize("gate", ["own", "joint"])
def test_the_other_streams_have_the_same_weights_and_states_with_it(build, inputs, gate):
    without, with_it = build(gate=gate), build(gate=gate, impacts=True)
    assert with_it.uses_impacts
    own = with_it.state_dict()
    for name, tensor in without.state_dict().items():
        assert torch.equal(tensor, own.pop(name)), name
    assert own
    assert all("impact" in name for name in own)
    first, second = inputs.encode(without), inputs.encode(with_it)
    assert torch.equal(first.mass, second.mass)
    assert torch.equal(first.speed, second.speed)


def test_added_to_a_trained_adapter_it_changes_nothing_at_first(build, inputs, times):
    trained, with_it = build(trained=True), build(impacts=True)
    missing = with_it.load_state_dict(trained.state_dict(), strict=False)
    assert missing.unexpected_keys == []
    before, after = deltas(trained, inputs, times), deltas(with_it, inputs, times)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_impact_is_told_in_its_frame_alone(build, inputs, times):
    adapter = build(trained=True, impacts=True)
    before = inputs.encode(adapter)
    inputs.impact_energy_j[0, 0, 3] += 5.0
    after = inputs.encode(adapter)
    moved = (before.impact != after.impact).any(dim=-1)
    assert moved.nonzero().tolist() == [[0, 3]]
    assert torch.equal(before.speed, after.speed)
    state_times, latent_times = times
    nearest = np.abs(state_times[None] - latent_times[:, None]).argmin(axis=1)
    first, second = (
        adapter.modulation(state, state_times, latent_times) for state in (before, after)
    )
    for name in first:
        changed = (first[name][0] != second[name][0]).any(dim=-1).numpy()
        np.testing.assert_array_equal(changed, nearest == 3)


def test_no_impact_an_unknown_energy_and_nothing_known_are_three_things(build, inputs):
    adapter = build(trained=True, impacts=True)
    inputs.impact_energy_j = torch.zeros_like(inputs.impact_energy_j)
    none = inputs.encode(adapter).impact[0]
    inputs.impact_energy_j = torch.full_like(inputs.impact_energy_j, torch.nan)
    unknown = inputs.encode(adapter).impact[0]
    inputs.impact_energy_j = None
    nothing = inputs.encode(adapter).impact[0]
    assert torch.equal(nothing, adapter.null_state(1, 5).impact[0])
    for first, second in ((none, unknown), (none, nothing), (unknown, nothing)):
        assert not torch.allclose(first, second)


def test_it_has_as_many_parameters_as_either_of_the_others(build):
    count = [
        sum(p.numel() for p in build(impacts=impacts).parameters()) for impacts in (False, True)
    ]
    shared = build().project.weight.numel() + 4 * 12  # bias, norm, occlusion token
    assert count[1] - count[0] == (count[0] - shared) // 2


def test_saved_and_loaded_it_is_the_same(build, inputs, times, tmp_path):
    adapter = build(trained=True, impacts=True, impact_unit_j=0.5, impact_mean=1.0)
    adapter.save_pretrained(tmp_path)
    loaded = PhyAdapter.from_pretrained(tmp_path)
    assert loaded.uses_impacts
    assert loaded.config.impact_unit_j == 0.5
    before, after = deltas(adapter, inputs, times), deltas(loaded, inputs, times)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_negative_energies_are_refused_unless_they_are_padding(build, inputs):
    inputs.impact_energy_j[2, 0, 0] = -1.0
    inputs.encode(build(impacts=True))
    inputs.impact_energy_j[0, 0, 0] = -1.0
    with pytest.raises(InputError, match="impact_energy_j must be 0 or more, got -1"):
        inputs.encode(build(impacts=True))


def test_a_state_of_another_adapter_is_refused(build, inputs, times):
    state = inputs.encode(build())
    with pytest.raises(InputError, match="the state has none; take the state from its own encode"):
        build(impacts=True).modulation(state, *times)
    short = inputs.encode(build(impacts=True))
    short = replace(short, impact=short.impact[:, :2])
    with pytest.raises(InputError, match=r"the state has \(3, 2, 12\)"):
        build(impacts=True).modulation(short, *times)
