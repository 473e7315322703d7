"""Guidance with one weight and with two, against the formulas written by hand."""

import pytest
import torch

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.models import composed_branches, guidance_branches, guide


def shown(branch):
    return {name for name in ("clip", "sync", "physics", "text") if getattr(branch, name)}


def test_one_weight(generator):
    full, empty = torch.randn(2, 2, 3, 4, generator=generator)
    for scale in (1.0, 2.5, 4.5):
        branches = guidance_branches(scale)
        assert [shown(branch) for branch in branches] == [
            {"clip", "sync", "physics", "text"},
            set(),
        ]
        assert torch.equal(guide([full, empty], branches), scale * full + (1 - scale) * empty)
    (alone,) = guidance_branches(0.9)
    assert guide([full], [alone]) is full


def test_the_empty_branch_keeps_what_it_is_told_to():
    assert shown(guidance_branches(2.0, keep=("clip",))[1]) == {"clip"}
    assert shown(guidance_branches(2.0, keep=("clip", "sync"))[1]) == {"clip", "sync"}


@pytest.mark.parametrize(("video", "physics"), [(1.5, 3.0), (3.0, 1.5), (0.5, 2.0), (4.0, 0.25)])
def test_two_weights(generator, video, physics):
    full, pictures, empty = torch.randn(3, 2, 3, 4, generator=generator)
    branches = composed_branches(video, physics)
    assert [shown(branch) for branch in branches] == [
        {"clip", "sync", "physics", "text"},
        {"clip", "sync"},
        set(),
    ]
    expected = empty + video * (pictures - empty) + physics * (full - pictures)
    torch.testing.assert_close(guide([full, pictures, empty], branches), expected)


def test_branches_without_weight_are_left_out():
    everything, pictures = {"clip", "sync", "physics", "text"}, {"clip", "sync"}
    assert composed_branches(1.0, 1.0) == guidance_branches(0.0)
    assert composed_branches(2.5, 2.5) == guidance_branches(2.5)
    # the weight of the pictures being that of their own branch: they are kept in both
    assert composed_branches(1.0, 3.0) == guidance_branches(3.0, keep=("clip", "sync"))
    assert [shown(branch) for branch in composed_branches(3.0, 0.0)] == [pictures, set()]
    assert [shown(branch) for branch in composed_branches(0.0, 0.0)] == [set()]
    assert [shown(branch) for branch in composed_branches(1.0, 2.0)] == [everything, pictures]


@pytest.mark.parametrize("wrong", [(-0.1, 1.0), (1.0, -1.0), (float("nan"), 1.0), (1.0, 1e999)])
def test_impossible_weights_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=r"_guidance_scale must be a finite number of at"):
        composed_branches(*wrong)
