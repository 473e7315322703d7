"""Plugins through real entry points: good ones, broken ones, hanging ones."""

import logging
import time

import pytest
from plugin_folders import good_plugin, write_plugin

from pavas_sdk.errors import (
    ComponentNotFoundError,
    ConfigurationError,
    PluginLoadError,
)
from pavas_sdk.registry import Registry

SPEC = 'ComponentSpec("segmenter", "{0}", "nowhere:Nothing")'
HEAD = "from pavas_sdk import ComponentSpec, hookimpl\n"
HOOK = "@hookimpl\ndef pavas_register_components():\n    "

BROKEN = {
    "import": ("raise RuntimeError('no GPU on a Sunday')", "RuntimeError: no GPU on a Sunday"),
    "missing-module": ("import acme_lib_that_is_not_there", "ModuleNotFoundError"),
    "syntax": ("def broken(:", "SyntaxError"),
    "exits": ("raise SystemExit(3)", "SystemExit: 3"),
    "stops": ("class Stop(BaseException): pass\nraise Stop('import')", "Stop: import"),
    "closes": ("raise GeneratorExit", "GeneratorExit: no message"),
    "interrupts": ("raise KeyboardInterrupt", "KeyboardInterrupt: no message"),
    "hook-interrupts": (HEAD + HOOK + "raise KeyboardInterrupt", "KeyboardInterrupt"),
    "hook-stops": (HEAD + HOOK + "raise BaseException('hook')", "BaseException: hook"),
    "misspelt": (HEAD + "@hookimpl\ndef pavas_register_componets():\n    return []", "componets"),
    "arguments": (HEAD + "@hookimpl\ndef pavas_register_components(x):\n    return []", "x"),
    "raises": (HEAD + HOOK + "raise KeyError('weights')", "KeyError: 'weights'"),
    "raises-late": (
        HEAD + HOOK + f"yield {SPEC.format('early')}\n    raise OSError('disk')",
        "OSError: disk",
    ),
    "returns-text": (HEAD + HOOK + "return ['segmenter']", "must return ComponentSpec"),
    "returns-none": (HEAD + HOOK + "return None", "TypeError"),
    "kind": (HEAD + HOOK + "return [ComponentSpec('mover', 'x', 'a:B')]", "unknown kind 'mover'"),
    "target": (HEAD + HOOK + "return [ComponentSpec('segmenter', 'x', 'a.B')]", "package.module"),
    "name": (HEAD + HOOK + "return [ComponentSpec('segmenter', 'a/b', 'a:B')]", "'a/b'"),
    "newer": (
        HEAD + HOOK + "return [ComponentSpec('segmenter', 'x', 'a:B', api_version=2)]",
        "pip install -U pavas-sdk",
    ),
    "endless": (HEAD + HOOK + "return iter(int, 1)", "got int"),
    "no-end": (
        HEAD + HOOK + "return iter(lambda: " + SPEC.format("x") + ", None)",
        "more than 100000 components",
    ),
    "twice": (HEAD + HOOK + "return [" + ", ".join([SPEC.format("x")] * 2) + "]", "twice"),
}
STAGES = {
    "import": "import",
    "missing-module": "import",
    "syntax": "import",
    "exits": "import",
    "stops": "import",
    "closes": "import",
    "interrupts": "import",
    "misspelt": "register",
    "arguments": "register",
}


def registry(**environ) -> Registry:
    return Registry(environ=environ)


def names(found: Registry, kind="mass_estimator"):
    return [entry.qualified_name for entry in found.components(kind)]


def test_an_installed_plugin_is_found_with_what_its_distribution_says(plugin_folder):
    good_plugin(plugin_folder, "Acme.Mass", version="2.0", licence="CC-BY-NC-4.0")
    entry = registry(PAVAS_PLUGINS="acme-mass").get("mass_estimator", "area")
    assert entry.qualified_name == "acme-mass/area"
    assert (entry.version, entry.licence) == ("2.0", "CC-BY-NC-4.0")
    assert entry.load().__name__ == "Area"
    assert entry.create(areal_density_kg_m2=3.0).config.areal_density_kg_m2 == 3.0


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_named_and_harms_nobody(case, plugin_folder):
    source, words = BROKEN[case]
    write_plugin(plugin_folder, f"broken-{case}", source, version="0.7")
    good_plugin(plugin_folder, "zz-good")
    found = registry(PAVAS_PLUGINS=f"broken-{case},zz-good")
    assert names(found) == ["zz-good/area"]
    assert found.components("segmenter") == ()
    (failure,) = found.failures
    assert (failure.plugin, failure.version) == (f"broken-{case}", "0.7")
    assert failure.stage == STAGES.get(case, "components")
    assert words in failure.summary
    assert "\n" not in failure.summary
    with pytest.raises(ComponentNotFoundError, match=f"broken-{case}.*0.7.*failed at"):
        found.get("segmenter", "early")


@pytest.mark.parametrize("case", ["import", "misspelt", "raises", "exits"])
def test_strict_raises_with_the_cause(case, plugin_folder):
    write_plugin(plugin_folder, f"broken-{case}", BROKEN[case][0])
    found = registry(PAVAS_PLUGINS=f"broken-{case}", PAVAS_STRICT_PLUGINS="1")
    with pytest.raises(PluginLoadError, match=f"broken-{case}") as caught:
        found.load()
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("where", ["import", "hook"])
def test_a_hanging_plugin_is_left_behind(where, plugin_folder):
    sleep = "import time\ntime.sleep(600)"
    source = sleep if where == "import" else HEAD + HOOK + "import time; time.sleep(600)"
    write_plugin(plugin_folder, "hanging", source)
    good_plugin(plugin_folder, "zz-good")
    import zz_good  # noqa: F401  (its own import may be slow on a busy machine)

    found = registry(PAVAS_PLUGINS="hanging,zz-good", PAVAS_PLUGIN_TIMEOUT_S="2")
    started = time.monotonic()
    assert names(found) == ["zz-good/area"]
    assert time.monotonic() - started < 60
    (failure,) = found.failures
    assert "did not answer within 2 s" in failure.summary
    assert "PAVAS_PLUGIN_TIMEOUT_S" in failure.summary


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_an_impossible_time_limit_is_refused(text, plugin_folder):
    good_plugin(plugin_folder, "acme-mass")
    with pytest.raises(ConfigurationError, match="PAVAS_PLUGIN_TIMEOUT_S"):
        registry(PAVAS_PLUGIN_TIMEOUT_S=text, PAVAS_PLUGINS="acme-mass").load()


def test_pavas_plugins_restricts(plugin_folder):
    good_plugin(plugin_folder, "acme-one")
    good_plugin(plugin_folder, "acme-two")
    assert names(registry(PAVAS_PLUGINS="acme-two")) == ["acme-two/area"]
    assert names(registry(PAVAS_PLUGINS=" acme_one , acme-two ")) == [
        "acme-one/area",
        "acme-two/area",
    ]
    nothing = registry(PAVAS_PLUGINS="")
    assert {entry.distribution for entry in nothing.components()} == {"pavas-sdk"}
    assert nothing.failures == ()


def test_a_wanted_plugin_that_is_not_installed_is_a_failure():
    (failure,) = registry(PAVAS_PLUGINS="acme-gone").failures
    assert failure.stage == "find"
    assert "acme-gone" in failure.summary


def test_listing_imports_no_component(plugin_folder):
    source = HEAD + HOOK + "return [ComponentSpec('segmenter', 'x', 'not_there_at_all:X')]"
    write_plugin(plugin_folder, "acme-lazy", source)
    found = registry(PAVAS_PLUGINS="acme-lazy")
    entry = found.get("segmenter", "x")
    assert found.failures == ()
    with pytest.raises(PluginLoadError, match=r"acme-lazy/x cannot be imported.*not_there_at_all"):
        entry.load()


def test_plugins_load_once_and_only_when_asked(plugin_folder):
    write_plugin(
        plugin_folder,
        "acme-counting",
        HEAD + HOOK + "import counter; counter.calls += 1; return []",
    )
    (plugin_folder / "counter.py").write_text("calls = 0\n")
    import counter

    found = registry(PAVAS_PLUGINS="acme-counting")
    assert counter.calls == 0
    found.components()
    found.components()
    assert found.failures == ()
    assert counter.calls == 1


def test_failures_are_not_logged_as_warnings(plugin_folder, caplog):
    write_plugin(plugin_folder, "broken-import", BROKEN["import"][0])
    with caplog.at_level(logging.INFO):
        registry(PAVAS_PLUGINS="broken-import").load()
    assert not caplog.records


def test_two_entry_points_of_one_name(plugin_folder):
    good_plugin(plugin_folder, "acme-one")
    second = good_plugin(plugin_folder, "acme-two")
    info = next(plugin_folder.glob("acme_two-*.dist-info"))
    (info / "entry_points.txt").write_text(f"[pavas_sdk.plugins]\nacme-one = {second}\n")
    (failure,) = registry(PAVAS_PLUGINS="acme-one").failures
    assert "same name" in failure.summary


def test_what_a_plugin_prints_while_it_loads_goes_to_stderr(plugin_folder, capsys):
    write_plugin(
        plugin_folder,
        "acme-talks",
        "print('imported')\n" + HEAD + "@hookimpl\ndef pavas_register_components():\n"
        "    print('asked')\n    return []",
    )
    found = registry(PAVAS_PLUGINS="acme-talks")
    assert found.failures == ()
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["imported", "asked"]


def test_ten_thousand_components_behave(plugin_folder):
    write_plugin(
        plugin_folder,
        "acme-many",
        HEAD + "@hookimpl\ndef pavas_register_components():\n"
        "    return [ComponentSpec('segmenter', f'part-{n}', 'nowhere:Nothing') for n in range(10_000)]",
    )
    began = time.monotonic()
    found = registry(PAVAS_PLUGINS="acme-many")
    assert found.get("segmenter", "part-9999").distribution == "acme-many"
    with pytest.raises(ComponentNotFoundError, match="part-999"):
        found.get("segmenter", "part-99999")
    assert len(found.components("segmenter")) == 10_000
    assert time.monotonic() - began < 20
