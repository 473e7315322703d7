"""One official file to one component folder: config, safetensors, and where they came from."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import torch

from pavas_sdk.data.files import write_failure
from pavas_sdk.errors import OutputError, WeightsError
from pavas_sdk.released.checkpoint import read_checkpoint
from pavas_sdk.released.component_record import WEIGHTS_NAME, ComponentRecord
from pavas_sdk.released.component_weights import component_weights
from pavas_sdk.released.tensor_file import stored_bytes, write_tensors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from torch import Tensor

    from pavas_sdk.released.releases import ReleasedComponent

__all__ = ["convert_component", "sha256_of"]


def convert_component(
    component: ReleasedComponent,
    path: Path,
    folder: Path,
    *,
    dtype: torch.dtype = torch.float32,
    known: Iterable[ReleasedComponent] = (),
    origin: Mapping[str, Any] | None = None,
    official: Mapping[str, Tensor] | None = None,
) -> ComponentRecord:
    """Convert an official file into ``folder`` and return the record of it.

    Only one tensor at a time is in memory beside the memory-mapped file.

    Args:
        component: What the file should be.
        path: The official file, or weights that were converted from it.
        folder: A folder that does not exist yet; the caller renames it when all is done.
        dtype: Of the written weights.
        known: Other components, to say what a wrong file is.
        origin: What is recorded of the official file, when ``path`` is not the file itself.
        official: Its tensors, when they lie in several files; ``path`` is then their folder.

    Raises:
        WeightsError: The file is damaged, holds something else, or numbers that are not finite.
        OutputError: There is not enough space, or the folder cannot be written.
    """
    file = component.file
    if official is None:
        official = read_checkpoint(path, again=f"{file.url} ({file.path})")
    network, tensors = component_weights(component, official, path, known=known)
    try:
        folder.mkdir(parents=True)
        _check_space(folder, stored_bytes(tensors, dtype))
        network.save_config(folder)  # type: ignore[operator]  # a ModelMixin
        written = write_tensors(folder / WEIGHTS_NAME, tensors, dtype=dtype)
        record = ComponentRecord(
            component=component.name,
            network=(type(network).__module__, type(network).__name__),
            official=origin if origin is not None else _origin(component, path),
            weights={
                "sha256": written,
                "size_bytes": (folder / WEIGHTS_NAME).stat().st_size,
                "dtype": str(dtype).removeprefix("torch."),
            },
        )
        record.write(folder)
    except WeightsError as err:
        raise WeightsError(f"{path}: {err}; get it again from {file.url} ({file.path})") from err
    except OSError as err:
        if isinstance(err, OutputError):
            raise
        raise write_failure(folder, err) from err
    return record


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _origin(component: ReleasedComponent, path: Path) -> dict[str, Any]:
    file = component.file
    return {
        "repository": file.repository,
        "path": file.path,
        "licence": file.licence,
        "sha256": sha256_of(path),
        "size_bytes": path.stat().st_size,
    }


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"cannot write {folder}: {needed / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB are "
            "free; free some space, or choose another folder (for the cache: PAVAS_CACHE)"
        )
