"""The moving average."""

import pytest
import torch

from pavas_sdk.training import ExponentialAverage


def test_average_follows_the_formula():
    model = torch.nn.Linear(2, 1, bias=False)
    average = ExponentialAverage(model, 0.5)
    expected = model.weight.detach().clone()
    for step in range(5):
        with torch.no_grad():
            model.weight.fill_(float(step))
        average.update(model)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    average.copy_to(model)
    torch.testing.assert_close(model.weight.detach(), expected)


def test_frozen_parameters_are_left_alone():
    model = torch.nn.Linear(2, 1)
    model.bias.requires_grad_(False)
    assert set(ExponentialAverage(model, 0.9).shadow) == {"weight"}


def test_state_round_trip():
    model = torch.nn.Linear(3, 2)
    one = ExponentialAverage(model, 0.9)
    one.update(model)
    with torch.no_grad():
        model.weight.add_(1.0)
    one.update(model)
    two = ExponentialAverage(model, 0.9)
    two.load_state_dict(one.state_dict())
    assert two.updates == 2
    for name, value in one.shadow.items():
        assert torch.equal(two.shadow[name], value)
    one.update(model)
    assert two.updates == 2
    assert one.shadow["weight"].sum() == pytest.approx(float(one.shadow["weight"].sum()))
