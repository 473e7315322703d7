"""Options that several commands share: what is put on top of a model, adapters and LoRAs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pavas_sdk.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pavas_sdk.pipelines import PavasPipeline

__all__ = ["AddedWeights", "added_weights_options", "take_added_weights"]

F = TypeVar("F", bound="Callable[..., Any]")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedWeights:
    """What the command line puts on top of a model.

    Attributes:
        adapter: Folder or Hub repository of a conditioning adapter; None: the model's own.
        adapter_scale: Of the adapter's shifts, whichever adapter it is; None: 1.
        loras: Source and weight of each LoRA, in order.
    """

    adapter: str | None = None
    adapter_scale: float | None = None
    loras: tuple[tuple[str, float], ...] = ()

    def put_on(self, pipe: PavasPipeline) -> None:
        """Load them into a pipeline.

        Raises:
            PavasError: One is missing, damaged, or belongs to another model.
        """
        if self.adapter is not None:
            pipe.load_adapter(self.adapter)
        if self.adapter_scale is not None:
            if pipe.conditioning_adapter is None:
                raise ConfigurationError(
                    "the model has no adapter that --adapter-scale could weigh; give one with "
                    "--adapter"
                )
            pipe.set_adapter_scale(self.adapter_scale)
        if self.loras:
            # an adapter may have brought one of its own
            before = {entry["name"]: float(entry["weight"]) for entry in pipe.active_loras()}
            names = [f"lora{place}" for place in range(1, len(self.loras) + 1)]
            for name, (source, _) in zip(names, self.loras, strict=True):
                pipe.load_lora_weights(source, adapter_name=name)
            weights = before | dict(zip(names, (weight for _, weight in self.loras), strict=True))
            pipe.set_adapters(list(weights), list(weights.values()))


_OPTIONS = (
    click.option(
        "--adapter",
        metavar="SOURCE",
        help="Conditioning adapter in place of the model's own: a folder (runs/mine/adapter), or "
        "owner/name on the Hub.",
    ),
    click.option(
        "--adapter-scale",
        type=click.FloatRange(0),
        metavar="X",
        help="Multiply the adapter's shifts: 1 as trained, 0 the backbone alone.",
    ),
    click.option(
        "--lora",
        "loras",
        multiple=True,
        metavar="SOURCE[=WEIGHT]",
        help="LoRA on top of the model (pavas-sdk[lora]): a file, a folder, or owner/name. May be "
        "repeated.",
    ),
)


def added_weights_options(function: F) -> F:
    """Add the options; `take_added_weights` reads them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_added_weights(options: dict[str, Any]) -> AddedWeights:
    """Take the options of `added_weights_options` out of ``options``.

    Raises:
        ConfigurationError: A scale or weight that is no number.
    """
    scale = options.pop("adapter_scale")
    if scale is not None and not math.isfinite(scale):
        raise ConfigurationError(f"--adapter-scale must be a number of 0 or more, got {scale:g}")
    return AddedWeights(
        adapter=options.pop("adapter"),
        adapter_scale=scale,
        loras=tuple(_weighed(word) for word in options.pop("loras")),
    )


def _weighed(word: str) -> tuple[str, float]:
    """Read SOURCE[=WEIGHT]; a source with "=" in its name needs a weight behind it."""
    source, equals, number = word.rpartition("=")
    if not equals:
        return word, 1.0
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not source or not math.isfinite(weight):
        raise ConfigurationError(
            f"--lora takes SOURCE or SOURCE=WEIGHT with a number as weight, got {word!r}"
        )
    return source, weight
