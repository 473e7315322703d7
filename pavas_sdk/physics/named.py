"""Physics estimators by name: "paper" and "tiny" say which component fills each slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import ComponentNotFoundError, ConfigurationError
from pavas_sdk.registry import ESTIMATORS, SLOTS, MissingSlot, missing_plugins_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.registry import Registry

__all__ = ["named_slots"]


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
    unknown = sorted(set(given) - set(SLOTS))
    if unknown:
        raise ConfigurationError(f"no slot {', '.join(unknown)}; slots are {', '.join(SLOTS)}")
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
