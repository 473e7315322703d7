"""Named trainings, and changing their numbers from a file or word by word."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError
from pavas_sdk.training.optimisation import Optimisation
from pavas_sdk.training.run_config import AverageConfig, RunConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PRESETS", "preset_config", "read_config_file", "read_settings"]

PRESETS: Mapping[str, RunConfig] = MappingProxyType(
    {
        # MMAudio's own numbers: PAVAS's first stage.
        "mmaudio-stage1": RunConfig(),
        # PAVAS Sec. 4.1: 30,000 steps at 1e-5, the rest "the same". Warm-up and decays (at 80 and 90
        # per cent of the way, counted after the warm-up) are ours.
        "pavas-stage2": RunConfig(
            steps=30_000,
            optimisation=Optimisation(learning_rate=1e-5, decay_after=(24_000, 27_000)),
            average=AverageConfig(keep_every=1000),
            save_every=1000,
            validate_every=1000,
        ),
        # Ours: an adapter or a LoRA on a hundred clips or so, on one machine.
        "few-clips": RunConfig(
            steps=2000,
            batch=32,
            mixed_precision="auto",
            optimisation=Optimisation(
                learning_rate=3e-4, warmup=100, schedule="cosine", betas=(0.9, 0.99)
            ),
            average=AverageConfig(keep_every=500),
            save_every=500,
            save_every_s=600.0,
            validate_every=250,
        ),
        # Ours: small networks on a CPU, from nothing.
        "tiny": RunConfig(
            steps=11_000,
            batch=16,
            mixed_precision="no",
            optimisation=Optimisation(
                learning_rate=1.5e-3, warmup=200, schedule="cosine", betas=(0.9, 0.999), eps=1e-8
            ),
            average=AverageConfig(keep_every=1000),
            save_every=1000,
            save_every_s=240.0,
            validate_every=1000,
        ),
    }
)
"""Numbers by name."""


def preset_config(name: str) -> RunConfig:
    """Return the numbers of a preset.

    Raises:
        ConfigurationError: No such preset.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]


def read_config_file(path: str | Path) -> tuple[str | None, dict[str, Any]]:
    """Return the preset that a TOML file names, or None, and the numbers that it changes.

    Example:
        >>> # preset = "pavas-stage2"
        >>> # batch = 64
        >>> # [optimisation]
        >>> # learning_rate = 3e-5

    Raises:
        ConfigurationError: It cannot be read.
    """
    try:
        values = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigurationError(f"cannot read {path}: {err}") from err
    preset = values.pop("preset", None)
    if preset is not None and not isinstance(preset, str):
        raise ConfigurationError(f"{path}: preset is a name, got {preset!r}")
    return preset, values


def read_settings(settings: Iterable[str]) -> dict[str, Any]:
    """Return numbers given as words: ``drop.text=0.2``, ``optimisation.warmup=10``.

    Raises:
        ConfigurationError: A word without "=", or a value that is none.
    """
    values: dict[str, Any] = {}
    for word in settings:
        name, equals, text = word.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"expected NAME=VALUE, got {word!r}")
        try:
            values[name] = json.loads(text)
        except json.JSONDecodeError:
            values[name] = text  # a word, such as cosine
    return values
