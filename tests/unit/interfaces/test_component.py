"""What every component has: config, device, memory."""

from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import pytest

from pavas_sdk import interfaces
from pavas_sdk.data import MovingObject
from pavas_sdk.errors import ConfigurationError, PhysicsInputError
from pavas_sdk.interfaces import ComponentConfig, MassEstimator
from pavas_sdk.interfaces.mass_estimator import from_function
from pavas_sdk.registry.registered import INTERFACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(ComponentConfig):
    share: float = 0.5
    names: tuple[str, ...] = ()


class Estimator(MassEstimator):
    config_class = Settings

    def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
        return {}


def test_config_from_keywords_or_as_an_object():
    assert Estimator(share=0.2).config == Settings(share=0.2)
    assert Estimator(Settings(share=0.2)).config == Settings(share=0.2)
    assert Estimator().config == Settings()


def test_both_are_refused():
    with pytest.raises(ConfigurationError, match="not both"):
        Estimator(Settings(), share=0.1)


def test_an_unknown_option_names_the_known_ones():
    with pytest.raises(ConfigurationError, match="no option shar; it has names, share"):
        Estimator(shar=0.1)
    with pytest.raises(ConfigurationError, match="it has none"):
        ComponentConfig.from_json({"x": 1})


def test_config_is_frozen():
    with pytest.raises(FrozenInstanceError):
        Estimator().config.share = 1.0


def test_components_without_tensors_ignore_device_and_unload():
    component = Estimator()
    assert component.to("cuda", dtype="float16") is component
    assert component.unload() is None


@pytest.mark.parametrize("kind", INTERFACES)
def test_interfaces_are_abstract_and_know_their_kind(kind):
    interface = INTERFACES[kind]
    assert interface.kind == kind
    with pytest.raises(TypeError, match="abstract"):
        interface()


def test_every_interface_is_exported():
    assert {cls.__name__ for cls in INTERFACES.values()} <= set(interfaces.__all__)
    assert all(hasattr(interfaces, name) for name in interfaces.__all__)


def objects(*labels):
    return [MovingObject(object_id=index, label=label) for index, label in enumerate(labels)]


def test_a_function_is_a_mass_estimator():
    estimator = from_function(lambda thing: {"hammer": 0.6}.get(thing.label))
    masses = estimator.estimate_mass(None, objects("hammer", "cloud"), rng=np.random.default_rng(0))
    assert {key: mass.mass_kg for key, mass in masses.items()} == {0: 0.6}
    assert masses[0].source == "<lambda>"


def test_an_impossible_mass_of_a_function_is_named():
    with pytest.raises(PhysicsInputError, match="mass_kg of object 0"):
        from_function(lambda thing: -1.0).estimate_mass(
            None, objects("hammer"), rng=np.random.default_rng(0)
        )
