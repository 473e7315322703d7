"""The same job on Ray: slow, one local cluster for all tests; skipped where Ray is missing."""

import json
from collections import Counter

import pytest
from annotation_world import files_of, toy_clips

from pavas_sdk.annotation import AnnotationConfig, EngineConfig, annotate, job
from pavas_sdk.errors import MediaError

ray = pytest.importorskip("ray")

CONFIG = AnnotationConfig(estimator={"toy": 1})
RAY = EngineConfig(engine="ray", workers=2, address="local")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of this machine, joined once: its start takes half a minute."""
    import os
    from pathlib import Path

    import annotation_world

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(annotation_world.__file__).parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(
            num_cpus=3,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}},
        )
        yield
        ray.shutdown()


def test_the_same_files_whoever_dies(cluster, tmp_path):
    labels = {3: "raise", 7: "kill9", 20: "kill1"}
    report = annotate(toy_clips(30, labels), tmp_path / "ray", CONFIG, engine=RAY)
    assert (report.ok, report.failed, report.left) == (28, 2, 0)
    lines = (tmp_path / "ray/failures.jsonl").read_text().splitlines()
    failures = {entry["clip_id"]: entry for entry in map(json.loads, lines)}
    assert set(failures) == {"clip-0003", "clip-0007"}
    assert "worker died twice" in failures["clip-0007"]["message"]
    lines = (tmp_path / "ray/attempts.jsonl").read_text().splitlines()
    tries = Counter(entry["clip_id"] for entry in map(json.loads, lines))
    assert tries == Counter([c.clip_id for c in toy_clips(30)] + ["clip-0007", "clip-0020"])
    annotate(toy_clips(30, labels), tmp_path / "local", CONFIG, engine=EngineConfig(workers=2))
    mine, other = files_of(tmp_path / "ray"), files_of(tmp_path / "local")
    assert mine.keys() == other.keys()
    differing = {name for name in mine if mine[name] != other[name]}
    assert all(b"its worker died" in mine[name] for name in differing)  # how it died is told
    assert len(differing) <= 1


def test_actors_that_cannot_work_are_told(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(job, "_FACTORY", "annotation_world:Refusing")
    with pytest.raises(MediaError, match="no weights here"):
        annotate(toy_clips(3), tmp_path, CONFIG, engine=RAY)
