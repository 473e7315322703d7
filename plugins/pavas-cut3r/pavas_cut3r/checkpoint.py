"""The official checkpoint, read without executing anything in it, and converted once.

The file is a pickle: weights under ``model``, training arguments under ``args``. The arguments are
objects of configuration libraries, which a weights-only load refuses. They are replaced by inert
stand-ins; of their content, a constructor as text among it, nothing is ever used.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from safetensors.torch import save_file
from torch import Tensor

from pavas_cut3r.network import Cut3R
from pavas_sdk.data.temporary_names import clear_abandoned, temporary_name
from pavas_sdk.errors import OutputError, WeightsError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

__all__ = [
    "CHECKPOINT_NAME",
    "LICENCE",
    "convert_checkpoint",
    "official_tensors",
    "read_checkpoint",
]

CHECKPOINT_NAME = "cut3r_512_dpt_4_64.pth"
LICENCE = "CC-BY-NC-SA-4.0"
WEIGHTS_NAME = "diffusion_pytorch_model.safetensors"
CONFIG_NAME = "config.json"
RECORD_NAME = "source.json"

# What the arguments of a training run are made of. A file that names anything else is refused.
_CONFIGURATION_MODULES = ("argparse", "omegaconf", "hydra", "typing", "collections", "pathlib")
_CONFIGURATION_NAMES = ("builtins.dict", "builtins.list", "builtins.set", "builtins.tuple")
_SCALARS = ("builtins.int", "builtins.float", "builtins.str", "builtins.bool", "builtins.bytes")


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """Return the weights of an official checkpoint by their official names, memory-mapped.

    Raises:
        WeightsError: No such file, not a checkpoint, or one that names something other than
            tensors and configuration objects.
    """
    path = Path(path).expanduser()
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; expected {CHECKPOINT_NAME}")
    try:
        content = _load_weights_only(path)
    except WeightsError:
        raise
    # torch raises many things for files that are none of its own: all mean the same here.
    except Exception as err:
        raise WeightsError(
            f"{path} cannot be read as a checkpoint ({type(err).__name__}: {_first_line(err)}); "
            f"it is damaged, or not {CHECKPOINT_NAME}. Get it again"
        ) from err
    state = content.get("model") if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise WeightsError(
            f'{path} has no weights under "model"; expected a checkpoint like {CHECKPOINT_NAME}'
        )
    if state and all(key.startswith("module.") for key in state):
        state = {key.removeprefix("module."): value for key, value in state.items()}
    return dict(state)


def _load_weights_only(path: Path) -> Any:
    names = torch.serialization.get_unsafe_globals_in_checkpoint(path)
    foreign = [
        name
        for name in names
        if name.partition(".")[0] not in _CONFIGURATION_MODULES
        and name not in (*_CONFIGURATION_NAMES, *_SCALARS)
    ]
    if foreign:
        raise WeightsError(
            f"{path} names {', '.join(foreign)}, which no CUT3R checkpoint needs; it was not "
            "loaded. Get the file from where its authors published it"
        )
    stand_ins: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
        (_stand_in(name), name) for name in names
    ]
    with torch.serialization.safe_globals(stand_ins):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


class _Inert:
    """In place of a configuration object: takes anything, does nothing, keeps nothing."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        del args, kwargs
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs

    def __setstate__(self, state: Any) -> None:
        del state


def _stand_in(name: str) -> Callable[..., Any]:
    """What is called where the file names ``name``; containers must be of torch's exact types."""
    if name in ("collections.defaultdict", "builtins.dict"):
        return lambda *args: {}
    if name in ("builtins.list", "collections.deque"):
        return lambda *args: []
    # one class per name: torch keeps them by class
    return type("Inert", (_Inert,), {})


def official_tensors(state: Mapping[str, Tensor], model: Cut3R, *, who: str) -> dict[str, Tensor]:
    """Return the tensors that ``model`` keeps of official weights, checked name by name.

    The projections of the dense heads are registered twice in the released model; both names are
    accepted where they hold the same numbers, and one is kept.

    Args:
        state: Weights by official name.
        model: A model of the wanted sizes; may be on the meta device.
        who: Where the weights came from, for messages.

    Raises:
        WeightsError: Names are missing or unknown, shapes differ, double names disagree, or
            numbers are not finite. All of it is listed.
    """
    wanted = model.state_dict()
    kept: dict[str, Tensor] = {}
    problems: list[str] = []
    for key, value in state.items():
        own = _own_name(key)
        if own not in wanted:
            problems.append(f"unknown {key} {list(value.shape)}")
        elif value.shape != wanted[own].shape:
            problems.append(f"{key} is {list(value.shape)}, expected {list(wanted[own].shape)}")
        elif own in kept and not torch.equal(kept[own], value):
            problems.append(f"{key} differs from its other name")
        elif not torch.isfinite(value).all():
            problems.append(f"{key} holds NaN or infinite numbers")
        else:
            kept.setdefault(own, value)
    present = {_own_name(key) for key in state}
    problems += [f"missing {key}" for key in wanted if key not in present]
    if problems:
        shown = "; ".join(problems[:8]) + ("; ..." if len(problems) > 8 else "")
        raise WeightsError(
            f"{who} is another model or revision than {CHECKPOINT_NAME}: {len(problems)} "
            f"differences in {len(state)} tensors: {shown}"
        )
    return {key: kept[key] for key in wanted}


def _own_name(key: str) -> str:
    """The name under which a tensor is kept: ``layer_rn.0`` is also called ``layer1_rn``."""
    before, found, after = key.partition(".scratch.layer_rn.")
    if not found:
        return key
    index, _, leaf = after.partition(".")
    return f"{before}.scratch.layer{int(index) + 1}_rn.{leaf}" if index.isdigit() else key


def convert_checkpoint(
    path: str | os.PathLike[str], folder: str | os.PathLike[str], *, model: Cut3R | None = None
) -> Path:
    """Convert an official checkpoint to a folder of config and safetensors; return the folder.

    Files are written under temporary names, then renamed, the weights last: a folder that has them
    is complete.

    Args:
        path: The official file.
        folder: Where to write; made if needed. Files of an earlier conversion are replaced.
        model: A model of other sizes than the released one's; may be on the meta device.

    Raises:
        WeightsError: See `read_checkpoint` and `official_tensors`.
        OutputError: The folder cannot be written.
    """
    path, folder = Path(path).expanduser(), Path(folder).expanduser()
    if model is None:
        with torch.device("meta"):
            model = Cut3R()
    tensors = official_tensors(read_checkpoint(path), model, who=str(path))
    tensors = {key: value.to(torch.float32).contiguous() for key, value in tensors.items()}
    record = {
        "format": "pavas.cut3r_weights",
        "format_version": 1,
        "file": path.name,
        "sha256": _sha256(path),
        "licence": LICENCE,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        config = json.dumps(dict(model.config), indent=2, sort_keys=True)
        _write(folder / CONFIG_NAME, lambda file: file.write_text(config, "utf-8"))
        _write(
            folder / RECORD_NAME,
            lambda file: file.write_text(json.dumps(record, indent=2), "utf-8"),
        )
        metadata = {"format": "pt", "licence": LICENCE}
        _write(folder / WEIGHTS_NAME, lambda file: save_file(tensors, file, metadata=metadata))
    except OSError as err:
        raise OutputError(
            f"cannot write the converted weights to {folder}: {err.strerror or err}; about 3.2 GB "
            "are needed. Choose another folder with -o"
        ) from err
    return folder


def _write(target: Path, write: Callable[[Path], Any]) -> None:
    """Write through a temporary file in the same folder, then rename."""
    clear_abandoned(target.parent)  # 3 GB that a killed run was writing
    temporary = target.with_name(temporary_name(target.name))
    try:
        temporary.touch()
        # safetensors makes files for one user only; these have the permissions of any other file
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _first_line(err: Exception) -> str:
    return str(err).strip().partition("\n")[0][:200]
