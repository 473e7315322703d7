import pytest
import torch

from pavas_sdk.errors import InputError

AUDIO = ("shift_msa", "scale_msa", "gate_msa", "shift_mlp", "scale_mlp", "gate_mlp")


def zeros(site, batch, length):
    tokens = length if site.per_token else 1
    return torch.zeros(batch, tokens, len(site.params) * site.dim)


def test_sites_of_the_tiny_network(transformer):
    sites = transformer.modulation_sites
    assert [site.name for site in sites] == [
        "joint_0_audio",
        "joint_0_visual",
        "joint_0_text",
        "joint_1_audio",
        "joint_1_visual",
        "joint_1_text",
        "fused_0_audio",
        "fused_1_audio",
    ]
    for site in sites:
        assert site.dim == 32
        assert site.per_token == (site.stream == "audio")
        last = site.name in ("joint_1_visual", "joint_1_text")
        assert site.params == (("shift", "scale") if last else AUDIO)


@torch.no_grad()
def test_none_empty_and_zeros_are_equal_bit_for_bit(transformer, make_inputs, run):
    inputs = make_inputs()
    plain = run(transformer, inputs)
    assert torch.equal(run(transformer, inputs, None), plain)
    assert torch.equal(run(transformer, inputs, {}), plain)
    nothing = {site.name: zeros(site, 2, 21) for site in transformer.modulation_sites}
    nothing["condition"] = zeros(transformer.condition_site, 2, 21)
    assert torch.equal(run(transformer, inputs, nothing), plain)


@torch.no_grad()
def test_each_parameter_of_each_site_matters(transformer, make_inputs, run, generator):
    inputs = make_inputs()
    plain = run(transformer, inputs)
    for site in transformer.modulation_sites:
        for index, param in enumerate(site.params):
            delta = zeros(site, 2, 21)
            part = delta[..., index * site.dim : (index + 1) * site.dim]
            part.copy_(torch.randn(part.shape, generator=generator))
            changed = run(transformer, inputs, {site.name: delta})
            assert (changed - plain).abs().max() > 1e-4, f"{site.name} {param}"


@torch.no_grad()
def test_order_of_the_parameters(transformer, make_inputs, run):
    """A delta that closes both gates of a block makes the block do nothing."""
    inputs = make_inputs()
    name, block = "fused_1_audio", transformer.fused_blocks[1]
    vectors = []
    hook = block.register_forward_pre_hook(
        lambda module, arguments: vectors.extend(
            module.adaLN_modulation.vectors(arguments[1], None)
        )
    )
    outputs = []
    watch = block.register_forward_hook(
        lambda module, arguments, output: outputs.append((arguments[0], output))
    )
    run(transformer, inputs)
    hook.remove()
    parts = [torch.zeros_like(vector) for vector in vectors]
    parts[2], parts[5] = -vectors[2], -vectors[5]
    run(transformer, inputs, {name: torch.cat(parts, dim=-1)})
    watch.remove()
    before, after = outputs[-1]
    assert torch.equal(before, after)
    assert not torch.equal(*outputs[0])


@torch.no_grad()
def test_one_vector_equals_the_same_vector_at_every_latent(
    transformer, make_inputs, run, generator
):
    inputs = make_inputs()
    one = torch.randn(2, 1, 6 * 32, generator=generator)
    short = run(transformer, inputs, {"fused_0_audio": one})
    long = run(transformer, inputs, {"fused_0_audio": one.expand(2, 21, -1)})
    assert torch.equal(short, long)


@torch.no_grad()
def test_the_condition_site_adds_to_the_condition_of_each_latent(
    transformer, make_inputs, run, generator
):
    inputs = make_inputs()
    delta = torch.randn(2, 21, 32, generator=generator)
    got = run(transformer, inputs, {"condition": delta})
    assert not torch.allclose(got, run(transformer, inputs), atol=1e-3)
    # The same sum, made by shifting the conditions themselves.
    from dataclasses import replace

    conditions = transformer.prepare_conditions(
        inputs["clip_f"], inputs["sync_f"], inputs["text_f"], 21
    )
    shifted = replace(conditions, sync_f=conditions.sync_f + delta)
    want = transformer(inputs["latents"], inputs["timestep"], shifted)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_deltas(transformer, make_inputs, run):
    deltas = {
        site.name: zeros(site, 2, 21).requires_grad_() for site in transformer.modulation_sites
    }
    run(transformer, make_inputs(), deltas).square().mean().backward()
    for name, delta in deltas.items():
        assert delta.grad.abs().max() > 0, name


@torch.no_grad()
def test_deltas_of_higher_precision_do_not_change_the_dtype(transformer, make_inputs, run):
    low = transformer.to(torch.bfloat16)
    inputs = {
        key: value if key == "timestep" else value.to(torch.bfloat16)
        for key, value in make_inputs().items()
    }
    deltas = {site.name: zeros(site, 2, 21) for site in low.modulation_sites}
    assert run(low, inputs, deltas).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("modulation", "message"),
    [
        ({"fused_9_audio": torch.zeros(2, 1, 192)}, "unknown modulation sites fused_9_audio"),
        ({"fused_0_audio": torch.zeros(2, 1, 64)}, r"expected \(2, 1 or 21, 192\)"),
        ({"fused_0_audio": torch.zeros(2, 5, 192)}, r"expected \(2, 1 or 21, 192\)"),
        ({"joint_0_text": torch.zeros(2, 5, 192)}, r"expected \(2, 1, 192\)"),
        ({"joint_0_text": torch.zeros(2, 192)}, r"expected \(2, 1, 192\)"),
        ({"fused_0_audio": torch.zeros(3, 1, 192)}, r"expected \(2, 1 or 21, 192\)"),
    ],
)
def test_modulation_that_does_not_fit(transformer, make_inputs, run, modulation, message):
    with pytest.raises(InputError, match=message):
        run(transformer, make_inputs(), modulation)
