"""The five slots of the physics estimator: filled, saved, and asked whether they are ready.

Each is filled by a name, an object or a function.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import (
    ComponentFailedError,
    ComponentNotFoundError,
    ConfigurationError,
    FormatError,
    MissingPluginError,
    MissingWeightsError,
    PavasError,
    WeightsError,
)
from pavas_sdk.interfaces import (
    Component,
    mass_estimator,
    moving_object_detector,
    reconstructor,
    segmenter,
    velocity_estimator,
)
from pavas_sdk.registry import (
    ESTIMATORS,
    SLOTS,
    MissingSlot,
    Registry,
    component_ref,
    default_registry,
    missing_plugins_error,
)
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

__all__ = ["Slots", "check_ready", "named_slots", "slots_from_json"]


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
        _check_names(given)
        registry = registry or default_registry()
        parts = {slot: _component(slot, given.get(slot), registry) for slot in SLOTS}
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


def _check_names(given: Mapping[str, Any]) -> None:
    unknown = sorted(set(given) - set(SLOTS))
    if unknown:
        raise ConfigurationError(f"no slot {', '.join(unknown)}; slots are {', '.join(SLOTS)}")


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


def named_slots(name: str, given: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return what fills each slot of a named estimator.

    Args:
        name: "paper" or "tiny".
        given: Components, registered names or functions that replace single slots; None is not
            given.
        registry: What is installed.

    Raises:
        ConfigurationError: There is no such estimator or slot.
        MissingPluginError: Components that nothing installed provides: all of them at once, with
            what to install.
    """
    if name not in ESTIMATORS:
        raise ConfigurationError(
            f"there is no physics estimator named {name!r}; there are {', '.join(ESTIMATORS)}, or "
            "fill the slots yourself: PhysicsEstimator(segmenter=..., ...)"
        )
    _check_names(given)
    replaced = {slot: value for slot, value in given.items() if value is not None}
    filled = {**ESTIMATORS[name], **replaced}
    missing = [
        MissingSlot(slot=slot, name=bare, distribution=distribution, version="")
        for slot in SLOTS
        if isinstance(filled[slot], str) and not _is_there(slot, filled[slot], registry)
        for distribution, _, bare in (str(filled[slot]).rpartition("/"),)
        if distribution  # a bare name that means nothing is told when it is looked up
    ]
    if missing:
        raise missing_plugins_error(
            missing,
            failures=registry.failures,
            what=f'the physics estimator "{name}"',
            replace_with=(
                f'physics_estimator="{name}", {{keywords}}   (command line: '
                + " ".join(f"--{slot.slot.replace('_', '-')} NAME" for slot in missing)
                + ")"
            ),
        )
    return filled


def _is_there(slot: str, name: str, registry: Registry) -> bool:
    try:
        registry.get(slot, name)
    except ComponentNotFoundError:
        return False
    return True


def slots_from_json(
    refs: Mapping[str, ComponentRef], given: Mapping[str, Any], registry: Registry
) -> dict[str, Any]:
    """Return what to fill each slot with: ``given`` first, else the saved reference.

    Raises:
        ComponentNotFoundError: A saved component is not registered.
        FormatError: A saved slot names no registered component (an object was passed in then).
    """
    filled: dict[str, Any] = {}
    for slot in SLOTS:
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


def check_ready(slots: Mapping[str, Any], refs: Mapping[str, ComponentRef]) -> None:
    """Ask every component whether it has what it needs.

    Args:
        slots: Components by slot.
        refs: Their names, by slot.

    Raises:
        MissingPluginError: Packages are missing; the message also says which weights are.
        MissingWeightsError: Weights are missing.
        WeightsError: Weights are of another model or revision.
        ComponentFailedError: A component cannot even say.
    """
    lacking: dict[str, list[str]] = {}
    errors: list[PavasError] = []
    for slot, component in slots.items():
        try:
            component.check_ready()
        except PavasError as err:
            errors.append(err)
            # one model in two slots is said once
            lacking.setdefault(str(err), []).append(f"{slot} ({refs[slot].qualified_name})")
        # the code of a plugin: its name must be known, whatever it raises
        except KeyboardInterrupt:
            raise
        except BaseException as err:
            raise ComponentFailedError(
                f"{slot} {refs[slot].qualified_name} failed: {type(err).__name__}: {err}"
            ) from err
    if not errors:
        return
    parts = [f"{', '.join(who)}:\n{_indented(text)}" for text, who in lacking.items()]
    keywords = [slot for who in lacking.values() for slot in (w.partition(" ")[0] for w in who)]
    options = " ".join(f"--{slot.replace('_', '-')} NAME" for slot in keywords)
    first = "the physics estimator cannot begin, something is not on this machine."
    last = (
        f"Or fill these slots otherwise: {options}   (names: pavas plugins list)\n"
        'Or go on without them: on_error="partial", pavas estimate --keep-going'
    )
    message = "\n".join([first, *parts, last])
    raise _kind(errors)(message) from errors[0]


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())


def _kind(errors: list[PavasError]) -> type[PavasError]:
    if any(isinstance(err, MissingPluginError) for err in errors):
        return MissingPluginError
    if all(isinstance(err, MissingWeightsError) for err in errors):
        return MissingWeightsError
    return WeightsError
