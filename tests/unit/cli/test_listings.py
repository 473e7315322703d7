"""plugins, models, licences, doctor: text for people, JSON for programs."""

import json
import types

import pytest
from plugin_folders import good_plugin, write_plugin

from pavas_sdk.cli.main import run
from pavas_sdk.cli.output import human_bytes, named_file
from pavas_sdk.registry import DEFAULTS, ComponentSpec, Registry, hookimpl


@pytest.fixture
def use(monkeypatch):
    """Let the commands see one registry."""

    def install(found):
        for name in ("plugins", "models", "licences", "doctor"):
            monkeypatch.setattr(f"pavas_sdk.cli.{name}.default_registry", lambda: found)
        return found

    return install


def read(capsys):
    out, err = capsys.readouterr()
    return json.loads(out), err


def presets(**functions):
    """A plugin whose presets are the given functions."""
    module = types.ModuleType("acme_presets")

    @hookimpl
    def pavas_register_components():
        return [
            ComponentSpec("pipeline", name, f"acme_presets:{name}", licence="CC-BY-NC-4.0")
            for name in functions
        ]

    module.pavas_register_components = pavas_register_components
    for name, function in functions.items():
        setattr(module, name, function)
    return module


@pytest.fixture
def with_presets(use, monkeypatch):
    def install(**functions):
        module = presets(**functions)
        monkeypatch.setitem(__import__("sys").modules, "acme_presets", module)
        found = use(Registry(entry_points=False))
        found.register_plugin(module, version="1.0")
        return found

    return install


def test_plugins_list_shows_components_and_failures(plugin_folder, use, capsys):
    good_plugin(plugin_folder, "acme-mass", version="2.0", licence="BSD-3-Clause")
    write_plugin(plugin_folder, "acme-broken", "raise RuntimeError('boom')", version="0.1")
    use(Registry(environ={"PAVAS_PLUGINS": "acme-mass,acme-broken"}))
    assert run(["plugins", "list"]) == 0
    out, err = capsys.readouterr()
    row = next(line for line in out.splitlines() if "acme-mass/area" in line)
    assert row.split() == ["mass_estimator", "acme-mass/area", "2.0", "BSD-3-Clause", "by", "area"]
    assert "Failed: acme-broken (acme-broken 0.1)" not in out
    assert (
        err == "Failed: acme-broken (acme-broken 0.1) failed at import: RuntimeError: boom\n"
        or ("acme-broken" in err and "RuntimeError: boom" in err)
    )


def test_plugins_list_as_json(plugin_folder, use, capsys):
    good_plugin(plugin_folder, "acme-mass", version="2.0")
    write_plugin(plugin_folder, "acme-broken", "raise RuntimeError('boom')", version="0.1")
    use(Registry(environ={"PAVAS_PLUGINS": "acme-mass,acme-broken"}))
    assert run(["plugins", "list", "--json", "--kind", "mass_estimator"]) == 0
    data, _ = read(capsys)
    (component,) = data["components"]
    assert component == {
        "kind": "mass_estimator",
        "name": "area",
        "qualified_name": "acme-mass/area",
        "distribution": "acme-mass",
        "version": "2.0",
        "licence": "MIT",
        "summary": "by area",
        "target": "acme_mass:Area",
        "api_version": 1,
    }
    assert [plugin["plugin"] for plugin in data["plugins"]] == ["pavas-sdk", "acme-mass"]
    assert data["failures"] == [
        {
            "plugin": "acme-broken",
            "distribution": "acme-broken",
            "version": "0.1",
            "stage": "import",
            "error": "RuntimeError: boom",
        }
    ]


def test_plugins_check_passes_a_good_component(plugin_folder, use, capsys):
    good_plugin(plugin_folder, "acme-mass")
    use(Registry(environ={"PAVAS_PLUGINS": "acme-mass"}))
    assert run(["plugins", "check", "area", "--json"]) == 0
    data, _ = read(capsys)
    assert {check["outcome"] for check in data["checks"]} == {"passed"}
    assert {check["component"] for check in data["checks"]} == {"acme-mass/area"}
    assert len(data["checks"]) > 10


LIAR = """
    from pavas_sdk import ComponentSpec, MassEstimate, hookimpl
    from pavas_sdk.interfaces import MassEstimator


    @hookimpl
    def pavas_register_components():
        return [ComponentSpec("mass_estimator", "liar", "acme_liar:Liar")]


    class Liar(MassEstimator):
        def estimate_mass(self, video, objects, *, masks=None, reconstruction=None, rng):
            return {99: MassEstimate(object_id=99, mass_kg=1.0)}
"""


def test_plugins_check_fails_a_liar_with_1(plugin_folder, use, capsys):
    write_plugin(plugin_folder, "acme-liar", LIAR)
    use(Registry(environ={"PAVAS_PLUGINS": "acme-liar"}))
    assert run(["plugins", "check", "acme-liar"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "FAILED  keeps_contract: ContractError: it invented the object ids [99]" in err


def test_plugins_check_fails_for_a_plugin_that_did_not_load(plugin_folder, use, capsys):
    good_plugin(plugin_folder, "acme-mass")
    write_plugin(plugin_folder, "acme-broken", "raise RuntimeError('boom')")
    use(Registry(environ={"PAVAS_PLUGINS": "acme-mass,acme-broken"}))
    assert run(["plugins", "check", "--kind", "mass_estimator"]) == 1
    assert "RuntimeError: boom" in capsys.readouterr().err
    assert run(["plugins", "check", "acme-mass/area"]) == 0


def test_plugins_check_of_an_unknown_name_is_2(use, capsys):
    use(Registry(entry_points=False))
    assert run(["plugins", "check", "nothing"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: no component is named 'nothing'; there are pavas-sdk/centroid")
    assert "pip install -e FOLDER" in err


def test_models_list(with_presets, tmp_path, capsys):
    (tmp_path / "model_index.json").write_text("{}" * 500)

    def remote(local_files_only=False):
        assert local_files_only, "a listing must not download"

    with_presets(
        bundled=lambda: tmp_path,
        remote=remote,
        gone=lambda: tmp_path / "gone",
        broken=lambda: 1 / 0,
    )
    assert run(["models", "list", "--json"]) == 0
    rows = {row["name"]: row for row in read(capsys)[0]["models"]}
    assert rows["bundled"]["cached"] is True
    assert rows["bundled"]["path"] == str(tmp_path)
    assert rows["bundled"]["size_bytes"] == 1000
    assert rows["bundled"]["licence"] == "CC-BY-NC-4.0"
    assert rows["remote"]["cached"] is False
    assert rows["remote"]["error"] is None
    assert "which is no folder" in rows["gone"]["error"]
    assert "ZeroDivisionError" in rows["broken"]["error"]
    assert run(["models", "list"]) == 0
    out, err = capsys.readouterr()
    assert "1.0 kB" in out
    assert "not on this machine" in out
    assert "Failed: broken" in err


def test_licences(with_presets, tmp_path, capsys):
    with_presets(bundled=lambda: tmp_path)
    assert run(["licences", "--json"]) == 0
    rows = {row["qualified_name"]: row for row in read(capsys)[0]["licences"]}
    assert rows["acme-presets/bundled"]["commercial_use"] == "no"
    assert rows["pavas-sdk/centroid"]["commercial_use"] == "yes"
    assert run(["licences"]) == 0
    assert "CC-BY-NC-4.0" in capsys.readouterr().out


def test_doctor_reports_a_failed_plugin_and_missing_defaults(plugin_folder, use, capsys):
    write_plugin(plugin_folder, "acme-broken", "raise RuntimeError('boom')")
    use(Registry(environ={"PAVAS_PLUGINS": "acme-broken"}))
    assert run(["doctor", "--json"]) == 1
    data, _ = read(capsys)
    assert data["healthy"] is False
    found = {finding["subject"]: finding for finding in data["findings"]}
    assert found["plugin acme-broken"]["status"] == "problem"
    assert found["default segmenter"]["status"] == "problem"
    assert found["default velocity_estimator"]["status"] == "ok"
    assert found["torch"]["status"] == "ok"
    assert found["devices"]["detail"].startswith("cpu")
    assert "h264" in found["decoders"]["detail"].partition("missing")[0]


def test_doctor_notices_that_the_default_preset_has_no_files(use, capsys, monkeypatch):
    module = presets(tiny=lambda: "nowhere")
    monkeypatch.setitem(__import__("sys").modules, "acme_presets", module)
    found = use(Registry(entry_points=False, defaults={**DEFAULTS, "pipeline": "acme/tiny"}))
    found.register_plugin(module, distribution="acme")
    assert run(["doctor", "--json"]) == 1
    (entry,) = [
        entry for entry in read(capsys)[0]["findings"] if entry["subject"] == "default pipeline"
    ]
    assert entry["status"] == "problem"
    assert "names nowhere, which is no folder" in entry["detail"]


def test_doctor_names_an_unwritable_cache(use, capsys, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    blocked.chmod(0o400)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(blocked / "hub"))
    monkeypatch.setattr("os.access", lambda path, mode: str(path) != str(blocked))
    use(Registry(entry_points=False))
    assert run(["doctor", "--json"]) == 1
    data, _ = read(capsys)
    (cache,) = [entry for entry in data["findings"] if entry["subject"] == "model cache"]
    assert cache["status"] == "problem"
    assert "set HF_HOME" in cache["detail"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (15_800_000, "15.8 MB"), (10**13, "10000.0 GB")],
)
def test_human_bytes(count, text):
    assert human_bytes(count) == text


def test_out_means_a_file_with_an_ending_or_a_folder(tmp_path):
    """A page that is called "results" opens as text in a browser."""
    (tmp_path / "old").write_text("")
    (tmp_path / "v1.2").mkdir()
    page = "clip.report.html"
    for out, file in {
        "page.html": "page.html",
        "old": "old",
        "results": f"results/{page}",
        "v1.2": f"v1.2/{page}",
        "new/": f"new/{page}",
    }.items():
        assert named_file(f"{tmp_path}/{out}", page) == tmp_path / file
