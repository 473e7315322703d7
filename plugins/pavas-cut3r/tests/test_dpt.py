"""The dense head at widths that the released model does not have."""

import json

import pytest
import torch
from cut3r_goldens import KEYS_FOLDER
from pavas_cut3r import Cut3R
from pavas_cut3r.dpt import DptHead
from pavas_cut3r.weights import random_model

LAYER_DIMS = (8, 16, 24, 32)


def shapes(module):
    return {key: list(value.shape) for key, value in module.state_dict().items()}


@pytest.mark.parametrize(("feature_dim", "last_dim"), [(32, 8), (32, 16), (12, 20), (9, 4)])
def test_half_of_the_fusion_stands_between_the_first_two_convolutions(feature_dim, last_dim):
    head = DptHead([16, 12, 12, 12], LAYER_DIMS, feature_dim, last_dim, 3).eval()
    assert shapes(head.head) == {
        "0.weight": [feature_dim // 2, feature_dim, 3, 3],
        "0.bias": [feature_dim // 2],
        "2.weight": [last_dim, feature_dim // 2, 3, 3],
        "2.bias": [last_dim],
        "4.weight": [3, last_dim, 1, 1],
        "4.bias": [3],
    }
    tokens = [torch.zeros(2, 6, dim) for dim in (16, 12, 12, 12)]
    with torch.no_grad():
        assert head(tokens, (2, 3)).shape == (2, 3, 32, 48)


def test_a_model_with_other_widths_has_them_in_all_three_heads():
    config = {**random_model().config, "dpt_feature_dim": 24, "dpt_last_dim": 20}
    with torch.device("meta"):
        model = Cut3R.from_config(config)
    for name in ("dpt_self", "dpt_cross", "dpt_rgb"):
        found = shapes(model.downstream_head.get_submodule(name).head)
        assert found["0.weight"] == [12, 24, 3, 3]
        assert found["2.weight"] == [20, 12, 3, 3]


@pytest.mark.parametrize("name", ["full", "tiny"])
def test_the_convolutions_are_those_of_the_key_list(name):
    keys = json.loads((KEYS_FOLDER / f"{name}.json").read_text())
    stem = "downstream_head.dpt_self."
    dims = json.loads((KEYS_FOLDER / "summary.json").read_text())[name]["dpt_dims"]
    entries = [keys[f"{stem}act_postprocess.{level}.0.weight"] for level in range(4)]
    with torch.device("meta"):
        head = DptHead([shape[1] for shape in entries], **dims, out_channels=4)
    assert shapes(head.head) == {
        key.removeprefix(f"{stem}head."): shape
        for key, shape in keys.items()
        if key.startswith(f"{stem}head.")
    }
