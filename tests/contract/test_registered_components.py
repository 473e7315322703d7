"""Every component that is installed here keeps its contract, whoever made it."""

from functools import partial

import pytest

from pavas_sdk.registry import DEFAULTS, default_registry
from pavas_sdk.testing import checks_for


def from_backbone(entry, *args, **options):
    return entry.load().for_transformer(*args, **options)


def create(entry, **options):
    return entry.create(**options)


def cases():
    for entry in default_registry().components():
        adapter = entry.kind == "conditioning_adapter"
        options = getattr(entry.load(), "contract_options", {})
        make = partial(from_backbone if adapter else create, entry, **options)
        if entry.kind == "pipeline":
            make = entry.load()  # says itself whether it would have to fetch files
        for check in checks_for(entry.kind, make):
            yield pytest.param(check, id=f"{entry.qualified_name}-{check}")


@pytest.mark.parametrize("check", list(cases()))
def test_contract(check):
    check()


def test_no_plugin_of_this_repository_fails():
    registry = default_registry()
    assert [failure.summary for failure in registry.failures] == []
    names = {source.distribution for source in registry.plugins()}
    assert {"pavas-sdk", "pavas-tiny", "pavas-phy-adapter"} <= names


@pytest.mark.parametrize("kind", DEFAULTS)
def test_every_default_is_there_and_has_a_licence(kind):
    entry = default_registry().get(kind)
    assert entry.qualified_name == DEFAULTS[kind]
    assert entry.licence
    assert entry.spec.summary
    entry.load()
