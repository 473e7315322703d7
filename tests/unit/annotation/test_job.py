"""A job: every clip once, whoever dies; the same files from any workers."""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from annotation_world import files_of, toy_clips

from pavas_sdk.annotation import AnnotationConfig, EngineConfig, JobFolder, annotate, job
from pavas_sdk.annotation import engines as engines_module
from pavas_sdk.annotation.local_workers import LocalWorkers
from pavas_sdk.errors import (
    ComponentFailedError,
    ConfigurationError,
    InputError,
    MediaError,
    OutputError,
)

CONFIG = AnnotationConfig(estimator={"toy": 1})
TWO = EngineConfig(workers=2)


def attempts(folder):
    lines = (folder / "attempts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The files of 30 clips from one process without any trouble."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "_FACTORY", "annotation_world:ToyWork")
        folder = tmp_path_factory.mktemp("expected")
        annotate(toy_clips(30), folder, CONFIG)
    return files_of(folder)


@pytest.mark.parametrize("workers", [1, 3])
def test_files_do_not_depend_on_the_workers(tmp_path, expected, workers):
    report = annotate(toy_clips(30), tmp_path, CONFIG, engine=EngineConfig(workers=workers))
    assert (report.ok, report.failed, report.left, report.this_run) == (30, 0, 0, 30)
    assert files_of(tmp_path) == expected
    assert {entry["worker"] for entry in attempts(tmp_path)} <= set(range(workers))


def test_a_second_run_does_nothing(tmp_path):
    annotate(toy_clips(5), tmp_path, CONFIG)
    before = {name: Path(tmp_path, name).stat().st_mtime_ns for name in files_of(tmp_path)}
    report = annotate([], tmp_path, CONFIG)
    assert (report.ok, report.this_run) == (5, 0)
    assert before == {n: Path(tmp_path, n).stat().st_mtime_ns for n in files_of(tmp_path)}


def test_clips_that_fail_or_kill_fail_alone(tmp_path):
    labels = {3: "raise", 7: "kill9", 11: "bug", 20: "kill1"}
    report = annotate(toy_clips(30, labels), tmp_path, CONFIG, engine=TWO)
    assert (report.ok, report.failed) == (27, 3)
    failures = [json.loads(line) for line in (tmp_path / "failures.jsonl").read_text().splitlines()]
    found = {entry["clip_id"]: entry for entry in failures}
    assert set(found) == {"clip-0003", "clip-0007", "clip-0011"}
    assert found["clip-0003"]["error"] == "MediaError"
    assert found["clip-0003"]["message"] == "/videos/3.mp4 is damaged"
    assert "worker died twice" in found["clip-0007"]["message"]
    assert "ZeroDivisionError: a bug" in found["clip-0011"]["trace"][-1]
    tries = Counter(entry["clip_id"] for entry in attempts(tmp_path))
    assert (tries["clip-0007"], tries["clip-0020"], tries["clip-0000"]) == (2, 2, 1)
    # a torn file is never taken for a result
    assert JobFolder(tmp_path).status("clip-0007") == "failed"


def test_failed_clips_are_done_again_on_request_alone(tmp_path):
    annotate(toy_clips(4, {2: "kill2"}), tmp_path, CONFIG, engine=TWO)
    assert annotate([], tmp_path, CONFIG, engine=TWO).failed == 1
    report = annotate([], tmp_path, CONFIG, engine=TWO, retry_failed=True)
    assert (report.ok, report.failed, report.this_run) == (4, 0, 1)
    assert (tmp_path / "failures.jsonl").read_text() == ""


class RandomKills(LocalWorkers):
    """Kills a worker at a random moment of 20 clips, each the first time it is tried."""

    rng = random.Random(7)
    chosen: frozenset[str] = frozenset()
    killed: tuple[str, ...] = ()

    def send(self, worker, item):
        super().send(worker, item)
        if item["clip_id"] in self.chosen and item["clip_id"] not in self.killed:
            RandomKills.killed += (item["clip_id"],)
            time.sleep(self.rng.uniform(0, 0.004))
            with contextlib.suppress(ProcessLookupError):  # killed for the clip before
                os.kill(self.pid(worker), signal.SIGKILL)


def test_300_clips_survive_20_kills(tmp_path, monkeypatch):
    clips = toy_clips(300)
    names = [clip.clip_id for clip in clips]
    RandomKills.chosen = frozenset(random.Random(3).sample(names, 20))
    RandomKills.killed = ()
    monkeypatch.setattr("pavas_sdk.annotation.local_workers.LocalWorkers", RandomKills)
    report = annotate(clips, tmp_path / "killed", CONFIG, engine=TWO)
    assert len(RandomKills.killed) == 20
    assert (report.ok, report.failed, report.left) == (300, 0, 0)
    annotate(clips, tmp_path / "quiet", CONFIG)
    assert files_of(tmp_path / "killed") == files_of(tmp_path / "quiet")
    finished = [e["clip_id"] for e in attempts(tmp_path / "killed") if e["status"] == "ok"]
    assert sorted(finished) == names


DRIVER = """
from annotation_world import toy_clips
from pavas_sdk.annotation import AnnotationConfig, EngineConfig, annotate, job
job._FACTORY = "annotation_world:ToyWork"
annotate(
    toy_clips(120), {folder!r}, AnnotationConfig(estimator={{"toy": 1}}),
    engine=EngineConfig(workers=2), tell=lambda report, progress: print(report.worker, flush=True)
)
"""


def test_a_killed_driver_is_taken_up_again_and_its_workers_end(tmp_path):
    command = [sys.executable, "-c", DRIVER.format(folder=str(tmp_path))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ) as driver:
        for _ in range(20):
            driver.stdout.readline()
        # while it works, nobody else may
        with pytest.raises(ConfigurationError, match="another pavas annotate"):
            annotate([], tmp_path, CONFIG)
        driver.kill()
    done = len(files_of(tmp_path))
    assert 20 <= done < 120
    deadline = time.monotonic() + 10
    while _workers_of(driver.pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert _workers_of(driver.pid) == []
    report = annotate(toy_clips(120), tmp_path, CONFIG, engine=TWO)
    assert report.ok == 120
    assert report.this_run < 120
    annotate(toy_clips(120), tmp_path / "quiet", CONFIG)
    assert files_of(tmp_path) == files_of(tmp_path / "quiet")


def _workers_of(driver):
    """Living worker processes whose log carries the driver's number."""
    found = []
    for status in Path("/proc").glob("[0-9]*"):
        try:
            log = str((status / "fd/2").readlink())
        except OSError:
            continue
        if f"worker-{driver}-" in log:
            found.append(int(status.name))
    return found


def test_a_full_disk_stops_the_job_and_blames_no_clip(tmp_path):
    clips = toy_clips(6, {2: "full"})
    with pytest.raises(OutputError, match="free some space"):
        annotate(clips, tmp_path, CONFIG, engine=EngineConfig(workers=1))
    folder = JobFolder(tmp_path)
    assert [folder.status(clip.clip_id) for clip in clips[:3]] == ["ok", "ok", None]
    assert json.loads((tmp_path / "report.json").read_text())["failed"] == 0
    assert list(tmp_path.glob("clips/*/.*.part")) == []


def test_a_clip_that_takes_too_long_is_ended(tmp_path):
    engine = EngineConfig(workers=1, time_limit_s=0.4)
    report = annotate(toy_clips(3, {1: "slow"}), tmp_path, CONFIG, engine=engine)
    assert (report.ok, report.failed) == (2, 1)
    assert "longer than 0.4 s" in JobFolder(tmp_path).result("clip-0001")["failure"]["message"]


def test_too_many_failures_stop_the_job(tmp_path):
    labels = dict.fromkeys(range(0, 100, 2), "raise")
    with pytest.raises(InputError, match=r"25 of 50 failed, more than 20%"):
        annotate(toy_clips(100, labels), tmp_path, CONFIG)
    report = annotate([], tmp_path, CONFIG, engine=EngineConfig(max_failure_rate=1))
    assert (report.ok, report.failed, report.left) == (50, 50, 0)


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        ("Refusing", MediaError, "no weights here"),
        ("Dying", ComponentFailedError, r"die before they are ready.*signal 11"),
    ],
)
def test_workers_that_cannot_work_are_told(tmp_path, monkeypatch, work, error, message):
    monkeypatch.setattr(job, "_FACTORY", f"annotation_world:{work}")
    with pytest.raises(error, match=message):
        annotate(toy_clips(3), tmp_path, CONFIG, engine=EngineConfig(workers=1))
    assert files_of(tmp_path) == {}


def test_a_worker_that_does_not_see_the_folder_is_told(tmp_path, monkeypatch):
    make = engines_module.make_workers

    def elsewhere(spec, engine, *, token, logs):
        return make(spec, engine, token=(str(tmp_path / "nowhere/.token"), token[1]), logs=logs)

    monkeypatch.setattr(job, "make_workers", elsewhere)
    with pytest.raises(OutputError, match="does not see the folder"):
        annotate(toy_clips(3), tmp_path, CONFIG, engine=EngineConfig(workers=1))


def test_another_configuration_is_refused_and_the_difference_named(tmp_path):
    annotate(toy_clips(2), tmp_path, CONFIG)
    other = replace(CONFIG, estimator={"toy": 2}, seed=4)
    with pytest.raises(ConfigurationError, match=r"estimator\.toy was 1, is 2; seed was 0, is 4"):
        annotate(toy_clips(2), tmp_path, other)


def test_the_work_list_grows_and_keeps_its_clips(tmp_path):
    annotate(toy_clips(3), tmp_path, CONFIG, limit=2)
    report = annotate(toy_clips(5), tmp_path, CONFIG)
    assert (report.total, report.ok, report.this_run) == (5, 5, 3)
    moved = [replace(toy_clips(1)[0], path="/elsewhere.mp4")]
    with pytest.raises(InputError, match="on the work list already"):
        annotate(moved, tmp_path, CONFIG)


def test_old_temporary_files_are_swept(tmp_path):
    annotate(toy_clips(1), tmp_path, CONFIG)
    folder = next(path for path in (tmp_path / "clips").iterdir())
    old, new = folder / ".x.json.1.part", folder / ".y.json.1.part"
    for path in (old, new):
        path.touch()
    os.utime(old, (time.time() - 7200,) * 2)
    annotate([], tmp_path, CONFIG)
    assert (old.exists(), new.exists()) == (False, True)
