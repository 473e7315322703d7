"""A killed download is begun again, and half a file is never taken for the whole."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from stand_in_hub import stand_in_hub

FETCH = """
import huggingface_hub.constants as constants
constants.DOWNLOAD_CHUNK_SIZE = 2**16
from pavas_sdk.released import OfficialFile, ReleasedComponent
from pavas_sdk.released.official_files import download

file = OfficialFile(repository="someone/large", path="w.pth", size_bytes=1, licence="MIT")
part = ReleasedComponent(name="x", slot="vae", file=file, build=None, translate=None)
print(download(part, preset="x"))
"""


def test_a_killed_download_is_begun_again(tmp_path):
    content = os.urandom(3_000_000)
    file = tmp_path / "hub" / "someone" / "large" / "w.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    home = tmp_path / "home"
    with stand_in_hub(tmp_path / "hub", bytes_per_s=2e6) as (address, requests):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_PROXY": "127.0.0.1",
        }
        environment.pop("HF_HUB_OFFLINE", None)
        child = subprocess.Popen([sys.executable, "-c", FETCH], env=environment)
        deadline = time.monotonic() + 60
        while not any(p.stat().st_size > 500_000 for p in home.rglob("*.incomplete")):
            assert child.poll() is None, "it finished, or failed, before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.02)
        child.kill()
        child.wait()
        done = subprocess.run(
            [sys.executable, "-c", FETCH],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert len([r for r in requests if r.startswith("GET") and r.endswith("w.pth")]) == 2
    assert Path(done.stdout.strip().splitlines()[-1]).read_bytes() == content
