"""Options that say who works on many clips: this process, others, or a cluster."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.annotation import EngineConfig

__all__ = ["engine_options", "take_engine"]

F = TypeVar("F", bound="Callable[..., Any]")

_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(("local", "ray")),
        default="local",
        show_default=True,
        help="Who works: processes of this machine, or a Ray cluster (pavas-sdk[ray]).",
    ),
    click.option(
        "--workers",
        type=click.IntRange(0),
        help="How many at once; 0: this process itself. Default: 1 for annotate, else 0.",
    ),
    click.option(
        "--workers-per-gpu",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="How many workers share a GPU (with --device cuda).",
    ),
    click.option(
        "--gpus",
        metavar="LIST",
        default=None,
        help="GPUs to give out to local workers: 0,1,2. Default: all that are visible.",
    ),
    click.option(
        "--address",
        default="auto",
        show_default=True,
        help="Of the Ray cluster: auto, local, HOST:PORT, or ray://HOST:PORT (needs ray[client]).",
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(min=0),
        default=None,
        metavar="SECONDS",
        help="A worker that takes longer for one clip is ended; 0 for no limit. Default: 600 for "
        "annotate, else none.",
    ),
    click.option(
        "--max-failure-rate",
        type=click.FloatRange(0, 1),
        default=0.2,
        show_default=True,
        help="Stop when more than this share of at least 50 clips failed.",
    ),
)


def engine_options(function: F) -> F:
    """Add the options; `take_engine` reads them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_engine(
    options: dict[str, Any], *, device: str, workers: int, time_limit_s: float | None = 600.0
) -> EngineConfig:
    """Take the options of `engine_options` out of ``options``.

    Args:
        options: Of the command.
        device: torch device of the models.
        workers: How many when nothing was said.
        time_limit_s: For one clip, when nothing was said.

    Raises:
        ConfigurationError: Numbers that are impossible.
    """
    from pavas_sdk.annotation import EngineConfig

    given, limit = options.pop("workers"), options.pop("time_limit")
    engine = options.pop("engine")
    gpus = _gpus(options.pop("gpus"), device, engine)
    return EngineConfig(
        engine=engine,
        workers=workers if given is None else given,
        workers_per_gpu=options.pop("workers_per_gpu"),
        gpus=gpus,
        address=options.pop("address"),
        time_limit_s=time_limit_s if limit is None else (limit or None),
        max_failure_rate=options.pop("max_failure_rate"),
    )


def _gpus(given: str | None, device: str, engine: str) -> tuple[str, ...]:
    if not device.startswith("cuda"):
        return ()
    if engine == "ray":  # asks for GPUs of the cluster: the driver's machine may have none
        return ("any",)
    if given is None:
        given = os.environ.get("CUDA_VISIBLE_DEVICES") or _all_gpus()
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _all_gpus() -> str:
    import torch

    return ",".join(str(number) for number in range(torch.cuda.device_count()))
