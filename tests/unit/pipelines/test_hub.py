"""Push and pull, against a stand-in Hub on this machine.

The Hub's address is read when its client is imported, so that everything runs in a process of
its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from stand_in_hub import stand_in_hub

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import sys
import numpy as np
import torch
from pavas_sdk import PavasPipeline, PhysicsEstimator
from pavas_sdk.errors import WeightsError
from pavas_sdk.testing import moving_discs
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

pipe = tiny_pipeline(physics_estimator=PhysicsEstimator())
pipe.push_to_hub("someone/tiny", token="hf_standin")
back = PavasPipeline.from_pretrained("someone/tiny")
back.set_progress_bar_config(disable=True)
video = moving_discs(1, frames=10).video
sounds = [
    p(video, physics="none", generator=torch.Generator().manual_seed(0)).audio.samples
    for p in (pipe, back)
]
assert np.array_equal(*sounds)
assert back.physics_estimator.provenance == pipe.physics_estimator.provenance
assert back.name_or_path == "someone/tiny"
again = PavasPipeline.from_pretrained("someone/tiny", local_files_only=True)
try:
    PavasPipeline.from_pretrained("someone/absent")
except WeightsError as err:
    assert "cannot download someone/absent" in str(err), err
else:
    sys.exit("a repository that does not exist was loaded")
"""


def run(script: str, address: str, home: Path) -> None:
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture
def hub(tmp_path):
    root = tmp_path / "hub"
    root.mkdir()
    with stand_in_hub(root) as (address, requests):
        yield address, requests, root


def test_push_and_pull_give_the_same_sound(hub, tmp_path):
    address, requests, root = hub
    # what a careless owner may have left there must not be downloaded
    (root / "someone" / "tiny" / "transformer").mkdir(parents=True)
    (root / "someone" / "tiny" / "transformer" / "diffusion_pytorch_model.bin").write_bytes(b"evil")
    (root / "someone" / "tiny" / "pipeline.py").write_text("raise SystemExit('code was run')")
    run(SCRIPT, address, tmp_path / "home")
    files = {str(path.relative_to(root / "someone" / "tiny")) for path in root.rglob("*.json")}
    assert {"model_index.json", "pavas.json", "physics_estimator/config.json"} <= files
    fetched = [request for request in requests if "/resolve/" in request]
    assert any(request.endswith("model_index.json") for request in fetched)
    assert not [r for r in fetched if r.startswith("GET") and r.endswith((".bin", ".py"))]
