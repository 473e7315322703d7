"""Workers on a Ray cluster: plain actors that the driver replaces; files give exactly-once.

Ray's own restarts and retries are off: a call that is sent to an actor that restarts fails like
one that killed it, and the wrong clip would be blamed.
"""

from __future__ import annotations

import itertools
import logging
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pavas_sdk.annotation.workers import Event
from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.annotation.work import WorkSpec

__all__ = ["RayWorkers"]

logger = logging.getLogger(__name__)


class _Actor:
    """One worker: its models are loaded in ``ready``, so that what goes wrong there is told."""

    def __init__(self, spec: dict[str, Any], folder: str) -> None:
        self._spec = spec
        self._folder = folder
        self._work: Any = None

    def ready(self) -> dict[str, Any]:
        from pavas_sdk.annotation.work import build_work, describe

        # Ray starts it elsewhere; ``--model ./mine`` means the same here as for local workers. On a
        # machine without that folder absolute paths do, and a relative one is not found by name.
        if Path(self._folder).is_dir():
            os.chdir(self._folder)
        try:
            self._work = build_work(self._spec)
        # Whatever it is, the driver is told; without its models a worker is of no use.
        except Exception as err:  # noqa: BLE001
            return {"kind": "refused", "value": describe(err)}
        return {"kind": "ready", "value": {"pid": os.getpid()}}

    def run(self, item: dict[str, Any]) -> dict[str, Any]:
        from pavas_sdk.annotation.work import attempt

        return {"kind": "done", "value": attempt(self._work, item).to_json()}


class RayWorkers:
    """Actors of a Ray cluster.

    Args:
        spec: What they do; the folder of its token must be one that all machines see.
        address: "auto" (the cluster that this machine belongs to), "local" (a fresh one on this
            machine), ``HOST:PORT``, or ``ray://HOST:PORT`` (needs ray[client]).
        num_cpus: Cores that an actor asks for. Leave one core per machine free.
        num_gpus: Share of a GPU that an actor asks for: 1 / workers per GPU.

    Raises:
        ConfigurationError: Ray, or its client for ``ray://``, is not installed, or there is no cluster.
    """

    def __init__(
        self, spec: WorkSpec, *, address: str = "auto", num_cpus: float = 1, num_gpus: float = 0
    ) -> None:
        try:
            import ray
        except ImportError as err:
            raise ConfigurationError(
                "--engine ray needs Ray: pip install 'pavas-sdk[ray]', or use --engine local"
            ) from err
        self._ray: Any = ray
        self._joined = not ray.is_initialized()
        if self._joined:
            self._join(address)
        self._spec = spec.to_json()
        self._needs = {"CPU": num_cpus, "GPU": num_gpus}
        self._told_of_places = False
        self._actor: Any = ray.remote(_Actor).options(
            num_cpus=num_cpus, num_gpus=num_gpus, max_restarts=0, max_task_retries=0
        )
        self._numbers = itertools.count()
        self._actors: dict[int, Any] = {}
        self._calls: dict[Any, int] = {}
        self._told: list[Event] = []

    def _join(self, address: str) -> None:
        if address.startswith("ray://") and find_spec("grpc") is None:
            raise ConfigurationError(
                f"--address {address} needs Ray's client, which is not installed: pip install "
                "'ray[client]', here and where ray start --head runs; or, on a machine of the "
                "cluster, use --address auto"
            )
        try:
            self._ray.init(
                address=address,  # "local" is a fresh one, whatever RAY_ADDRESS says
                log_to_driver=False,
                include_dashboard=False if address == "local" else None,
                configure_logging=False,
            )
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as err:
            raise ConfigurationError(
                f"no Ray cluster at --address {address}: {err}; start one with: ray start --head, "
                "or use --address local, or --engine local"
            ) from err

    def spawn(self) -> int:
        """Ask for an actor."""
        number = next(self._numbers)
        actor: Any = self._actor.remote(self._spec, str(Path.cwd()))
        self._actors[number] = actor
        self._tell_of_places()
        self._calls[actor.ready.remote()] = number
        return number

    def _tell_of_places(self) -> None:
        """Warn once of actors that wait: without a word a job on a small cluster seems to hang."""
        if self._told_of_places:
            return
        needs = {name: count for name, count in self._needs.items() if count}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        places = sum(
            min(int(node.get(name, 0) / count + 1e-9) for name, count in needs.items())
            for node in nodes
        )
        if len(self._actors) > places:
            self._told_of_places = True
            asked = " and ".join(f"{count:g} {name}" for name, count in needs.items())
            logger.warning(
                "the Ray cluster has room for %d workers that ask for %s each; the others wait until "
                "machines join it (ray status shows what there is)",
                places,
                asked,
            )

    def send(self, worker: int, item: Mapping[str, Any]) -> None:
        """Give an actor one item; it counts as started, because the actor waits for nothing else."""
        self._calls[self._actors[worker].run.remote(dict(item))] = worker
        self._told.append(Event(worker=worker, kind="started"))

    def wait(self, timeout_s: float) -> Event | None:
        """Return what happened next."""
        if self._told:
            return self._told.pop(0)
        if not self._calls:
            return None
        finished, _ = self._ray.wait(list(self._calls), num_returns=1, timeout=max(0.0, timeout_s))
        if not finished:
            return None
        worker = self._calls.pop(finished[0])
        try:
            told = self._ray.get(finished[0])
        except self._ray.exceptions.RayError as err:
            self._actors.pop(worker, None)
            lines = str(err).splitlines()
            value = {
                "message": f"its worker died ({type(err).__name__})",
                "trace": lines[-20:],
            }
            return Event(worker=worker, kind="died", value=value)
        return Event(worker=worker, kind=told["kind"], value=told["value"])

    def kill(self, worker: int) -> None:
        """End an actor."""
        actor = self._actors.pop(worker, None)
        self._calls = {call: number for call, number in self._calls.items() if number != worker}
        if actor is not None:
            self._ray.kill(actor, no_restart=True)

    def close(self) -> None:
        """End all actors, and leave the cluster where it was joined here."""
        for worker in list(self._actors):
            self.kill(worker)
        if self._joined:
            self._ray.shutdown()
