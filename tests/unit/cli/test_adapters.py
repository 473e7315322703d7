"""``pavas adapters``, against a stand-in Hub, in a process of its own."""

import json
import os
import subprocess
import sys

import pytest
from stand_in_hub import stand_in_hub

from pavas_sdk.cli.main import run

SCRIPT = """
import json, sys
from pathlib import Path
from pavas_sdk.cli.main import run
from pavas_sdk.testing.tiny_pipeline import tiny_pipeline

folder, figures = sys.argv[1:]
pipe = tiny_pipeline()
pipe.conditioning_adapter.document = pipe.describe_adapter(
    training={"steps": 3}, licences={"weights": "MIT"}
)
pipe.conditioning_adapter.save_pretrained(folder)
config = Path(folder, "config.json")  # as an earlier version left it
config.write_text(json.dumps({**json.loads(config.read_text()), "_name_or_path": "/home/me/x"}))
assert run(["adapters", "publish", folder, "you/hammer"]) == 2  # no figures
assert run(["adapters", "publish", folder, "you/hammer", "--figures", figures, "--dry-run"]) == 0
assert run(["adapters", "publish", folder, "you/hammer", "--figures", figures]) == 0
pipe.conditioning_adapter.push_to_hub("you/other", figures=figures, token="hf_standin")
pipe.register_modules(conditioning_adapter=None)
pipe.load_adapter("you/hammer")
assert pipe.adapter_provenance()["source"] == "you/hammer"
assert run(["adapters", "show", "you/other"]) == 0
assert run(["adapters", "list", "--json"]) == 0
"""


@pytest.fixture
def figures(tmp_path):
    path = tmp_path / "eval.json"
    path.write_text(json.dumps({"apcc": 0.9, "intervals": {"apcc": [0.8, 0.95]}, "seed": 7}))
    return path


def test_publish_show_and_list(tmp_path, figures):
    root = tmp_path / "hub"
    (root / "you" / "hammer").mkdir(parents=True)
    (root / "you" / "hammer" / "evil.py").write_text("raise SystemExit")
    with stand_in_hub(root) as (address, requests):
        environment = {
            **os.environ,
            "HF_ENDPOINT": address,
            "HF_HOME": str(tmp_path / "home"),
            "HF_TOKEN": "hf_standin",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
            "OMP_NUM_THREADS": "1",
        }
        environment.pop("HF_HUB_OFFLINE", None)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(tmp_path / "adapter"), str(figures)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "--no-figures" in done.stderr
    assert "base_model_relation: adapter" in done.stdout
    assert "component" in done.stdout
    listed = json.loads(done.stdout[done.stdout.rindex('{\n  "adapters"') :])["adapters"]
    found = {(row["kind"], row["name"]): row for row in listed}
    assert ("installed", "pavas-phy-adapter/phy-adapter") in found
    assert found["cached", "you/hammer"]["backbone"] == "untrained"
    assert found["cached", "you/hammer"]["licence"] == "MIT"
    assert "/home/me" not in (root / "you" / "hammer" / "config.json").read_text()
    names = sorted(path.name for path in (root / "you" / "hammer").iterdir())
    assert "pavas_adapter.json" in names
    assert "| apcc | 0.9 | 0.8 to 0.95 |" in (root / "you" / "hammer" / "README.md").read_text()
    assert not [line for line in requests if line.startswith("GET") and "evil.py" in line]


def test_a_repository_without_an_adapter_is_named_not_the_cache(tmp_path, capsys, monkeypatch):
    cache = tmp_path / "cache"
    cache.mkdir()
    monkeypatch.setattr("pavas_sdk.pipelines.adapters.fetch_adapter", lambda source, **_: cache)
    assert run(["adapters", "show", "you/words"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: you/words is no published adapter")
    assert "cache" not in said


def test_show_tells_what_is_missing(tmp_path, capsys):
    assert run(["adapters", "show", str(tmp_path)]) == 2
    assert "pavas_adapter.json" in capsys.readouterr().err
