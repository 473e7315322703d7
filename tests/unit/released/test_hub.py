"""From official files on the Hub to sound and back to the Hub, against a stand-in on this machine.

The Hub's address is read when its client is imported, so everything runs in processes of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from mmaudio_world import write_official
from stand_in_hub import stand_in_hub

TESTS = Path(__file__).parents[2]

START = """
import types, sys
import numpy as np
import torch
from mmaudio_world import PRESET, RELEASE
from pavas_sdk import ComponentSpec, PavasPipeline, default_registry, hookimpl
from pavas_sdk.testing import moving_discs

module = types.ModuleType("acme")
module.tiny = PRESET
module.pavas_register_components = hookimpl(
    lambda: [ComponentSpec("pipeline", "tiny-mmaudio", "acme:tiny", licence=RELEASE.licence)],
    specname="pavas_register_components",
)
sys.modules["acme"] = module
default_registry().register_plugin(module)

def sound(pipe):
    pipe.set_progress_bar_config(disable=True)
    video = moving_discs(1, frames=16).video
    generator = torch.Generator().manual_seed(0)
    return pipe(video, prompt="hammering a nail", generator=generator).audio.samples
"""

ROUND_TRIP = (
    START
    + """
pipe = PavasPipeline.from_pretrained("tiny-mmaudio")     # download, convert, load
first = sound(pipe)
assert np.isfinite(first).all() and first.std() > 0
pipe.save_pretrained(sys.argv[1])
assert np.array_equal(first, sound(PavasPipeline.from_pretrained(sys.argv[1])))
pipe.push_to_hub("someone/mine", token="hf_standin")
back = PavasPipeline.from_pretrained("someone/mine")
assert np.array_equal(first, sound(back))
assert {r.kind: r.licence for r in back.licences()}["clip"].startswith("LicenseRef-Apple")
again = PavasPipeline.from_pretrained("tiny-mmaudio", local_files_only=True)
assert np.array_equal(first, sound(again))
"""
)

KILLED = (
    START
    + '''
import json, os, random, shutil, signal, time
from pathlib import Path
from pavas_sdk.released.checkpoint import read_checkpoint
from pavas_sdk.released.cache import components_folder, pipelines_folder
from pavas_sdk.released.component_record import WEIGHTS_NAME, ComponentRecord
from pavas_sdk.released.conversion import sha256_of
from pavas_sdk.errors import WeightsError

# a slower disk, so that there is time to be killed in
fsync = os.fsync
os.fsync = lambda number: (time.sleep(0.1), fsync(number))

home, cache = Path(os.environ["HF_HOME"]), Path(os.environ["PAVAS_CACHE"])

def in_a_child(seconds=None):
    """Prepare in a process of its own; kill it after ``seconds``. True when it finished."""
    child = os.fork()
    if child == 0:
        try:
            PRESET.prepare()
            os._exit(0)
        except BaseException:
            import traceback
            traceback.print_exc()
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), status
    return status == 0

def check_whole():
    """Whatever stands under a final name is whole."""
    for part in RELEASE.components:
        folder = components_folder() / part.name
        if folder.exists():
            record = ComponentRecord.of_whole(folder, part.name)
            assert record is not None, folder
            assert record.weights["sha256"] == sha256_of(folder / WEIGHTS_NAME)
    if PRESET.folder.exists():
        assert PRESET(local_files_only=True) == PRESET.folder
        for part in RELEASE.components:
            assert (PRESET.folder / part.slot / WEIGHTS_NAME).is_file()
    else:
        assert PRESET(local_files_only=True) is None

def wipe():
    shutil.rmtree(home / "hub", ignore_errors=True)
    shutil.rmtree(cache, ignore_errors=True)

assert in_a_child()
wanted = {p.name: sha256_of(components_folder() / p.name / WEIGHTS_NAME) for p in RELEASE.components}
reference = sound(PavasPipeline.from_pretrained(PRESET.folder))
wipe()
begin = time.monotonic()
assert in_a_child()
whole_s = time.monotonic() - begin

rng = random.Random(0)
killed, stages, fresh = 0, [], True
while killed < 20:
    if fresh:
        wipe()
    # what a killed process left is gone on with, until one attempt gets to the end
    fresh = in_a_child(rng.uniform(0.0, 0.9 * whole_s))
    killed += not fresh
    stages.append(
        (
            len(list((home / "hub").rglob("*.incomplete"))),
            len(list(cache.rglob("*.part"))),
            len([p for p in RELEASE.components if ComponentRecord.of_whole(components_folder() / p.name, p.name)]),
        )
    )
    check_whole()
assert in_a_child()
check_whole()
assert not list(cache.rglob("*.part"))
for part in RELEASE.components:
    assert sha256_of(components_folder() / part.name / WEIGHTS_NAME) == wanted[part.name]
assert np.array_equal(reference, sound(PavasPipeline.from_pretrained(PRESET.folder)))
print(f"uninterrupted {whole_s:.1f} s; killed {killed} times in {len(stages)} attempts; afterwards")
print("(half downloads, half conversions, whole components):", *stages)
'''
)


def run(script: str, address: str, folder: Path, *arguments: str) -> str:
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(folder / "home"),
        "PAVAS_CACHE": str(folder / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "NO_PROXY": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(TESTS),
    }
    environment.pop("HF_HUB_OFFLINE", None)
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_official_files_to_sound_to_the_hub_and_back(tmp_path):
    root = write_official(tmp_path / "hub")
    with stand_in_hub(root) as (address, requests):
        run(ROUND_TRIP, address, tmp_path, str(tmp_path / "saved"))
    fetched = [r for r in requests if r.startswith("GET") and "/resolve/" in r]
    official = [r for r in fetched if r.endswith((".pth", ".pt", ".bin"))]
    assert len(official) == len(set(official)) == 5, "each official file is fetched once"
    published = {path.suffix for path in (root / "someone" / "mine").rglob("*") if path.is_file()}
    assert published <= {".json", ".safetensors", ".md", ""}


@pytest.mark.slow
def test_killed_at_random_moments_it_always_completes(tmp_path, capsys):
    root = write_official(tmp_path / "hub")
    with stand_in_hub(root, bytes_per_s=2e6) as (address, requests):
        said = run(KILLED, address, tmp_path)
    with capsys.disabled():
        print(f"\n{said}continued downloads: {sum(r.startswith('PART') for r in requests)}")
