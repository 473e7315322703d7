"""``~`` is the home folder; a name that nobody has is a name of a file, and no crash."""

from __future__ import annotations

from pathlib import Path

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.data.paths import expanded
from pavas_sdk.errors import MediaNotFoundError
from pavas_sdk.media import open_video


def test_home_folders(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert expanded("~/a.mp4") == tmp_path / "a.mp4"
    assert expanded("a/~b.mp4") == Path("a/~b.mp4")


def test_the_home_of_nobody(capsys):
    path = "~nobody-has-this-name/a.mp4"
    with pytest.raises(MediaNotFoundError, match=f"no such file: {path}"):
        open_video(path)
    assert run(["inspect", path]) == 2
    assert f"no such file: {path}" in capsys.readouterr().err
