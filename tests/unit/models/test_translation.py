"""Official names to ours: nothing lost, nothing invented."""

from __future__ import annotations

import torch
from torch import nn

from pavas_sdk.models.translation import fold_weight_norm, without


def test_derived_tables_are_dropped_and_the_rest_passes_through():
    entries = without({"a": torch.ones(2), "t": torch.zeros(1)}, names=("t",))
    assert set(entries) == {"a"}
    assert torch.equal(entries["a"].read(), torch.ones(2))


def test_weight_norm_is_folded_as_torch_does_in_both_spellings():
    torch.manual_seed(0)
    for layer in (nn.Conv1d(3, 5, 3), nn.ConvTranspose1d(4, 2, 4)):
        new = nn.utils.parametrizations.weight_norm(layer)
        with torch.no_grad():
            new.parametrizations.weight.original0.mul_(1.7)
        state = new.state_dict()
        classic = {
            "x.weight_g": state["parametrizations.weight.original0"],
            "x.weight_v": state["parametrizations.weight.original1"],
            "x.bias": state["bias"],
        }
        for official, prefix in ((state, ""), (classic, "x.")):
            entries = fold_weight_norm(official)
            assert set(entries) == {f"{prefix}weight", f"{prefix}bias"}
            folded = entries[f"{prefix}weight"]
            assert folded.shape == tuple(new.weight.shape)
            torch.testing.assert_close(folded.read(), new.weight.detach())


def test_half_a_pair_and_plain_weights_pass_through():
    entries = fold_weight_norm({"a.weight_g": torch.ones(1), "b.weight": torch.ones(2)})
    assert set(entries) == {"a.weight_g", "b.weight"}
