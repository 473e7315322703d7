"""Sources as others read them: no path of this machine."""

import json

import pytest

from pavas_sdk.data.source_names import public_source, without_local_path_in


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("pavas-tiny", "pavas-tiny"),
        ("you/hammer-physics", "you/hammer-physics"),
        ("/home/me/runs/metal", "metal"),
        ("/home/me/runs/metal/", "metal"),
        ("~/runs/metal", "metal"),
        ("./runs/../metal", "metal"),
        ("../metal.safetensors", "metal.safetensors"),
    ],
)
def test_repositories_stay_and_paths_are_cut(source, name):
    assert public_source(source) == name


def test_what_lies_here_goes_by_its_own_name(tmp_path, monkeypatch):
    (tmp_path / "you" / "store").mkdir(parents=True)
    (tmp_path / "you" / "hammer").symlink_to(tmp_path / "you" / "store")
    monkeypatch.chdir(tmp_path)
    assert public_source("you/hammer") == "hammer"
    assert public_source(tmp_path / "you" / "store") == "store"


def test_a_saved_configuration_loses_its_path_alone():
    text = json.dumps({"_name_or_path": "/home/me/base/adapter", "hidden_dim": 16})
    assert json.loads(without_local_path_in(text)) == {"_name_or_path": "", "hidden_dim": 16}
    for kept in ('{"_name_or_path": "you/x"}', '{"hidden_dim": 16}', "[1]", "torn {"):
        assert without_local_path_in(kept) == kept
