"""Which workers a job gets: this process, processes of this machine, or a Ray cluster."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pavas_sdk.annotation.work import WorkSpec
    from pavas_sdk.annotation.workers import Workers

__all__ = ["EngineConfig", "make_workers"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineConfig:
    """Who works. None of it changes a result.

    Attributes:
        engine: "local" (processes of this machine) or "ray".
        workers: How many; 0: this process itself, with "local".
        workers_per_gpu: How many share a GPU.
        gpus: Names for ``CUDA_VISIBLE_DEVICES``, given out in turn; empty with "local": left alone.
            With "ray" any name means that workers ask for a GPU.
        address: Of the Ray cluster.
        time_limit_s: A worker that takes longer for one clip is ended; None: no limit.
        max_failure_rate: The job stops when more than this share of at least 50 clips failed.
    """

    engine: Literal["local", "ray"] = "local"
    workers: int = 0
    workers_per_gpu: int = 1
    gpus: tuple[str, ...] = ()
    address: str = "auto"
    time_limit_s: float | None = 600.0
    max_failure_rate: float = 0.2

    def __post_init__(self) -> None:
        """Validate.

        Raises:
            ConfigurationError: An engine that does not exist, or numbers that are impossible.
        """
        if self.engine not in ("local", "ray"):
            raise ConfigurationError(f"engine must be 'local' or 'ray', got {self.engine!r}")
        least = 1 if self.engine == "ray" else 0
        if self.workers < least or self.workers_per_gpu < 1:
            raise ConfigurationError(
                f"the {self.engine} engine needs {least} or more workers (--workers), and 1 or more "
                f"per GPU; got {self.workers} and {self.workers_per_gpu}"
            )
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise ConfigurationError(f"a time limit must be above 0 s, got {self.time_limit_s}")


def make_workers(
    spec: WorkSpec, engine: EngineConfig, *, token: tuple[str, str], logs: Path | None = None
) -> Workers:
    """Return the workers of an engine; none is started yet.

    Args:
        spec: What they do.
        engine: Which.
        token: A file that each must see, and its content.
        logs: Folder for what local workers write to stderr.

    Raises:
        ConfigurationError: Ray is not installed, or there is no cluster.
    """
    spec = replace(spec, token=token)
    if engine.engine == "ray":
        from pavas_sdk.annotation.ray_workers import RayWorkers

        share = 1 / engine.workers_per_gpu if engine.gpus else 0
        return RayWorkers(spec, address=engine.address, num_gpus=share)
    from pavas_sdk.annotation.local_workers import InProcessWorker, LocalWorkers

    if engine.workers == 0:
        return InProcessWorker(spec)
    spec = replace(spec, threads=max(1, (os.cpu_count() or 1) // engine.workers))
    gpus = tuple(name for name in engine.gpus for _ in range(engine.workers_per_gpu))
    return LocalWorkers(spec, logs=logs, gpus=gpus)
