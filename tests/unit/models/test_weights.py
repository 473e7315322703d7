"""Weights are read one by one and cast on the way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from pavas_sdk.errors import WeightsError
from pavas_sdk.models import MMAudioTransformer
from pavas_sdk.models.weights import TensorFile

TINY = {"hidden_dim": 32, "num_heads": 2, "depth": 3, "fused_depth": 1, "mlp_multiple_of": 8}


@pytest.fixture
def tensors():
    generator = torch.Generator().manual_seed(0)
    return {
        "big": torch.randn(1500, 1000, generator=generator),  # larger than the buffer
        "odd": torch.randn(7, 3, generator=generator),
        "half": torch.randn(5, generator=generator).bfloat16(),
        "count": torch.arange(5),
        "number": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
    }


@pytest.fixture
def file(tensors, tmp_path):
    save_file(tensors, tmp_path / "x.safetensors")
    return tmp_path / "x.safetensors"


@pytest.mark.parametrize("dtype", [None, torch.float32, torch.bfloat16, torch.float16])
def test_every_tensor_as_the_library_reads_it(file, dtype):
    expected = load_file(file)
    opened = TensorFile(file, dtype=dtype)
    assert set(opened) == set(expected)
    for name, got in opened.items():
        wanted = expected[name]
        if dtype is not None and wanted.is_floating_point():
            wanted = wanted.to(dtype)
        assert got.dtype == wanted.dtype
        assert torch.equal(got, wanted)
        assert torch.equal(opened[name], wanted)


def test_tensors_are_memory_of_their_own(file):
    got = TensorFile(file)["odd"]
    assert got.data_ptr() % 64 == 0
    got.zero_()
    assert load_file(file)["odd"].any()


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.999])
def test_a_file_that_was_cut_short(file, keep):
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(WeightsError, match="damaged or was cut short"):
        dict(TensorFile(file).items())


@pytest.mark.parametrize("sharded", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_network_is_loaded_through_it(tmp_path, monkeypatch, dtype, sharded):
    pytest.importorskip("accelerate")
    net = MMAudioTransformer(**TINY)
    net.save_pretrained(tmp_path, max_shard_size="100KB" if sharded else "10GB")
    assert (len(list(tmp_path.glob("*.safetensors"))) > 1) == sharded
    read = []
    usual = TensorFile._read
    monkeypatch.setattr(
        TensorFile, "_read", lambda self, file, name: read.append(name) or usual(self, file, name)
    )
    loaded = MMAudioTransformer.from_pretrained(tmp_path, dtype=dtype)
    assert sorted(read) == sorted(net.state_dict())  # each once
    for name, tensor in loaded.state_dict().items():
        assert torch.equal(tensor, net.state_dict()[name].to(dtype)), name
        assert tensor.data_ptr() % 64 == 0


WATCH = """
import sys
from pathlib import Path

import torch

from pavas_sdk.models import MMAudioTransformer


def memory_mb(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


tiny, large = sys.argv[1:]
MMAudioTransformer.from_pretrained(tiny, dtype=torch.bfloat16)  # imports what loading needs
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = memory_mb("VmRSS:")
net = MMAudioTransformer.from_pretrained(large, dtype=torch.bfloat16)
print(memory_mb("VmHWM:") - before)
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="asks Linux for the peak")
def test_loading_never_holds_the_file_beside_the_cast_weights(tmp_path):
    """The whole process, mapped pages included, grows by the cast weights and little else."""
    pytest.importorskip("accelerate")
    MMAudioTransformer(**TINY).save_pretrained(tmp_path / "tiny")
    net = MMAudioTransformer(hidden_dim=448, num_heads=7, depth=4, fused_depth=2)
    net.save_pretrained(tmp_path / "large")
    half_mb = sum(tensor.numel() for tensor in net.state_dict().values()) * 2 / 2**20
    done = subprocess.run(
        [sys.executable, "-c", WATCH, tmp_path / "tiny", tmp_path / "large"],
        capture_output=True,
        text=True,
        check=True,
    )
    grown_mb = float(done.stdout.split()[-1])
    assert half_mb < grown_mb < 1.1 * half_mb + 10
