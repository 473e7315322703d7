"""A cluster of two nodes, each begun by ``ray start`` as on two machines: slow, skipped without Ray."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import annotation_world
import pytest
from annotation_world import files_of, toy_clips

from pavas_sdk.annotation import AnnotationConfig, EngineConfig, annotate, ray_workers
from pavas_sdk.annotation.ray_workers import RayWorkers
from pavas_sdk.errors import ConfigurationError

ray = pytest.importorskip("ray")

CONFIG = AnnotationConfig(estimator={"toy": 1})
ENVIRONMENT = {"PYTHONPATH": str(Path(annotation_world.__file__).parent), "OMP_NUM_THREADS": "1"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.timeout(1200),  # each actor imports torch
]


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def start(log, *words):
    """Begin a node of two cores; it and all that it starts are one process group."""
    begin = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--num-cpus", "2"]
    return subprocess.Popen(
        [*begin, "--node-ip-address", "127.0.0.1", "--disable-usage-stats", *words],
        env=os.environ | ENVIRONMENT,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(node):
    os.killpg(node.pid, signal.SIGKILL)
    node.wait()


def wait_for(log, word, node):
    deadline = time.monotonic() + 300
    while word not in Path(log.name).read_text():
        assert node.poll() is None, Path(log.name).read_text()
        assert time.monotonic() < deadline, Path(log.name).read_text()
        time.sleep(0.5)


@pytest.fixture
def two_nodes(tmp_path, monkeypatch):
    """Addresses of the cluster and of its server for clients, and the second node's process."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    port, client = free_port(), free_port()
    with (
        # short: sockets lie in it
        tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True) as work,
        (tmp_path / "first.log").open("w") as first_log,
        (tmp_path / "second.log").open("w") as second_log,
    ):
        ports = ["--port", str(port), "--ray-client-server-port", str(client)]
        nodes = [start(first_log, "--head", *ports, "--temp-dir", work)]
        try:
            wait_for(first_log, "Ray runtime started", nodes[0])
            nodes.append(start(second_log, "--address", f"127.0.0.1:{port}"))
            wait_for(second_log, "Ray runtime started", nodes[1])
            yield f"127.0.0.1:{port}", f"ray://127.0.0.1:{client}", nodes[1]
        finally:
            for node in nodes:
                if node.poll() is None:
                    end(node)


class Losing(RayWorkers):
    """Knows on which node each actor is; loses a node whose actor was just given a clip."""

    places: dict[int, int]
    lost: subprocess.Popen | None = None
    after = 20
    sent = 0

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.places = {}
        Losing.sent = 0

    def wait(self, timeout_s):
        event = super().wait(timeout_s)
        if event is not None and event.kind == "ready":
            status = Path(f"/proc/{event.value['pid']}/status").read_text()
            raylet = int(status.split("PPid:")[1].split()[0])
            self.places[event.worker] = os.getpgid(raylet)
        return event

    def send(self, worker, item):
        super().send(worker, item)
        Losing.sent += 1
        node = self.lost
        if node and Losing.sent > self.after and self.places[worker] == node.pid:
            end(node)
            Losing.lost = None


def engine_at(address):
    return EngineConfig(engine="ray", workers=4, address=address)


def test_two_nodes_and_one_that_is_lost(two_nodes, tmp_path, monkeypatch):
    address, _, second = two_nodes
    clips = toy_clips(300)
    names = [clip.clip_id for clip in clips]
    annotate(clips, tmp_path / "quiet", CONFIG)
    monkeypatch.setattr(ray_workers, "RayWorkers", Losing)
    monkeypatch.setenv("RAY_ADDRESS", address)
    report = annotate(clips[:40], tmp_path / "both", CONFIG, engine=engine_at("auto"))
    assert (report.ok, report.failed, report.left) == (40, 0, 0)
    assert files_of(tmp_path / "both").items() <= files_of(tmp_path / "quiet").items()
    monkeypatch.delenv("RAY_ADDRESS")
    monkeypatch.setattr(Losing, "lost", second)
    report = annotate(clips, tmp_path / "lost", CONFIG, engine=engine_at(address))
    assert second.poll() is not None
    assert (report.ok, report.failed, report.left) == (300, 0, 0)
    assert files_of(tmp_path / "lost") == files_of(tmp_path / "quiet")
    lines = (tmp_path / "lost/attempts.jsonl").read_text().splitlines()
    tries = [json.loads(line) for line in lines]
    assert sorted(t["clip_id"] for t in tries if t["status"] == "ok") == names
    assert len(tries) > 300  # a clip was in the hands of one that was lost


def test_through_the_client(two_nodes, tmp_path):
    pytest.importorskip("grpc", reason="ray:// needs ray[client]")
    _, address, _ = two_nodes
    clips = toy_clips(20, {3: "raise", 7: "kill1"})
    report = annotate(clips, tmp_path / "ray", CONFIG, engine=engine_at(address))
    assert (report.ok, report.failed, report.left) == (19, 1, 0)
    annotate(clips, tmp_path / "quiet", CONFIG, engine=EngineConfig(workers=1))
    assert files_of(tmp_path / "ray") == files_of(tmp_path / "quiet")


def test_the_client_is_asked_for_where_it_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(ray_workers, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'ray\[client\]'.*--address auto"):
        annotate(toy_clips(1), tmp_path, CONFIG, engine=engine_at("ray://127.0.0.1:1"))
