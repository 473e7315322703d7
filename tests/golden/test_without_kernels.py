"""The networks as they are written, with the folder of the CPU kernels gone."""

import os
import subprocess
import sys
from pathlib import Path

from converted import SHARED_FOLDER, session_folder

HERE = Path(__file__).parent
FILES = ("test_bigvgan.py", "test_flow.py", "test_synchformer.py", "test_vae.py")
GOLDENS = ("bigvgan_16k", "flow_small_16k_8s", "synchformer_1seg", "vae_16k")

CHILD = """
import sys

class Deleted:
    def find_spec(self, name, path=None, target=None):
        if name == "pavas_sdk.models.cpu" or name.startswith("pavas_sdk.models.cpu."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Deleted())

import pytest

failed = pytest.main(sys.argv[1:])

from pavas_sdk.models.kernels import find_kernel

assert find_kernel("BigVGAN.generate") is None
assert not [name for name in sys.modules if name.startswith("pavas_sdk.models.cpu")]
sys.exit(failed)
"""


def test_goldens_pass_when_the_kernels_are_deleted():
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PAVAS_GOLDENS_MMAUDIO", "PAVAS_CPU_KERNELS"}
    } | {SHARED_FOLDER: str(session_folder())}
    files = [str(HERE / name) for name in FILES]
    # not "-q": each test must be named with its outcome
    # in this process, whose imports are refused: no workers
    options = [
        "-v",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "-k",
        " or ".join(f"{g}]" for g in GOLDENS),
    ]
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *files, *options],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        cwd=HERE.parents[1],
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for golden in GOLDENS:
        assert f"[{golden}] PASSED" in done.stdout, done.stdout
