"""What the slots lack, said once and before any work is done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pavas_sdk.errors import (
    ComponentFailedError,
    MissingPluginError,
    MissingWeightsError,
    PavasError,
    WeightsError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pavas_sdk.data import ComponentRef

__all__ = ["check_ready"]


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
        except Exception as err:
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
