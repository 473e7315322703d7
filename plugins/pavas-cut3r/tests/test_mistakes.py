"""Deliberate mistakes must show: what the goldens could not notice, they would not prove."""

import pytest
import torch
from cut3r_goldens import Comparison, read_index
from pavas_cut3r import Cut3R
from pavas_cut3r.heads import Heads
from pavas_cut3r.layers import AdaptiveNorm
from pavas_cut3r.memory import PoseMemory
from test_cut3r_goldens import compare, run_sequence

# The cheapest sequence with tight tolerances.
GOLDEN = min(
    (
        golden
        for golden in read_index()
        if golden.entry["kind"] == "sequence"
        and not golden.is_slow
        and not golden.entry["rope_float16_rounding"]
    ),
    key=lambda golden: sum(golden.entry["config"]["dpt_layer_dims"]),
    default=None,
)
pytestmark = pytest.mark.skipif(
    GOLDEN is None, reason="the folder has no small sequence without float16 rounding"
)


def differs(model):
    """Whether the golden notices what is wrong with a model."""
    values = run_sequence(GOLDEN, model)
    for key, want in GOLDEN.tensors.items():
        if key != "input_uint8":
            try:
                compare(Comparison(GOLDEN), key, values, want)
            except AssertionError:
                return True
    return False


def changed(**options):
    """The model with a changed config and the same weights."""
    config = {**GOLDEN.entry["config"], "rope_float16_rounding": False, **options}
    model = Cut3R(**config)
    model.load_state_dict(GOLDEN.model().state_dict())
    return model.eval()


def test_the_unchanged_model_passes():
    assert not differs(changed())


def test_state_side_with_the_heads_of_the_image_side():
    heads = GOLDEN.entry["config"]["decoder_heads"]
    assert heads != GOLDEN.entry["config"]["state_decoder_heads"]
    assert differs(changed(state_decoder_heads=heads))


def test_rounding_where_there_is_none():
    assert differs(changed(rope_float16_rounding=True))


def test_layer_norms_with_the_usual_eps():
    model = changed()
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.eps = 1e-5
    assert differs(model)


def test_scale_before_shift(monkeypatch):
    def forward(self, x, condition):
        scale, shift = self.mlp(condition).chunk(2, dim=-1)
        return self.norm(x) * (1 + scale) + shift

    monkeypatch.setattr(AdaptiveNorm, "forward", forward)
    assert differs(changed())


def test_read_returns_the_first_half(monkeypatch):
    read = PoseMemory.read

    def swapped(self, feature, memory):
        kept = self.read_blocks[-1].register_forward_hook(
            lambda module, inputs, output: output.roll(output.shape[-1] // 2, -1)
        )
        try:
            return read(self, feature, memory)
        finally:
            kept.remove()

    monkeypatch.setattr(PoseMemory, "read", swapped)
    assert differs(changed())


def test_heads_that_see_the_embedded_tokens_and_not_the_encoder(monkeypatch):
    forward = Heads.forward

    def shifted(self, tokens, *arguments):
        return forward(self, [tokens[0].roll(1, 1), *tokens[1:]], *arguments)

    monkeypatch.setattr(Heads, "forward", shifted)
    assert differs(changed())


def test_blocks_of_a_level_that_see_the_new_value():
    model = changed()
    last = []
    for image, state in zip(model.dec_blocks, model.dec_blocks_state, strict=True):
        image.register_forward_hook(lambda module, inputs, output: last.append(output))
        state.register_forward_pre_hook(lambda module, inputs: (inputs[0], last[-1], *inputs[2:]))
    assert differs(model)
