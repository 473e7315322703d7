from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pavas_sdk.errors import InputError
from pavas_sdk.simulation import ACTIONS, CAMERAS, SceneConfig


@given(
    st.builds(
        SceneConfig,
        duration_s=st.floats(0.2, 600.0),
        fps=st.one_of(st.none(), st.floats(1.0, 1000.0)),
        height=st.integers(16, 8192),
        width=st.integers(16, 8192),
        sample_rate_hz=st.integers(4000, 192000),
        action=st.sampled_from((None, *ACTIONS)),
        camera=st.sampled_from((None, *CAMERAS)),
        noise=st.booleans(),
        compression=st.booleans(),
        disturbances=st.booleans(),
    )
)
def test_config_survives_json(config):
    assert SceneConfig(**json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"duration_s": 0.0}, "duration_s"),
        ({"duration_s": float("nan")}, "duration_s"),
        ({"fps": -1}, "fps"),
        ({"width": 3}, "width"),
        ({"sample_rate_hz": 1}, "sample_rate_hz"),
        ({"action": "explode"}, "drop, throw"),
        ({"camera": "drone"}, "still, pan"),
    ],
)
def test_config_refuses_what_cannot_be_simulated(change, words):
    with pytest.raises(InputError, match=words):
        SceneConfig(**change)
