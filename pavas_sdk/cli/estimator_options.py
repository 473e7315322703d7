"""Options that several commands share: which physics estimator, with which slots and settings."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pavas_sdk.cli.completion import complete_component
from pavas_sdk.errors import ConfigurationError
from pavas_sdk.registry import ESTIMATORS, SLOTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.physics import PhysicsEstimator

__all__ = ["EstimatorChoice", "estimator_options", "take_choice"]

F = TypeVar("F", bound="Callable[..., Any]")

_SCALES_M = (1e-9, 1e6)  # an atom, a map


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorChoice:
    """What the command line says about the estimator.

    Attributes:
        name: "paper" or "tiny", or None when nothing was said.
        slots: Registered name by slot, only where one was given.
        settings: Settings of components by slot.
        cache: True, a folder, or None.
        timeout_s: Seconds that a slot may be silent; 0 for no limit, None when nothing was said.
    """

    name: str | None
    slots: Mapping[str, str]
    settings: Mapping[str, Mapping[str, Any]]
    cache: bool | Path | None
    timeout_s: float | None = None

    def build(self, *, on_error: str = "raise") -> PhysicsEstimator:
        """Return the chosen estimator; pavas-tiny's when nothing was said.

        Raises:
            ComponentError: A name is unknown, or plugins are missing.
            ConfigurationError: A setting that a component does not have.
        """
        from pavas_sdk.physics import PhysicsEstimator

        slots: dict[str, Any] = dict(self.slots)
        estimator = PhysicsEstimator.from_name(self.name or "tiny", on_error=on_error, **slots)
        return self.with_settings(estimator)

    def with_settings(self, estimator: PhysicsEstimator) -> PhysicsEstimator:
        """Return the estimator with the settings that were given, its own and its components'.

        Raises:
            ConfigurationError: A component has no such setting, or refuses the value.
        """
        from pavas_sdk.physics import PhysicsEstimator

        if not self.settings and self.timeout_s is None:
            return estimator
        document = estimator.to_json()
        if self.timeout_s is not None:
            document["config"]["timeout_s"] = self.timeout_s or None
        for slot, settings in self.settings.items():
            reference = document["slots"][slot]
            for key, value in settings.items():
                if key not in reference["config"]:
                    known = ", ".join(sorted(reference["config"])) or "none"
                    raise ConfigurationError(
                        f"{slot} {reference['distribution']}/{reference['name']} has no setting "
                        f"{key!r}; it has {known}"
                    )
                reference["config"][key] = value
        kept = {slot: part for slot, part in estimator.slots.items() if slot not in self.settings}
        return PhysicsEstimator.from_json(document, **kept)


def _settings(
    ctx: click.Context, param: click.Parameter, values: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Read SLOT.KEY=VALUE; the value is JSON, or else a string."""
    del ctx, param
    settings: dict[str, dict[str, Any]] = {}
    for text in values:
        place, equals, value = text.partition("=")
        slot, dot, key = place.strip().replace("-", "_").partition(".")
        if not (equals and dot and key) or slot not in SLOTS:
            raise click.BadParameter(
                f"expected SLOT.KEY=VALUE with a SLOT of {', '.join(SLOTS)}, got {text!r}"
            )
        try:
            parsed = json.loads(value)
        except json.JSONDecodeError:
            parsed = value
        settings.setdefault(slot, {})[key] = parsed
    return settings


_OPTIONS = (
    click.option(
        "--estimator",
        type=click.Choice(tuple(ESTIMATORS)),
        help="Which physics estimator: tiny (comes along), or paper (Qwen2.5-VL, Florence-2 "
        "with SAM-2, CUT3R; plugins). Default: the model's own, tiny.",
    ),
    click.option(
        "--moving-object-detector",
        "--detector",
        "moving_object_detector",
        metavar="NAME",
        shell_complete=complete_component("moving_object_detector"),
        help="Component that finds what moves. Names: pavas plugins list.",
    ),
    click.option(
        "--segmenter",
        metavar="NAME",
        shell_complete=complete_component("segmenter"),
        help="Component that finds masks.",
    ),
    click.option(
        "--reconstructor",
        metavar="NAME",
        shell_complete=complete_component("reconstructor"),
        help="Component that finds points in metres.",
    ),
    click.option(
        "--velocity-estimator",
        metavar="NAME",
        shell_complete=complete_component("velocity_estimator"),
        help="Component that finds paths.",
    ),
    click.option(
        "--mass-estimator",
        metavar="NAME",
        shell_complete=complete_component("mass_estimator"),
        help="Component that finds masses.",
    ),
    click.option(
        "--set",
        "settings",
        multiple=True,
        metavar="SLOT.KEY=VALUE",
        callback=_settings,
        help="Setting of a component: --set segmenter.max_side=240. May be repeated.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(min=0),
        metavar="SECONDS",
        help="How long a component may work without a sign of life; 0 for no limit. Default: 600.",
    ),
    click.option("--scale", type=float, metavar="M_PER_PX", help="Metres per pixel, when known."),
    click.option(
        "--cache",
        is_flag=True,
        help="Keep estimates, and do not make again what was made before.",
    ),
    click.option(
        "--cache-dir",
        type=click.Path(path_type=Path, file_okay=False),
        help="The same, in this folder. Default: physics in $PAVAS_CACHE, or in the user's cache "
        "folder.",
    ),
)


def estimator_options(function: F) -> F:
    """Add the options; `take_choice` reads them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def take_choice(options: dict[str, Any]) -> EstimatorChoice:
    """Take the options of `estimator_options` out of ``options``.

    Raises:
        ConfigurationError: A scale that is not above 0.
    """
    scale = options.pop("scale")
    settings = {slot: dict(values) for slot, values in options.pop("settings").items()}
    if scale is not None:
        least, most = _SCALES_M
        if not least <= scale <= most:
            raise ConfigurationError(
                f"--scale must be above 0, from {least:g} to {most:g} metres per pixel, got {scale:g}"
            )
        settings.setdefault("reconstructor", {})["metres_per_pixel"] = scale
    flag, folder = options.pop("cache"), options.pop("cache_dir")
    names = {slot: options.pop(slot) for slot in SLOTS}
    return EstimatorChoice(
        name=options.pop("estimator"),
        slots={slot: name for slot, name in names.items() if name is not None},
        settings=settings,
        cache=folder if folder is not None else (True if flag else None),
        timeout_s=options.pop("timeout"),
    )
