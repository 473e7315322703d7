"""The same job on Ray: slow, one local cluster for all tests; skipped where Ray is missing."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import annotation_world
import pytest
from annotation_world import files_of, toy_clips

from pavas_sdk.annotation import AnnotationConfig, EngineConfig, JobFolder, annotate, job
from pavas_sdk.annotation import engines as engines_module
from pavas_sdk.annotation.ray_workers import RayWorkers
from pavas_sdk.errors import ComponentFailedError, ConfigurationError, MediaError, OutputError

ray = pytest.importorskip("ray")

CONFIG = AnnotationConfig(estimator={"toy": 1})
RAY = EngineConfig(engine="ray", workers=2, address="local")
ONE = EngineConfig(engine="ray", workers=1, address="local")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def cluster():
    """A cluster of this machine, joined once: its start takes half a minute. Its address."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(annotation_world.__file__).parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        # one of its own, also on a machine that belongs to a cluster
        ray.init(
            address="local",
            num_cpus=3,
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
        )
        yield ray.get_runtime_context().gcs_address
        ray.shutdown()


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_same_files_whoever_dies(cluster, tmp_path):
    labels = {3: "raise", 7: "kill9", 20: "kill1"}
    report = annotate(toy_clips(30, labels), tmp_path / "ray", CONFIG, engine=RAY)
    assert (report.ok, report.failed, report.left) == (28, 2, 0)
    failures = {entry["clip_id"]: entry for entry in lines_of(tmp_path / "ray/failures.jsonl")}
    assert set(failures) == {"clip-0003", "clip-0007"}
    assert "worker died twice" in failures["clip-0007"]["message"]
    tries = Counter(entry["clip_id"] for entry in lines_of(tmp_path / "ray/attempts.jsonl"))
    assert tries == Counter([c.clip_id for c in toy_clips(30)] + ["clip-0007", "clip-0020"])
    annotate(toy_clips(30, labels), tmp_path / "local", CONFIG, engine=EngineConfig(workers=2))
    mine, other = files_of(tmp_path / "ray"), files_of(tmp_path / "local")
    assert mine.keys() == other.keys()
    differing = {name for name in mine if mine[name] != other[name]}
    assert all(b"its worker died" in mine[name] for name in differing)  # how it died is told
    assert len(differing) <= 1


class RandomKills(RayWorkers):
    """Kills an actor at a random moment of chosen clips, each the first time it is tried."""

    rng = random.Random(7)
    chosen: frozenset[str] = frozenset()
    killed: tuple[str, ...] = ()
    ready = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pids = {}

    def wait(self, timeout_s):
        event = super().wait(timeout_s)
        if event is not None and event.kind == "ready":
            self.pids[event.worker] = event.value["pid"]
            RandomKills.ready += 1
        return event

    def send(self, worker, item):
        super().send(worker, item)
        if item["clip_id"] in self.chosen and item["clip_id"] not in self.killed:
            RandomKills.killed += (item["clip_id"],)
            time.sleep(self.rng.uniform(0, 0.004))
            with contextlib.suppress(ProcessLookupError):  # killed for the clip before
                os.kill(self.pids[worker], signal.SIGKILL)


@pytest.mark.timeout(1800)  # twenty actors are started anew, seconds each
def test_300_clips_survive_20_kills(cluster, tmp_path, monkeypatch):
    clips = toy_clips(300)
    names = [clip.clip_id for clip in clips]
    RandomKills.chosen = frozenset(random.Random(3).sample(names, 20))
    RandomKills.killed = ()
    RandomKills.ready = 0
    monkeypatch.setattr("pavas_sdk.annotation.ray_workers.RayWorkers", RandomKills)
    report = annotate(clips, tmp_path / "killed", CONFIG, engine=RAY)
    assert len(RandomKills.killed) == 20
    assert RandomKills.ready > 15  # so many were replaced
    assert (report.ok, report.failed, report.left) == (300, 0, 0)
    annotate(clips, tmp_path / "quiet", CONFIG)
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "quiet")
    attempts = lines_of(tmp_path / "killed/attempts.jsonl")
    assert sorted(e["clip_id"] for e in attempts if e["status"] == "ok") == names


DRIVER = """
from annotation_world import toy_clips
from pavas_sdk.annotation import AnnotationConfig, EngineConfig, annotate, job, ray_workers
job._FACTORY = "annotation_world:ToyWork"

class Telling(ray_workers.RayWorkers):
    def wait(self, timeout_s):
        event = super().wait(timeout_s)
        if event is not None and event.kind == "ready":
            print("pid", event.value["pid"], flush=True)
        return event

ray_workers.RayWorkers = Telling
annotate(
    toy_clips(300), {folder!r}, AnnotationConfig(estimator={{"toy": 1}}),
    engine=EngineConfig(engine="ray", workers=2, address={address!r}),
    tell=lambda report, progress: print("clip", flush=True)
)
"""


LOCAL = """
from annotation_world import toy_clips
from pavas_sdk.annotation import AnnotationConfig, EngineConfig, annotate, job
job._FACTORY = "annotation_world:ToyWork"
report = annotate(
    toy_clips(3), {folder!r}, AnnotationConfig(estimator={{"toy": 1}}),
    engine=EngineConfig(engine="ray", workers=1, address="local"),
)
print("made", report.ok)
"""


def test_local_is_a_cluster_of_its_own_whatever_the_environment_says(tmp_path):
    helpers = str(Path(annotation_world.__file__).parent)
    elsewhere = {**os.environ, "RAY_ADDRESS": "127.0.0.1:1", "PYTHONPATH": helpers}
    made = subprocess.run(
        [sys.executable, "-c", LOCAL.format(folder=str(tmp_path))],
        env=elsewhere,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "made 3" in made.stdout, made.stderr[-2000:]


def test_a_killed_driver_is_taken_up_again_and_its_actors_end(cluster, tmp_path):
    command = [sys.executable, "-c", DRIVER.format(folder=str(tmp_path), address=cluster)]
    pids, done = [], 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        for line in driver.stdout:
            word, *values = line.split()
            pids += map(int, values)
            done += word == "clip"
            if done == 20:
                break
        # while it works, nobody else may
        with pytest.raises(ConfigurationError, match="another pavas annotate"):
            annotate([], tmp_path, CONFIG, engine=RAY)
        driver.kill()
    assert pids
    assert done <= len(files_of(tmp_path)) < 300
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert [pid for pid in pids if Path(f"/proc/{pid}").exists()] == []
    report = annotate(toy_clips(300), tmp_path, CONFIG, engine=RAY)
    assert (report.ok, report.left) == (300, 0)
    assert 0 < report.this_run < 300
    annotate(toy_clips(300), tmp_path / "quiet", CONFIG)
    assert files_of(tmp_path) == files_of(tmp_path / "quiet")


def test_a_full_disk_stops_the_job_and_blames_no_clip(cluster, tmp_path):
    clips = toy_clips(6, {2: "full"})
    with pytest.raises(OutputError, match="free some space"):
        annotate(clips, tmp_path, CONFIG, engine=ONE)
    folder = JobFolder(tmp_path)
    assert [folder.status(clip.clip_id) for clip in clips[:3]] == ["ok", "ok", None]
    assert json.loads((tmp_path / "report.json").read_text())["failed"] == 0
    report = annotate(toy_clips(6), tmp_path / "again", CONFIG, engine=ONE)
    assert report.ok == 6  # the cluster works on


def test_a_clip_that_takes_too_long_is_ended(cluster, tmp_path):
    engine = EngineConfig(engine="ray", workers=1, address="local", time_limit_s=5)
    report = annotate(toy_clips(3, {1: "slow"}), tmp_path, CONFIG, engine=engine)
    assert (report.ok, report.failed) == (2, 1)
    assert "longer than 5 s" in JobFolder(tmp_path).result("clip-0001")["failure"]["message"]


def test_workers_that_find_no_place_are_told(cluster, tmp_path, caplog):
    engine = EngineConfig(engine="ray", workers=4, address="local")
    report = annotate(toy_clips(6), tmp_path, CONFIG, engine=engine)
    assert report.ok == 6
    assert caplog.messages.count(caplog.messages[0]) == 1
    assert "room for 3 workers that ask for 1 CPU each" in caplog.messages[0]


def test_actors_work_where_the_driver_does(cluster, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(job, "_FACTORY", "annotation_world:Noting")
    annotate(toy_clips(1), tmp_path / "out", CONFIG, engine=ONE)
    assert (tmp_path / "out/folder").read_text() == str(tmp_path / "here")


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        ("Refusing", MediaError, "no weights here"),
        ("Dying", ComponentFailedError, "die before they are ready"),
    ],
)
def test_actors_that_cannot_work_are_told(cluster, tmp_path, monkeypatch, work, error, message):
    monkeypatch.setattr(job, "_FACTORY", f"annotation_world:{work}")
    with pytest.raises(error, match=message):
        annotate(toy_clips(3), tmp_path, CONFIG, engine=ONE)
    assert files_of(tmp_path) == {}


def test_a_machine_that_does_not_see_the_folder_is_told(cluster, tmp_path, monkeypatch):
    make = engines_module.make_workers

    def elsewhere(spec, engine, *, token, logs):
        return make(spec, engine, token=(str(tmp_path / "nowhere/.token"), token[1]), logs=logs)

    monkeypatch.setattr(job, "make_workers", elsewhere)
    with pytest.raises(OutputError, match="does not see the folder"):
        annotate(toy_clips(3), tmp_path, CONFIG, engine=ONE)
