import json
import pickle

import pytest
import torch
from diffusers.pipelines.pipeline_loading_utils import _fetch_class_library_tuple

from pavas_sdk.errors import ConfigurationError, InputError
from pavas_sdk.models import MMAudioTransformer


def test_velocity_has_the_shape_of_the_latents(transformer, make_inputs, run):
    inputs = make_inputs()
    with torch.no_grad():
        flow = run(transformer, inputs)
    assert flow.shape == inputs["latents"].shape
    assert flow.isfinite().all()
    assert flow.is_contiguous()
    assert flow.std() > 1e-3


@pytest.mark.parametrize(("latents", "clip", "segments", "text"), [(1, 1, 1, 1), (7, 9, 3, 2)])
def test_any_lengths_without_telling_the_network(
    transformer, make_inputs, run, latents, clip, segments, text
):
    with torch.no_grad():
        first = run(transformer, make_inputs())
        inputs = make_inputs(latents=latents, clip=clip, segments=segments, text=text)
        assert run(transformer, inputs).shape == inputs["latents"].shape
    assert first.shape == (2, 21, 4)


def test_a_call_changes_no_state(transformer, make_inputs, run):
    before = {key: value.clone() for key, value in transformer.state_dict().items()}
    inputs = make_inputs()
    copies = {key: value.clone() for key, value in inputs.items()}
    with torch.no_grad():
        first = run(transformer, inputs)
        run(transformer, make_inputs(latents=5, clip=3))
        assert torch.equal(run(transformer, inputs), first)
    assert all(torch.equal(value, copies[key]) for key, value in inputs.items())
    after = transformer.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[key], before[key]) for key in before)


def test_rows_are_independent(transformer, make_inputs, run):
    inputs = make_inputs(batch=3)
    with torch.no_grad():
        together = run(transformer, inputs)
        for row in range(3):
            alone = run(transformer, {key: value[row : row + 1] for key, value in inputs.items()})
            torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-4, atol=1e-5)


def test_both_branches_of_guidance_in_one_batch(transformer, make_inputs):
    inputs = make_inputs(batch=1)
    length = inputs["latents"].shape[1]
    with torch.no_grad():
        given = transformer.prepare_conditions(
            inputs["clip_f"], inputs["sync_f"], inputs["text_f"], length
        )
        empty = transformer.prepare_conditions(
            transformer.empty_clip(1, 6),
            transformer.empty_sync(1, 16),
            transformer.empty_text(1),
            length,
        )
        both = transformer.prepare_conditions(
            torch.cat([inputs["clip_f"], transformer.empty_clip(1, 6)]),
            torch.cat([inputs["sync_f"], transformer.empty_sync(1, 16)]),
            torch.cat([inputs["text_f"], transformer.empty_text(1)]),
            length,
        )
        assert both.batch_size == 2
        joint = transformer(inputs["latents"].repeat(2, 1, 1), inputs["timestep"].repeat(2), both)
        for row, conditions in enumerate((given, empty)):
            alone = transformer(inputs["latents"], inputs["timestep"], conditions)
            torch.testing.assert_close(joint[row : row + 1], alone, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(joint[0], joint[1], atol=1e-3)


@pytest.mark.parametrize("name", ["latents", "timestep", "clip_f", "sync_f", "text_f"])
def test_every_input_matters(transformer, make_inputs, run, name):
    inputs = make_inputs(batch=1)
    changed = {**inputs, name: inputs[name] * 0.5}
    with torch.no_grad():
        assert not torch.allclose(run(transformer, inputs), run(transformer, changed), atol=1e-4)


def test_empty_features_are_the_learned_vectors(transformer):
    assert transformer.empty_clip(3, 7).shape == (3, 7, 12)
    assert torch.equal(transformer.empty_clip(3, 7)[2, 5], transformer.empty_clip_feat[0])
    assert transformer.empty_sync(3, 16).shape == (3, 16, 10)
    assert torch.equal(transformer.empty_sync(3, 16)[1, 9], transformer.empty_sync_feat[0])
    assert torch.equal(transformer.empty_text(3)[1], transformer.empty_string_feat)


def test_sync_positions_repeat_per_segment(transformer, make_inputs):
    inputs = make_inputs(batch=1, segments=3)
    with torch.no_grad():
        sync = inputs["sync_f"] + transformer.sync_pos_emb[0].repeat(1, 3, 1)
        want = transformer.sync_input_proj(sync)
        got = transformer.prepare_conditions(
            inputs["clip_f"], inputs["sync_f"], inputs["text_f"], 24
        )
    torch.testing.assert_close(got.sync_f, want)


def test_normalising_makes_unit_statistics_and_back(transformer, generator):
    with torch.no_grad():
        transformer.latent_std.abs_()
    z = transformer.latent_mean + transformer.latent_std * torch.randn(
        1, 4000, 4, generator=generator
    )
    kept = z.clone()
    normal = transformer.normalize(z)
    torch.testing.assert_close(normal.mean(1), torch.zeros(1, 4), atol=0.1, rtol=0)
    torch.testing.assert_close(normal.std(1), torch.ones(1, 4), atol=0.1, rtol=0)
    torch.testing.assert_close(transformer.unnormalize(normal), z)
    assert torch.equal(z, kept)


def test_every_trained_parameter_gets_a_gradient(transformer, make_inputs, run):
    inputs = make_inputs(batch=1)
    given = run(transformer, inputs)
    empty = {
        **inputs,
        "clip_f": transformer.empty_clip(1, 6),
        "sync_f": transformer.empty_sync(1, 16),
    }
    (given.square().mean() + run(transformer, empty).square().mean()).backward()
    without = {
        name
        for name, parameter in transformer.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 0
    }
    frozen = {name for name, p in transformer.named_parameters() if not p.requires_grad}
    assert frozen == {"latent_mean", "latent_std", "empty_string_feat"}
    # Nothing reads the visual and text tokens after the last joint block: their queries are idle.
    idle = {f"joint_blocks.1.{stream}_block.attn.q_norm.weight" for stream in ("clip", "text")}
    assert without == frozen | idle


def test_gradient_checkpointing_gives_the_same_gradients(transformer, make_inputs, run):
    inputs = make_inputs(batch=1)

    def gradients():
        transformer.zero_grad()
        run(transformer, inputs).square().mean().backward()
        return [p.grad.clone() for p in transformer.parameters() if p.grad is not None]

    plain = gradients()
    transformer.enable_gradient_checkpointing()
    for a, b in zip(plain, gradients(), strict=True):
        torch.testing.assert_close(a, b)


def test_a_new_network_predicts_zero_and_can_learn(transformer, make_inputs, run):
    network = MMAudioTransformer.from_config(transformer.config)
    inputs = make_inputs(batch=1)
    flow = run(network, inputs)
    assert torch.equal(flow, torch.zeros_like(flow))
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = (run(network, inputs) - inputs["latents"]).square().mean()
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_save_and_load(transformer, make_inputs, run, tmp_path):
    transformer.save_pretrained(tmp_path)
    loaded = MMAudioTransformer.from_pretrained(tmp_path).eval()
    inputs = make_inputs()
    with torch.no_grad():
        assert torch.equal(run(loaded, inputs), run(transformer, inputs))
    saved = json.loads((tmp_path / "config.json").read_text())
    assert saved["_class_name"] == "MMAudioTransformer"
    assert saved["hidden_dim"] == 32
    assert (tmp_path / "diffusion_pytorch_model.safetensors").exists()


def test_pipelines_record_the_public_module(transformer):
    assert _fetch_class_library_tuple(transformer) == ("pavas_sdk.models", "MMAudioTransformer")


def test_pickles(transformer, make_inputs, run):
    copy = pickle.loads(pickle.dumps(transformer))
    inputs = make_inputs()
    with torch.no_grad():
        assert torch.equal(run(copy, inputs), run(transformer, inputs))


def test_bfloat16(transformer, make_inputs, run):
    inputs = make_inputs()
    with torch.no_grad():
        want = run(transformer, inputs)
        low = transformer.to(torch.bfloat16)
        cast = {k: v.to(torch.bfloat16) for k, v in inputs.items() if k != "timestep"}
        got = run(low, {**cast, "timestep": inputs["timestep"]})
    assert got.dtype == torch.bfloat16
    error = (got.float() - want).norm() / want.norm()
    assert error < 0.1


def test_factorised_modulation_is_smaller_and_runs(make_transformer, make_inputs, run):
    full, low = make_transformer(), make_transformer(modulation_rank=4)
    assert sum(p.numel() for p in low.parameters()) < sum(p.numel() for p in full.parameters())
    with torch.no_grad():
        assert run(low, make_inputs()).isfinite().all()
    assert low.joint_blocks[0].latent_block.adaLN_modulation[1].weight.shape == (4, 32)


def test_linear_blocks(make_transformer, make_inputs, run):
    network = make_transformer(block_kernel_size=1, input_kernel_size=3)
    assert network.fused_blocks[0].linear1.weight.shape == (32, 32)
    with torch.no_grad():
        assert run(network, make_inputs()).isfinite().all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_heads": 5}, "even integer, got 32 / 5"),
        ({"num_heads": 32}, "even integer"),
        ({"fused_depth": 4}, "fused_depth must be below depth, got 4 of 4"),
        ({"time_embed_dim": 15}, "time_embed_dim must be even"),
    ],
)
def test_impossible_sizes(make_transformer, changes, message):
    with pytest.raises(ConfigurationError, match=message):
        make_transformer(**changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda i: {"sync_f": i["sync_f"][:, :5]}, "sync_f has 5 features"),
        (lambda i: {"sync_f": i["sync_f"][:, :0]}, "positive multiple of 8"),
        (lambda i: {"clip_f": i["clip_f"][:, :0]}, "0 visual tokens"),
        (lambda i: {"timestep": i["timestep"][:1]}, r"timestep has shape \(1,\), expected \(2,\)"),
    ],
)
def test_inputs_that_do_not_fit(transformer, make_inputs, run, change, message):
    inputs = make_inputs()
    with pytest.raises(InputError, match=message):
        run(transformer, {**inputs, **change(inputs)})


def test_conditions_of_another_length(transformer, make_inputs):
    inputs = make_inputs()
    conditions = transformer.prepare_conditions(
        inputs["clip_f"], inputs["sync_f"], inputs["text_f"], 20
    )
    with pytest.raises(InputError, match="latents are 2 x 21"):
        transformer(inputs["latents"], inputs["timestep"], conditions)
