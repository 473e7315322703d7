"""Which workers the options of a command ask for."""

import pytest

from pavas_sdk.cli.engine_options import take_engine

GIVEN = {
    "engine": "local",
    "workers": 2,
    "workers_per_gpu": 2,
    "gpus": None,
    "address": "auto",
    "time_limit": None,
    "max_failure_rate": 0.2,
}


@pytest.mark.parametrize(
    ("engine", "device", "gpus"),
    [
        ("local", "cuda", ("3", "5")),
        ("local", "cpu", ()),
        ("ray", "cpu", ()),
        ("ray", "cuda", ("any",)),
    ],
)
def test_gpus_are_asked_for_where_they_are(monkeypatch, engine, device, gpus):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert take_engine({**GIVEN, "engine": engine}, device=device, workers=1).gpus == gpus


def test_a_cluster_gives_gpus_that_this_machine_has_not(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert take_engine({**GIVEN}, device="cuda", workers=1).gpus == ()
    assert take_engine({**GIVEN, "engine": "ray"}, device="cuda", workers=1).gpus


def test_a_limit_of_zero_seconds_is_no_limit():
    assert take_engine({**GIVEN, "time_limit": 0.0}, device="cpu", workers=1).time_limit_s is None
    assert take_engine({**GIVEN}, device="cpu", workers=1).time_limit_s == 600.0
