"""One cache folder for all that can be made again."""

import sys
from pathlib import Path

import pytest

from pavas_sdk.interfaces import cache_folder


def test_the_named_folder_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "named"))
    assert cache_folder() == tmp_path / "named"
    monkeypatch.setenv("PAVAS_CACHE", "~/named")
    assert cache_folder() == Path("~/named").expanduser()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have other places")
def test_the_place_on_linux(monkeypatch, tmp_path):
    monkeypatch.setenv("PAVAS_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "pavas"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "pavas"
    assert not (tmp_path / ".cache").exists()  # asking makes nothing
