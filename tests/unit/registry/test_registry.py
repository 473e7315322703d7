"""Names, defaults, overrides and loading of components."""

import sys
import types

import pytest

from pavas_sdk.errors import (
    AmbiguousComponentError,
    ComponentFailedError,
    ComponentNotFoundError,
    ConfigurationError,
    ContractError,
    LicenceError,
    PavasWarning,
    PluginLoadError,
)
from pavas_sdk.interfaces import MassEstimator
from pavas_sdk.registry import (
    DEFAULTS,
    KINDS,
    ComponentSpec,
    Registry,
    check_licences,
    component_ref,
    default_registry,
    hookimpl,
    is_non_commercial,
)
from pavas_sdk.testing import BrightSegmenter, DensityMassEstimator

AREA = "pavas_sdk.testing:DensityMassEstimator"


def plugin(*specs, name="acme") -> types.ModuleType:
    module = types.ModuleType(name)

    @hookimpl
    def pavas_register_components():
        return specs

    module.pavas_register_components = pavas_register_components
    return module


@pytest.fixture
def registry() -> Registry:
    found = Registry(entry_points=False)
    for name in ("acme", "other"):
        found.register_plugin(
            plugin(ComponentSpec("mass_estimator", "area", AREA, licence="MIT"), name=name),
            version="1.0",
        )
    found.register_plugin(plugin(ComponentSpec("mass_estimator", "lookup", AREA), name="third"))
    return found


def test_a_unique_bare_name_works(registry):
    assert registry.get("mass_estimator", "lookup").qualified_name == "third/lookup"


def test_a_shared_name_is_an_error_that_lists_both(registry):
    with pytest.raises(AmbiguousComponentError, match=r"acme/area, other/area.*Say which one"):
        registry.get("mass_estimator", "area")
    assert registry.get("mass_estimator", "other/area").distribution == "other"
    assert registry.get("mass_estimator", "Other/area").distribution == "other"


@pytest.mark.parametrize(
    ("kind", "name", "words"),
    [
        ("mass_estimator", "lokup", "did you mean 'third/lookup'"),
        ("mass_estimator", "acme/aera", "did you mean 'acme/area'"),
        ("mass_estimator", "zzz", "there are acme/area, other/area, third/lookup"),
        ("mass_estimator", "new-dist/area", "did you mean 'acme/area' or 'other/area'"),
        ("mass_estimator", "new-dist/zzz", "pip install new-dist"),
        ("segmenter", "lookup", "'lookup' is a mass_estimator"),
    ],
)
def test_an_unknown_name_gets_advice(registry, kind, name, words):
    with pytest.raises(ComponentNotFoundError, match=words):
        registry.get(kind, name)


def test_a_restriction_is_mentioned():
    restricted = Registry(environ={"PAVAS_PLUGINS": ""})
    with pytest.raises(ComponentNotFoundError, match="PAVAS_PLUGINS='' restricts"):
        restricted.get("segmenter")


def test_an_unknown_kind_is_refused(registry):
    for ask in (registry.get, registry.components):
        with pytest.raises(ConfigurationError, match="there is no kind 'mover'; kinds are moving"):
            ask("mover")


def test_every_kind_has_a_qualified_default():
    # a metric names the extractor that it needs: nothing can stand for it
    assert set(DEFAULTS) == set(KINDS) - {"metric_extractor"}
    assert all(name.count("/") == 1 for name in DEFAULTS.values())
    with pytest.raises(ConfigurationError, match="no metric_extractor is the default"):
        Registry().get("metric_extractor")


def test_a_default_is_its_qualified_name_whatever_is_installed(registry):
    found = Registry(entry_points=False, defaults={**DEFAULTS, "mass_estimator": "other/area"})
    for name in ("acme", "other"):
        found.register_plugin(plugin(ComponentSpec("mass_estimator", "area", AREA), name=name))
    assert found.get("mass_estimator").qualified_name == "other/area"


def test_the_core_registers_its_own_component_through_the_hook():
    entry = Registry(entry_points=False).get("velocity_estimator")
    assert entry.qualified_name == "pavas-sdk/centroid"
    assert entry.licence == "Apache-2.0"
    assert type(entry.create()).__name__ == "CentroidVelocityEstimator"


def test_create_passes_options_and_names_wrong_ones(registry):
    made = registry.create("mass_estimator", "lookup", metres_per_pixel=0.5)
    assert made.config.metres_per_pixel == 0.5
    with pytest.raises(ConfigurationError, match="no option colour"):
        registry.create("mass_estimator", "lookup", colour=1)


class Explosive(DensityMassEstimator):
    def __init__(self, **options):
        raise RuntimeError("no weights")


def not_a_class():
    return None


@pytest.mark.parametrize(
    ("target", "error", "words"),
    [
        ("nowhere_at_all:X", PluginLoadError, "ModuleNotFoundError.*force-reinstall"),
        ("pavas_sdk.testing:Nothing", PluginLoadError, "has no attribute 'Nothing'"),
        ("pavas_sdk.testing:BrightSegmenter", ContractError, "subclass of .*MassEstimator"),
        ("pavas_sdk.testing:moving_discs", ContractError, "must be a subclass"),
    ],
)
def test_a_bad_target_is_named(target, error, words):
    found = Registry(entry_points=False)
    found.register_plugin(plugin(ComponentSpec("mass_estimator", "x", target)), version="3.1")
    with pytest.raises(error, match=words):
        found.create("mass_estimator", "x")


def test_a_constructor_that_raises_names_the_plugin(monkeypatch):
    found = Registry(entry_points=False)
    module = plugin(ComponentSpec("mass_estimator", "x", "explosive_module:Explosive"))
    home = types.ModuleType("explosive_module")
    home.Explosive = Explosive
    monkeypatch.setitem(__import__("sys").modules, "explosive_module", home)
    found.register_plugin(module, version="3.1")
    with pytest.raises(ComponentFailedError, match=r"acme/x \(acme 3\.1\).*RuntimeError: no weigh"):
        found.create("mass_estimator", "x")


def test_a_preset_is_a_function(tmp_path):
    found = Registry(entry_points=False)
    target = "pavas_sdk.testing:moving_discs"
    found.register_plugin(plugin(ComponentSpec("pipeline", "x", target)))
    assert callable(found.get("pipeline", "x").load())
    found.register_plugin(
        plugin(ComponentSpec("pipeline", "y", "pavas_sdk:__version__"), name="other")
    )
    with pytest.raises(ContractError, match="function that returns a folder"):
        found.get("pipeline", "y").load()


def test_an_object_can_stand_in_for_a_while(registry):
    mine = DensityMassEstimator(areal_density_kg_m2=7.0)
    with registry.override(mine) as entry:
        assert registry.create("mass_estimator") is mine
        assert registry.get("mass_estimator", entry.name).instance is mine
        assert registry.get("mass_estimator", "lookup").instance is None
        with registry.override(DensityMassEstimator(areal_density_kg_m2=8.0)):
            assert registry.create("mass_estimator").config.areal_density_kg_m2 == 8.0
        assert registry.create("mass_estimator") is mine
    with pytest.raises(ComponentNotFoundError):
        registry.get("mass_estimator")


def test_a_spec_can_stand_in_and_takes_its_bare_name(registry):
    spec = ComponentSpec("mass_estimator", "area", AREA, licence="X")
    with registry.override(spec):
        assert registry.get("mass_estimator", "area").distribution == "override"
        assert registry.get("mass_estimator", "acme/area").distribution == "acme"
    with pytest.raises(AmbiguousComponentError):
        registry.get("mass_estimator", "area")


def test_an_override_must_be_a_component(registry):
    with pytest.raises(ContractError, match="int implements none"), registry.override(3):
        pass


def test_register_and_unregister(registry):
    with pytest.raises(PluginLoadError, match="same name"):
        registry.register_plugin(plugin(name="acme"))
    registry.unregister_plugin("acme")
    assert registry.get("mass_estimator", "area").distribution == "other"
    with pytest.raises(ConfigurationError, match="no plugin 'acme'"):
        registry.unregister_plugin("acme")


def test_registering_a_broken_plugin_raises_and_leaves_nothing(registry):
    class Broken:
        @hookimpl
        def pavas_register_components(self):
            raise ValueError("nope")

    before = registry.components()
    with pytest.raises(PluginLoadError, match="ValueError: nope"):
        registry.register_plugin(Broken(), name="broken")
    assert registry.components() == before


def test_one_registry_per_process():
    assert default_registry() is default_registry()


# -- provenance ------------------------------------------------------------------------------


def test_reference_of_a_registered_object(registry):
    registry.unregister_plugin("other")
    registry.unregister_plugin("third")
    ref = component_ref(DensityMassEstimator(metres_per_pixel=0.5), registry=registry)
    assert (ref.kind, ref.qualified_name, ref.version) == ("mass_estimator", "acme/area", "1.0")
    assert ref.licence == "MIT"
    assert ref.config == {"areal_density_kg_m2": 20.0, "metres_per_pixel": 0.5}


def test_reference_of_an_object_that_nobody_registered(registry):
    ref = component_ref(BrightSegmenter(), registry=registry)
    assert (ref.qualified_name, ref.distribution, ref.licence) == ("BrightSegmenter", "", "")
    assert ref.kind == "segmenter"


def test_reference_of_a_subclass_is_not_that_of_its_parent(registry):
    class Mine(DensityMassEstimator):
        pass

    assert component_ref(Mine(), registry=registry).qualified_name == "Mine"


def test_the_search_makes_no_package_load_what_it_loads_on_first_use(registry, monkeypatch):
    class Big(MassEstimator):
        def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
            return {}

    Big.__qualname__ = "Big"
    asked = []
    package = types.ModuleType("lazy_parts")
    package.__getattr__ = lambda name: asked.append(name) or Big
    monkeypatch.setitem(sys.modules, "lazy_parts", package)
    spec = ComponentSpec("mass_estimator", "big", "lazy_parts:Big")
    registry.register_plugin(plugin(spec, name="fourth"))
    component_ref(BrightSegmenter(), kind="mass_estimator", registry=registry)
    assert asked == []
    assert component_ref(Big(), registry=registry).qualified_name == "fourth/big"


def test_reference_survives_json(registry):
    ref = component_ref(DensityMassEstimator(), registry=registry)
    assert type(ref).from_json(ref.to_json()) == ref


# -- licences --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("licence", "non_commercial"),
    [
        ("MIT", False),
        ("Apache-2.0", False),
        ("CC-BY-4.0", False),
        ("CC-BY-SA-4.0", False),
        ("CC-BY-NC-4.0", True),
        ("CC-BY-NC-SA-4.0", True),
        ("cc-by-nc-nd-3.0", True),
        ("PolyForm-Noncommercial-1.0.0", True),
        ("Non-Commercial use only", True),
        ("research use only", True),
        ("MIT AND CC-BY-NC-4.0", True),
        ("MIT OR CC-BY-NC-4.0", False),
        ("(CC-BY-NC-4.0 OR LicenseRef-noncommercial)", True),
        ("", False),
        ("NCSA", False),
    ],
)
def test_non_commercial_licences(licence, non_commercial):
    assert is_non_commercial(licence) is non_commercial


def test_commercial_use_refuses_by_name(registry):
    registry.register_plugin(
        plugin(ComponentSpec("segmenter", "nc", AREA, licence="CC-BY-NC-4.0"), name="acme-nc")
    )
    entries = [registry.get("segmenter", "nc"), registry.get("mass_estimator", "acme/area")]
    check_licences(entries, commercial_use=False)
    check_licences(entries[1:], commercial_use=True)
    with pytest.raises(LicenceError, match=r"acme-nc/nc +CC-BY-NC-4\.0") as caught:
        check_licences(entries, commercial_use=True)
    assert "acme/area" not in str(caught.value)


def test_an_unknown_licence_is_said(registry):
    with pytest.warns(PavasWarning, match="third/lookup is unknown"):
        check_licences([registry.get("mass_estimator", "lookup")], commercial_use=True)


def test_interfaces_of_kinds_are_abstract():
    with pytest.raises(TypeError):
        MassEstimator()
