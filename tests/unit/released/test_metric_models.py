"""Networks of the metrics: fetched from the stand-in Hub or a page, or taken from a folder, converted once."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from pavas_sdk.cli.main import run
from pavas_sdk.errors import WeightsError
from pavas_sdk.released.metric_models import METRIC_MODELS, network_folder, prepare_from

sys.path.insert(0, str(Path(__file__).parents[2]))

from metric_networks_world import TINY_MODELS, official_state, write_official
from stand_in_hub import stand_in_hub


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAVAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def listed(capsys):
    assert run(["models", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["metric_networks"]
    return {row["name"]: row for row in rows}


def test_all_are_listed_with_file_size_and_licence(cache, capsys):
    rows = listed(capsys)
    assert list(rows) == [
        "panns-cnn14-16k",
        "vggish",
        "passt-s",
        "synchformer",
        "clap",
        "clap-unfused",
    ]
    assert rows["panns-cnn14-16k"]["licence"] == "CC-BY-4.0"
    assert rows["vggish"]["official_file"] == "vggish-10086976.pth"
    assert all(row["download_bytes"] > 2e8 and not row["cached"] for row in rows.values())


def test_from_a_folder(cache, tmp_path, capsys):
    folder = write_official(tmp_path / "official", "synchformer")
    model = TINY_MODELS["synchformer"]
    said = []
    model.prepare(folder, say=said.append)
    assert len(said) == 3
    for part in model.networks:
        assert network_folder(part.name) == cache / "components" / part.name
    assert listed(capsys)["synchformer"]["cached"]
    model.prepare(folder, say=said.append)
    assert len(said) == 3  # nothing was converted again


def test_wrong_and_missing_files(cache, tmp_path, capsys):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert run(["models", "download", "vggish", "--from", str(empty)]) == 2
    assert "lacks vggish-10086976.pth" in capsys.readouterr().err
    torch.save(official_state(TINY_MODELS["passt-s"]), empty / "vggish-10086976.pth")
    with pytest.raises(WeightsError, match="does not hold the weights of vggish"):
        TINY_MODELS["vggish"].prepare(empty, say=lambda line: None)
    with pytest.raises(WeightsError, match="does not hold the weights of vggish"):
        prepare_from(empty, say=lambda line: None)  # what --weights does
    assert METRIC_MODELS["vggish"].folder() is None


def test_from_the_page_of_its_authors(cache, tmp_path, monkeypatch):
    """Files that are not on the Hub: whole, or not at all."""
    root = write_official(tmp_path / "page", "passt-s")
    name = TINY_MODELS["passt-s"].official_file
    handler = partial(SimpleHTTPRequestHandler, directory=str(root))
    handler.func.log_message = lambda *_: None
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_port}"

        def at(url):
            (part,) = TINY_MODELS["passt-s"].networks
            part = replace(part, file=replace(part.file, address=url))
            return replace(TINY_MODELS["passt-s"], networks=(part,))

        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(WeightsError, match="HF_HUB_OFFLINE is set"):
            at(f"{address}/{name}").prepare(say=lambda line: None)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
        with pytest.raises(
            WeightsError, match=r"(?s)404.*pavas models download passt-s --from DIR"
        ):
            at(f"{address}/none.pt").prepare(say=lambda line: None)
        assert not (cache / "official" / name).exists()
        at(f"{address}/{name}").prepare(say=lambda line: None)
    finally:
        server.shutdown()
        server.server_close()
    assert TINY_MODELS["passt-s"].folder() == cache / "components" / "passt-s"
    assert (cache / "official" / name).is_file()


def test_from_the_hub(tmp_path):
    """In a process of its own: the Hub's address is read when its client is imported."""
    part = TINY_MODELS["synchformer"].networks[0]
    target = tmp_path / "hub" / part.file.repository / part.file.path
    target.parent.mkdir(parents=True)
    write_official(target.parent, "synchformer")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from metric_networks_world import TINY_MODELS\n"
        "from pavas_sdk.released.metric_models import network_folder\n"
        "TINY_MODELS['synchformer'].prepare(say=print)\n"
        "print(network_folder('synchformer-comparison'))\n"
    )
    with stand_in_hub(tmp_path / "hub") as (address, seen):
        done = subprocess.run(
            [sys.executable, "-c", program, str(Path(__file__).parents[2])],
            env={
                **os.environ,
                "HF_ENDPOINT": address,
                "HF_HOME": str(tmp_path / "home"),
                "HF_HUB_OFFLINE": "0",
                "HF_HUB_DISABLE_XET": "1",
                "PAVAS_CACHE": str(tmp_path / "cache"),
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert str(tmp_path / "cache" / "components" / "synchformer-comparison") in done.stdout
    assert any("synchformer_state_dict.pth" in request for request in seen)


def test_clap(cache, tmp_path):
    """A tiny CLAP with pickled weights becomes safetensors, and hears what it heard before."""
    transformers = pytest.importorskip("transformers")
    import numpy as np

    from pavas_sdk.data import Audio
    from pavas_sdk.evaluation.extractors.clap import ClapAudioExtractor, ClapTextExtractor
    from pavas_sdk.released.clap import CLAP

    tiny = ClapAudioExtractor(weights="random-tiny")
    model = tiny.network()
    files = tmp_path / "repository"
    files.mkdir()
    model.config.save_pretrained(files)
    torch.save(model.state_dict(), files / "pytorch_model.bin")
    letters = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "a"])}
    (files / "vocab.json").write_text(json.dumps(letters))
    (files / "merges.txt").write_text("#version: 0.2\n")
    transformers.RobertaTokenizer(
        str(files / "vocab.json"), str(files / "merges.txt")
    ).save_pretrained(files)
    CLAP.prepare(files, say=lambda line: None)
    assert (cache / "components" / "clap" / "model.safetensors").is_file()
    sound = np.random.default_rng(0).normal(size=48000).astype(np.float32)
    prepared = tiny.prepare(Audio(samples=0.1 * sound, sample_rate_hz=48000))[None]
    converted = ClapAudioExtractor()
    converted.check_ready()
    np.testing.assert_allclose(
        converted.extract(prepared)["embedding"], tiny.extract(prepared)["embedding"], atol=1e-6
    )
    text = ClapTextExtractor()
    embedding = text.extract(text.prepare("a")[None])["embedding"]
    assert np.linalg.norm(embedding) == pytest.approx(1.0, abs=1e-5)
    (files / "pytorch_model.bin").unlink()
    with pytest.raises(WeightsError, match=r"lacks config\.json or model\.safetensors"):
        CLAP.prepare(files, say=lambda line: None)
