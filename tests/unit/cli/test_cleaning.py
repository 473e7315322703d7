"""``pavas doctor --clean``: what dead runs left goes, what live ones write stays."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pavas_sdk.cli.main import run
from pavas_sdk.data.temporary_names import temporary_name

LEAVE = """
import os, sys
from pathlib import Path
from pavas_sdk.data.claims import claimed
from pavas_sdk.data.files import replacing
folder = Path(sys.argv[1])
with claimed(folder, "clip") as claim, replacing(folder / "KEY.npz") as draft:
    (claim.drafts / "clip.wav").write_text("half")
    draft.write_text("half")
    os._exit(9)
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache" / "physics"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PAVAS_CACHE", str(folder.parent))
    return folder


def test_dead_runs_are_cleaned_up_after(tmp_path, cache, capsys):
    out = tmp_path / "out"
    out.mkdir()
    for folder in (out, cache):
        done = subprocess.run([sys.executable, "-c", LEAVE, str(folder)], check=False)
        assert done.returncode == 9
        assert len(list(folder.iterdir())) == 3
    alive = out / temporary_name("mine.wav")
    alive.write_text("")
    earlier, recent = out / ".pavas-abcd1234", out / ".pavas-recent12"
    earlier.mkdir()
    recent.mkdir()
    os.utime(earlier, (0, 0))
    assert run(["doctor", "--clean", str(out)]) == 0
    printed = capsys.readouterr()
    assert sorted(path.name for path in out.iterdir()) == sorted([alive.name, recent.name])
    assert list(cache.iterdir()) == []
    assert "removed" in printed.out
    assert run(["doctor", "--clean", "--json", str(out)]) == 0
    assert '"removed": []' in capsys.readouterr().out


def test_folders_are_checked(tmp_path, cache, capsys):
    assert run(["doctor", "--clean", str(tmp_path / "gone")]) == 2
    assert run(["doctor", str(tmp_path)]) == 2
    assert "add it, or leave them out" in capsys.readouterr().err
