"""pavas models download and convert, on a tiny released model."""

import json
import types

import pytest
from released_world import PRESET, write_official

from pavas_sdk.cli.main import run
from pavas_sdk.registry import ComponentSpec, Registry, hookimpl


@pytest.fixture
def registry(monkeypatch, tmp_path):
    """One released preset and one that brings its files along."""
    module = types.ModuleType("acme_released")
    module.tiny = PRESET
    bundled = tmp_path / "bundled"
    bundled.mkdir()
    module.bundled = lambda: bundled

    @hookimpl
    def pavas_register_components():
        return [
            ComponentSpec(
                "pipeline", "tiny-released", "acme_released:tiny", licence=PRESET.release.licence
            ),
            ComponentSpec("pipeline", "bundled", "acme_released:bundled"),
        ]

    module.pavas_register_components = pavas_register_components
    monkeypatch.setitem(__import__("sys").modules, "acme_released", module)
    found = Registry(entry_points=False)
    found.register_plugin(module, version="1.0")
    monkeypatch.setattr("pavas_sdk.cli.models.default_registry", lambda: found)
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return found


def rows(capsys):
    assert run(["models", "list", "--json"]) == 0
    return {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}


def test_download_from_a_folder_and_then_it_is_cached(registry, tmp_path, capsys):
    official = write_official(tmp_path / "official")
    before = rows(capsys)["tiny-released"]
    assert (before["cached"], before["download_bytes"]) == (False, 50_000)
    assert run(["models", "list"]) == 0
    assert "50.0 kB to fetch" in capsys.readouterr().out
    assert run(["models", "download", "tiny-released", "--from", str(official), "--json"]) == 0
    out, err = capsys.readouterr()
    answer = json.loads(out)
    assert answer["licence"] == "Apache-2.0 AND CC-BY-NC-4.0 AND MIT"
    assert answer["sources"]["vae"]["path"] == "ext_weights/v1-tiny.pth"
    assert len(answer["sources"]["vae"]["sha256"]) == 64
    assert "transformer: converting tiny_flow.pth" in err
    after = rows(capsys)["tiny-released"]
    assert after["cached"] is True
    assert after["path"] == answer["path"]
    assert after["size_bytes"] > 50_000


def test_convert_writes_a_folder_once(registry, tmp_path, capsys):
    official = write_official(tmp_path / "official")
    out = tmp_path / "converted"
    arguments = ["models", "convert", "tiny-released", "-o", str(out), "--from", str(official)]
    assert run(arguments) == 0
    assert capsys.readouterr().out == f"{out}\n"
    assert (out / "model_index.json").is_file()
    assert run(arguments) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run([*arguments, "--overwrite", "--dtype", "float16"]) == 0


def test_what_cannot_be_done_is_said(registry, tmp_path, capsys):
    assert run(["models", "download", "tiny-relaesed"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert run(["models", "download", "tiny-released", "--from", str(tmp_path / "no")]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert run(["models", "download", "bundled"]) == 0
    capsys.readouterr()
    assert run(["models", "download", "bundled", "--from", str(tmp_path)]) == 2
    assert "leave out --from" in capsys.readouterr().err
    assert run(["models", "convert", "bundled", "-o", str(tmp_path / "x")]) == 2
    assert "save_pretrained" in capsys.readouterr().err
