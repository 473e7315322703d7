"""Sources as others read them: no path of this machine."""

import pytest

from pavas_sdk.data.source_names import public_source


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
