"""The invariants that every conditioning adapter keeps, and this one's options."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from pavas_phy_adapter import PhyAdapter

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import build_transformer


def run(transformer, modulation, *, batch=3, length=19):
    """One forward pass of the backbone on fixed inputs."""
    g = torch.Generator().manual_seed(5)
    conditions = transformer.prepare_conditions(
        torch.randn(batch, 5, 5, generator=g),
        torch.randn(batch, 16, 7, generator=g),
        torch.randn(batch, 4, 3, generator=g),
        length,
    )
    latents = torch.randn(batch, length, 4, generator=g)
    return transformer(latents, torch.full((batch,), 0.3), conditions, modulation)


@pytest.mark.parametrize("variant", ["delta", "direct"])
@pytest.mark.parametrize("streams", [("audio",), ("audio", "visual", "text")])
@pytest.mark.parametrize("null", [False, True])
def test_fresh_adapter_changes_not_one_bit(
    build, transformer, inputs, times, variant, streams, null
):
    adapter = build(variant=variant, streams=streams, params=("shift", "scale", "gate"))
    state = adapter.null_state(3, 5) if null else inputs.encode(adapter)
    deltas = adapter.modulation(state, *times)
    assert all((delta == 0).all() and not torch.signbit(delta).any() for delta in deltas.values())
    with torch.no_grad():
        assert torch.equal(run(transformer, deltas), run(transformer, None))


@pytest.mark.parametrize("variant", ["delta", "direct"])
def test_trained_adapter_changes_the_output_where_physics_differs(
    build, transformer, inputs, times, variant
):
    adapter = build(trained=True, variant=variant)
    with torch.no_grad():
        with_physics = run(transformer, adapter.modulation(inputs.encode(adapter), *times))
        inputs.mass_kg[0, 0] *= 2
        heavier = run(transformer, adapter.modulation(inputs.encode(adapter), *times))
    assert not torch.allclose(with_physics, run(transformer, None))
    assert not torch.allclose(with_physics[0], heavier[0])
    assert torch.equal(with_physics[1:], heavier[1:])


def test_object_order_does_not_matter(build, inputs):
    adapter = build(trained=True)
    order = [2, 0, 1]
    shuffled = adapter.encode(
        inputs.patch_features,
        inputs.masks[:, order],
        inputs.mass_kg[:, order],
        inputs.speed_m_s[:, order],
        inputs.valid[:, order],
    )
    state = inputs.encode(adapter)
    torch.testing.assert_close(shuffled.mass, state.mass, rtol=0, atol=1e-6)
    torch.testing.assert_close(shuffled.speed, state.speed, rtol=0, atol=1e-6)


def test_zero_objects_equal_the_null_state_exactly(build, inputs):
    adapter = build(trained=True)
    null = adapter.null_state(3, 5)
    state = inputs.encode(adapter)
    assert torch.equal(state.mass[2], null.mass[2])
    assert torch.equal(state.speed[2], null.speed[2])
    none = adapter.encode(
        inputs.patch_features,
        inputs.masks[:, :0],
        inputs.mass_kg[:, :0],
        inputs.speed_m_s[:, :0],
        inputs.valid[:, :0],
    )
    assert torch.equal(none.mass, null.mass)
    assert torch.equal(none.speed, null.speed)


def test_batch_items_are_independent(build, inputs, times):
    adapter = build(trained=True)
    together = adapter.modulation(inputs.encode(adapter), *times)
    for row in range(3):
        alone = adapter.modulation(inputs.row(row).encode(adapter), *times)
        for name, delta in alone.items():
            torch.testing.assert_close(delta[0], together[name][row], rtol=0, atol=2e-6)


def test_padding_has_no_influence_even_when_it_is_nan(build, inputs, times):
    adapter = build(trained=True)
    clean = inputs.encode(adapter)
    for tensor in (inputs.masks, inputs.mass_kg, inputs.speed_m_s):
        tensor[~inputs.valid] = torch.nan
    dirty = inputs.encode(adapter)
    assert torch.equal(clean.mass, dirty.mass)
    assert torch.equal(clean.speed, dirty.speed)
    sum(d.sum() for d in adapter.modulation(dirty, *times).values()).backward()
    assert all(torch.isfinite(p.grad).all() for p in adapter.parameters() if p.grad is not None)


def test_unknown_mass_and_missing_speed_are_not_zero(build, inputs):
    adapter = build(trained=True)
    unknown = inputs.encode(adapter)
    inputs.mass_kg[0, 2] = 0.0
    inputs.speed_m_s[0, 1, 2] = 0.0
    zero = inputs.encode(adapter)
    assert not torch.allclose(unknown.mass[0], zero.mass[0])
    assert not torch.allclose(unknown.speed[0, 2], zero.speed[0, 2])
    assert torch.equal(unknown.speed[0, [0, 1, 3, 4]], zero.speed[0, [0, 1, 3, 4]])


@pytest.mark.parametrize("variant", ["delta", "direct"])
def test_save_and_load_round_trip_without_a_backbone(build, inputs, times, tmp_path, variant):
    adapter = build(trained=True, variant=variant, mass_unit_kg=0.1)
    adapter.save_pretrained(tmp_path)
    loaded = PhyAdapter.from_pretrained(tmp_path)
    before = adapter.modulation(inputs.encode(adapter), *times)
    after = loaded.modulation(inputs.encode(loaded), *times)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["_class_name"] == "PhyAdapter"
    assert config["mass_unit_kg"] == 0.1


def test_every_parameter_learns_after_the_first_step(build, inputs, times):
    adapter = build(streams=("audio", "visual"))
    optimizer = torch.optim.SGD(adapter.parameters(), lr=0.1)
    target = torch.Generator().manual_seed(9)
    for _ in range(2):  # the zero last layer holds back everything before it once
        optimizer.zero_grad()
        deltas = adapter.modulation(inputs.encode(adapter), *times)
        loss = sum(
            (delta - torch.randn(delta.shape, generator=target)).square().mean()
            for delta in deltas.values()
        )
        loss.backward()
        optimizer.step()
    without = [name for name, p in adapter.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == []


def test_first_step_reaches_the_last_layer_and_only_it(build, inputs, times):
    adapter = build()
    deltas = adapter.modulation(inputs.encode(adapter), *times)
    sum(delta.sum() for delta in deltas.values()).backward()
    learns = {
        name.split(".")[-1]
        for name, p in adapter.named_parameters()
        if p.grad is not None and p.grad.abs().sum() > 0
    }
    assert learns == {"up_weight", "up_bias"}


def test_streams_without_tokens_get_one_delta_per_clip(build, inputs, times):
    adapter = build(trained=True, streams=("visual", "text"), params=("scale",))
    deltas = adapter.modulation(inputs.encode(adapter), *times)
    assert deltas["joint_0_visual"].shape == (3, 1, 6 * 16)
    assert deltas["joint_1_text"].shape == (3, 1, 2 * 16)
    shift, scale = deltas["joint_1_text"].chunk(2, dim=-1)
    assert (shift == 0).all()
    assert (scale != 0).all()


def test_adds_8_to_12_million_parameters_to_the_large_backbone():
    with torch.device("meta"):
        backbone = build_transformer("large_44k_v2")
        adapter = PhyAdapter.for_transformer(backbone, patch_dim=1280)
    assert len(adapter.config.sites) == 21
    assert 8e6 <= sum(p.numel() for p in adapter.parameters()) <= 12e6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"masks": (3, 3, 5, 4, 5)}, "masks has shape"),
        ({"mass_kg": (3, 2)}, "mass_kg has shape"),
        ({"speed_m_s": (3, 3, 4)}, "speed_m_s has shape"),
        ({"patch_features": (3, 5, 4, 4, 7)}, "patch_features has shape"),
        ({"impact_energy_j": (3, 3, 4)}, "impact_energy_j has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_named(build, inputs, change, message):
    for name, shape in change.items():
        setattr(inputs, name, torch.zeros(shape))
    with pytest.raises(InputError, match=message):
        inputs.encode(build())


def test_negative_mass_is_refused_unless_it_is_padding(build, inputs):
    inputs.mass_kg[2, 0] = -1.0
    inputs.encode(build())
    inputs.mass_kg[0, 0] = -1.0
    with pytest.raises(InputError, match="-1"):
        inputs.encode(build())


def test_state_and_times_must_agree(build, times):
    adapter = build()
    with pytest.raises(InputError, match="5 times"):
        adapter.modulation(adapter.null_state(1, 4), *times)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_dim": 0}, "hidden_dim=0"),
        ({"mass_std": 0.0}, "mass_std=0.0"),
        ({"impact_unit_j": 0.0}, "impact_unit_j=0.0"),
        ({"variant": "sum"}, "variant"),
        ({"params": ("gain",)}, "no modulation site"),
        ({"streams": ()}, "joint_0_audio"),
    ],
)
def test_impossible_options_are_refused(build, options, message):
    with pytest.raises(ConfigurationError, match=message):
        build(**options)


def test_sites_must_be_complete_and_unique():
    site = {"name": "a", "params": ["shift"], "dim": 4, "per_token": True}
    with pytest.raises(ConfigurationError, match="unique"):
        PhyAdapter(sites=[site, site], patch_dim=4)
    with pytest.raises(ConfigurationError, match="for_transformer"):
        PhyAdapter(sites=[{"name": "a"}], patch_dim=4)
    with pytest.raises(ConfigurationError, match="for_transformer"):
        PhyAdapter(sites=[], patch_dim=4)


def test_recorded_module_is_the_public_package():
    assert PhyAdapter.__module__ == "pavas_phy_adapter"


def test_listing_the_plugin_needs_no_torch():
    code = (
        "import sys, pavas_phy_adapter, pavas_phy_adapter.plugin as plugin\n"
        "(spec,) = plugin.pavas_register_components()\n"
        "print(spec.kind, spec.name, spec.target, 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "conditioning_adapter",
        "phy-adapter",
        "pavas_phy_adapter:PhyAdapter",
        "False",
    ]


def test_latents_take_the_nearest_physics_frame(build, times):
    adapter = build(trained=True)
    generator = torch.Generator().manual_seed(3)
    state = adapter.null_state(1, 5)
    state = type(state)(
        mass=torch.randn(1, 5, 12, generator=generator),
        speed=torch.randn(1, 5, 12, generator=generator),
    )
    state_times, _ = times
    fine = adapter.modulation(state, state_times, np.array([-1.0, 0.06, 0.0625, 0.5, 9.0]))
    exact = adapter.modulation(state, state_times, state_times)
    for name, delta in fine.items():
        assert torch.equal(delta[0], exact[name][0, [0, 0, 1, 4, 4]])
