"""One converted component in the cache folder: found, or made of its official file. No torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pavas_sdk.released.cache import components_folder, locked, new_folder
from pavas_sdk.released.component_record import ComponentRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pavas_sdk.released.releases import ReleasedComponent

__all__ = ["converted_component", "kept_component"]


def kept_component(part: ReleasedComponent) -> Path | None:
    """Return the folder of a component that was converted before; None where there is none."""
    folder = components_folder() / part.name
    return None if ComponentRecord.of_whole(folder, part.name) is None else folder


def converted_component(
    part: ReleasedComponent,
    given: Path | None,
    *,
    fetch: Callable[[], Path],
    known: Iterable[ReleasedComponent],
    say: Callable[[str], None],
) -> Path:
    """Return the folder of a converted component, making it when needed.

    Args:
        part: Which one.
        given: Its official file, where the user named one; it replaces a cached one that differs.
        fetch: Returns the official file, asked for when there is neither.
        known: Other components, to say what a wrong file is.
        say: Gets a line when something is converted.

    Raises:
        WeightsError: The file is missing, damaged or wrong.
        OutputError: The cache folder cannot be written.
    """
    from pavas_sdk.released.conversion import convert_component, sha256_of

    folder = components_folder() / part.name
    with locked(folder):
        record = ComponentRecord.of_whole(folder, part.name)
        if record is not None and given is None:
            return folder
        path = given or fetch()
        if record is not None and record.official.get("sha256") == sha256_of(path):
            return folder
        say(f"{part.slot}: converting {path.name}")
        with new_folder(folder, replace=True) as temporary:
            convert_component(part, path, temporary, known=known)
    return folder
