"""The five slots of the physics estimator, each filled by a name, an object or a function."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ConfigurationError, FormatError
from pavas_sdk.interfaces import (
    Component,
    mass_estimator,
    moving_object_detector,
    reconstructor,
    segmenter,
    velocity_estimator,
)
from pavas_sdk.registry import SLOTS, Registry, component_ref, default_registry
from pavas_sdk.registry.registered import INTERFACES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pavas_sdk.data import ComponentRef
    from pavas_sdk.interfaces import (
        MassEstimator,
        MovingObjectDetector,
        Reconstructor,
        Segmenter,
        VelocityEstimator,
    )

__all__ = ["SLOT_NAMES", "Slots"]

SLOT_NAMES = SLOTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Slots:
    """One component per slot, and the reference that provenance keeps of each.

    Attributes:
        moving_object_detector: What moves.
        segmenter: Where it is.
        reconstructor: Points in metres.
        velocity_estimator: Paths.
        mass_estimator: Masses.
        refs: By slot.
    """

    moving_object_detector: MovingObjectDetector
    segmenter: Segmenter
    reconstructor: Reconstructor
    velocity_estimator: VelocityEstimator
    mass_estimator: MassEstimator
    refs: Mapping[str, ComponentRef]

    @classmethod
    def resolve(cls, given: Mapping[str, Any], *, registry: Registry | None = None) -> Slots:
        """Make components of what was given for each slot.

        Args:
            given: By slot: an object of the slot's interface, a registered name (bare or
                ``distribution/name``), a function as `from_function` of the slot's interface
                takes it, or None for the default.
            registry: Where names are looked up; the process default by default.

        Raises:
            ComponentNotFoundError: No such name, or another `ComponentError` of the registry.
            ConfigurationError: An unknown slot, or an object of another interface.
        """
        unknown = sorted(set(given) - set(SLOT_NAMES))
        if unknown:
            raise ConfigurationError(
                f"no slot {', '.join(unknown)}; slots are {', '.join(SLOT_NAMES)}"
            )
        registry = registry or default_registry()
        parts = {slot: _component(slot, given.get(slot), registry) for slot in SLOT_NAMES}
        refs = {
            slot: component_ref(part, kind=slot, registry=registry) for slot, part in parts.items()
        }
        return cls(**parts, refs=refs)

    def components(self) -> dict[str, Any]:
        """Return the components by slot."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "refs"}


_FROM_FUNCTION: dict[str, Callable[[Any], Any]] = {
    "moving_object_detector": moving_object_detector.from_function,
    "segmenter": segmenter.from_function,
    "reconstructor": reconstructor.from_function,
    "velocity_estimator": velocity_estimator.from_function,
    "mass_estimator": mass_estimator.from_function,
}


def _component(slot: str, value: Any, registry: Registry) -> Any:
    if value is None or isinstance(value, str):
        return registry.create(slot, value)
    if isinstance(value, INTERFACES[slot]):
        return value
    if callable(value) and not isinstance(value, (type, Component)):
        return _FROM_FUNCTION[slot](value)
    hint = "; a class was given: make an object of it" if isinstance(value, type) else ""
    raise ConfigurationError(
        f"{slot} must be a {INTERFACES[slot].__name__}, a function, a registered name or None, got "
        f"{type(value).__name__}{hint}"
    )


def slots_from_json(
    refs: Mapping[str, ComponentRef], given: Mapping[str, Any], registry: Registry
) -> dict[str, Any]:
    """Return what to fill each slot with: ``given`` first, else the saved reference.

    Raises:
        ComponentNotFoundError: A saved component is not registered.
        FormatError: A saved slot names no registered component (an object was passed in then).
    """
    filled: dict[str, Any] = {}
    for slot in SLOT_NAMES:
        ref = refs.get(slot)
        if given.get(slot) is not None or ref is None:
            filled[slot] = given.get(slot)
        elif not ref.distribution:
            raise FormatError(
                f"the saved {slot} ({ref.name}) was an object that no plugin registers; pass one: "
                f"{slot}=..."
            )
        else:
            filled[slot] = registry.create(slot, ref.qualified_name, **ref.config)
    return filled
