"""Estimators by name: what they are made of, and one message for everything that is missing."""

import pytest

from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    MissingPluginError,
)
from pavas_sdk.physics import PhysicsEstimator
from pavas_sdk.registry import DEFAULTS, ESTIMATORS, SLOTS, Registry
from pavas_sdk.testing import BrightSegmenter


@pytest.fixture
def bare():
    """The registry of a machine that has the core and pavas-tiny only."""
    return Registry(environ={"PAVAS_PLUGINS": "pavas-tiny"})


def test_tiny_is_the_default():
    assert dict(ESTIMATORS["tiny"]) == {slot: DEFAULTS[slot] for slot in SLOTS}
    estimator = PhysicsEstimator.from_name("tiny", timeout_s=None)
    assert estimator.to_json() == PhysicsEstimator(timeout_s=None).to_json()


def test_every_missing_plugin_is_named_once(bare):
    with pytest.raises(MissingPluginError) as caught:
        PhysicsEstimator.from_name("paper", registry=bare)
    text = str(caught.value)
    assert text.startswith('the physics estimator "paper" needs 3 plugins that are not installed:')
    for slot, name in ESTIMATORS["paper"].items():
        assert (slot in text) == (name != "pavas-sdk/centroid")
    assert 'pip install "pavas-qwen-vl" "pavas-florence-sam2" "pavas-cut3r"' in text
    assert "--segmenter NAME" in text
    assert "saved with" not in text


def test_only_what_is_not_replaced_is_missing(bare):
    with pytest.raises(
        MissingPluginError, match=r"needs 1 plugin that is.*\n  segmenter"
    ) as caught:
        PhysicsEstimator.from_name(
            "paper",
            registry=bare,
            moving_object_detector="pavas-tiny/motion",
            mass_estimator=lambda thing: 1.0,
            reconstructor="planar",
        )
    assert "cut3r" not in str(caught.value)
    estimator = PhysicsEstimator.from_name(
        "paper",
        registry=bare,
        moving_object_detector="motion",
        segmenter=BrightSegmenter(),
        reconstructor="planar",
        mass_estimator="size-prior",
    )
    assert isinstance(estimator.slots["segmenter"], BrightSegmenter)
    assert estimator.provenance["velocity_estimator"].qualified_name == "pavas-sdk/centroid"


def test_a_replacement_that_is_missing_is_in_the_same_message(bare):
    with pytest.raises(MissingPluginError, match="acme-seg/fast"):
        PhysicsEstimator.from_name("paper", registry=bare, segmenter="acme-seg/fast")


def test_a_bare_name_that_means_nothing_is_guessed(bare):
    with pytest.raises(ComponentNotFoundError, match="did you mean 'pavas-tiny/motion'"):
        PhysicsEstimator.from_name("tiny", registry=bare, segmenter="motino")


def test_wrong_names():
    with pytest.raises(ConfigurationError, match="'papier'; there are tiny, paper"):
        PhysicsEstimator.from_name("papier")
    with pytest.raises(ConfigurationError, match="segmneter"):
        PhysicsEstimator.from_name("tiny", segmneter="motion")
