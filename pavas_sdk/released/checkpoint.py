"""Reading an official file: tensors only, memory-mapped, and a typed error for anything else.

``.pth``, ``.pt`` and ``.bin`` files are pickles. They are read with ``weights_only=True``, which
builds tensors and plain containers and refuses everything else; no other place of pavas_sdk
opens them.
"""

from __future__ import annotations

import pickle
import warnings
import zipfile
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from pavas_sdk.errors import WeightsError

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["read_checkpoint"]

# Keys under which training programs put the tensors that matter.
_WRAPPERS = ("generator", "state_dict", "model")


def read_checkpoint(path: Path, *, again: str = "") -> dict[str, Tensor]:
    """Return the tensors of a checkpoint by name.

    Files of the present torch format and safetensors are memory-mapped: nothing is read until a
    tensor is used. The old torch format is read whole.

    Args:
        path: A ``.safetensors`` file, or what ``torch.save`` wrote: a state dict, or one under
            ``generator``, ``state_dict`` or ``model``.
        again: Where to get the file anew, for messages.

    Raises:
        WeightsError: No such file; truncated; not a checkpoint; it holds other objects than
            tensors. The message names the file and the remedy.
    """
    remedy = f"; get it again{f' from {again}' if again else ''}"
    if not path.is_file():
        raise WeightsError(f"there is no file {path}{remedy}")
    if path.suffix == ".safetensors":
        return _safetensors(path, remedy)
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path} is a Git LFS pointer, not the weights themselves{remedy}")
    if not zipfile.is_zipfile(path) and not head.startswith(b"\x80"):
        what = "is empty" if not head else "is no checkpoint of torch, or was cut short"
        raise WeightsError(f"{path} {what}{remedy}")
    try:
        with warnings.catch_warnings():
            # of another pickle protocol than torch's own: it is read, or refused below
            warnings.simplefilter("ignore", UserWarning)
            content = torch.load(
                path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path)
            )
    except pickle.UnpicklingError as err:
        raise WeightsError(
            f"{path} holds pickled objects beside tensors and is not opened, since such objects "
            f"can run any code ({_first_line(err)}); use the official file{remedy}"
        ) from err
    except (RuntimeError, EOFError, ValueError, OSError, KeyError, AttributeError) as err:
        raise WeightsError(
            f"{path} is damaged or was cut short ({_first_line(err)}){remedy}"
        ) from err
    return _tensors(content, path, remedy)


def _safetensors(path: Path, remedy: str) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as err:
        raise WeightsError(f"{path} is damaged or was cut short ({err}){remedy}") from err


def _tensors(content: object, path: Path, remedy: str) -> dict[str, Tensor]:
    if isinstance(content, dict):
        for wrapper in _WRAPPERS:
            if isinstance(content.get(wrapper), dict):
                content = content[wrapper]
                break
    if not isinstance(content, dict) or not content:
        raise WeightsError(f"{path} holds {type(content).__name__}, expected named tensors{remedy}")
    others = sorted(str(key) for key, value in content.items() if not torch.is_tensor(value))
    if others:
        raise WeightsError(
            f"{path} holds {', '.join(others[:5])}{' ...' if len(others) > 5 else ''} beside "
            f"tensors; expected named tensors only{remedy}"
        )
    return {str(key): value for key, value in content.items()}


def _first_line(err: Exception) -> str:
    return (str(err).splitlines() or [type(err).__name__])[0]
