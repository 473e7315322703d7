"""The networks of a saved pipeline as files: which may be loaded, whether all of them is there."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import torch
from diffusers.pipelines import pipeline_loading_utils
from safetensors import SafetensorError, safe_open

from pavas_sdk.errors import WeightsError
from pavas_sdk.models.weight_differences import weight_differences

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from pathlib import Path

    from pavas_sdk.pipelines.saved import SavedPipeline

__all__ = [
    "align",
    "check_weights_complete",
    "folder_differences",
    "made_loadable",
]

_ALIGNMENT = 64


@contextmanager
def made_loadable(saved: SavedPipeline, *, replaced: Container[str] = ()) -> Iterator[None]:
    """Tell diffusers which of the checked classes have ``from_pretrained``, while the block runs.

    It looks for its own base classes as attributes of the module that the index names; a module
    that loads its names lazily has none. Its table takes further names (tested at the minor
    version that the package depends on). What one folder names must not be there for the next.

    Args:
        saved: Whose classes.
        replaced: Components that the caller brings.

    Raises:
        WeightsError: The index names something that is no class which can be loaded.
    """
    names = {
        _checked_class(saved, slot, *named)
        for slot, named in saved.components.items()
        if slot not in replaced
    }
    table = pipeline_loading_utils.ALL_IMPORTABLE_CLASSES
    with _table_lock:
        for name in names:
            if name in _table_users or name not in table:
                table[name] = ["save_pretrained", "from_pretrained"]
                _table_users[name] += 1
    try:
        yield
    finally:
        with _table_lock:
            for name in names & set(_table_users):
                _table_users[name] -= 1
                if not _table_users[name]:
                    del _table_users[name], table[name]


_table_lock = threading.Lock()
_table_users: Counter[str] = Counter()


def _checked_class(saved: SavedPipeline, slot: str, library: str, class_name: str) -> str:
    try:
        found = getattr(import_module(library), class_name)
    # whatever a library raises for a name that it lacks, or whose needs are not installed
    except Exception as err:
        raise WeightsError(
            f"{saved.folder} names {library}.{class_name} as its {slot}, which cannot be imported: "
            f"{type(err).__name__}: {err}"
        ) from err
    if not (isinstance(found, type) and hasattr(found, "from_pretrained")):
        raise WeightsError(
            f"{saved.folder} names {library}.{class_name} as its {slot}, which is no class that can be "
            "loaded; the index is damaged: save, download or convert the pipeline again"
        )
    return class_name


def align(part: object) -> None:
    """Copy weights that lie at odd addresses, as in a memory-mapped file, to memory of their own.

    Matrix kernels are chosen by alignment and round differently: without this a loaded pipeline
    would not give the sound of the saved one to the bit.
    """
    if not isinstance(part, torch.nn.Module):
        return
    for tensor in (*part.parameters(), *part.buffers()):
        if tensor.device.type == "cpu" and tensor.data_ptr() % _ALIGNMENT:
            tensor.data = tensor.data.clone()


def check_weights_complete(folder: Path, parts: Mapping[str, torch.nn.Module]) -> None:
    """Compare the weights files of a saved pipeline with its networks, tensor by tensor.

    diffusers starts what a file lacks at random, and only logs it.

    Args:
        folder: The saved pipeline.
        parts: Components that were loaded from it, by slot.

    Raises:
        WeightsError: Tensors are missing, unknown or of another shape: all are listed, of all
            components.
    """
    lines: list[str] = []
    for slot, part in parts.items():
        lines += [f"  {slot}: {line}" for line in folder_differences(folder / slot, part)]
    if lines:
        slots = sorted({line.split(":")[0].strip() for line in lines})
        raise WeightsError(
            f"the weights in {folder} do not belong to its {', '.join(slots)} "
            f"({len(lines)} differences):\n"
            + "\n".join(lines)
            + "\nThey are of another variant or "
            "incomplete: save, download or convert the pipeline again"
        )


def folder_differences(folder: Path, part: torch.nn.Module) -> list[str]:
    """Name the tensors by which the files of a folder and a network differ.

    Args:
        folder: With safetensors; without any nothing is compared.
        part: What was loaded from it.

    Raises:
        WeightsError: A file is damaged.
    """
    files = sorted(folder.glob("*.safetensors"))
    # Quantised weights are stored under other names, which their own loader checks.
    if not files or getattr(part, "hf_quantizer", None) is not None:
        return []
    expected = {name: tuple(tensor.shape) for name, tensor in part.state_dict().items()}
    return list(weight_differences(expected, _stored(files)))


def _stored(files: Iterable[Path]) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                for name in opened.keys():  # noqa: SIM118  # no mapping
                    shapes[name] = tuple(opened.get_slice(name).get_shape())
        except SafetensorError as err:
            raise WeightsError(f"{file} is damaged or was cut short ({err})") from err
    return shapes
