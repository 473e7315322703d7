"""Averages kept along a run, and the mixture of them for any width and step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from pavas_sdk.data.file_modes import as_the_umask_says
from pavas_sdk.errors import ConfigurationError, FormatError, OutputError
from pavas_sdk.training.post_hoc_ema import EmaSnapshot, mixed, mixing_weights

if TYPE_CHECKING:
    from torch import Tensor

    from pavas_sdk.training.post_hoc_ema import PowerEma

__all__ = ["AVERAGES_NAME", "mix_stored", "store_average", "stored_averages"]

AVERAGES_NAME = "averages"


def store_average(folder: Path, average: PowerEma) -> Path:
    """Write one average to ``folder/averages``, float32; its step and width are in the header.

    Args:
        folder: Of the run.
        average: To store.

    Raises:
        OutputError: It cannot be written.
    """
    place = Path(folder) / AVERAGES_NAME
    path = place / f"{average.sigma_rel:g}-{average.updates:08d}.safetensors"
    fresh = path.with_suffix(".new")
    header = {"step": str(average.updates), "sigma_rel": repr(average.sigma_rel)}
    try:
        place.mkdir(parents=True, exist_ok=True)
        save_file({n: value.contiguous() for n, value in average.values.items()}, fresh, header)
        as_the_umask_says(fresh)
        fresh.replace(path)
    except (OSError, SafetensorError) as err:
        fresh.unlink(missing_ok=True)
        raise OutputError(f"cannot write {path}: {err}") from err
    return path


def stored_averages(folder: Path) -> dict[EmaSnapshot, Path]:
    """Return the averages of a run, in the order of their names.

    Raises:
        FormatError: A file among them is none of ours, or damaged.
    """
    found = {}
    for path in sorted((Path(folder) / AVERAGES_NAME).glob("*.safetensors")):
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
            found[EmaSnapshot(step=int(header["step"]), sigma_rel=float(header["sigma_rel"]))] = (
                path
            )
        except (OSError, SafetensorError, KeyError, ValueError) as err:
            raise FormatError(f"{path} is damaged, or no stored average: {err}") from err
    return found


def mix_stored(folder: Path, *, sigma_rel: float, step: int | None = None) -> dict[str, Tensor]:
    """Return the average of any width at any step, from the stored ones.

    Args:
        folder: Of the run.
        sigma_rel: Wanted width, as a share of the training.
        step: Wanted step; None: the last one stored.

    Raises:
        ConfigurationError: Nothing is stored, or the step is beyond what is.
        FormatError: A stored average is damaged.
    """
    stored = stored_averages(folder)
    if not stored:
        raise ConfigurationError(
            f"{folder} holds no stored averages; train with average.sigma_rels (the default has "
            "two) until the first average.keep_every updates, or to the end"
        )
    last = max(entry.step for entry in stored)
    wanted = EmaSnapshot(step=last if step is None else step, sigma_rel=sigma_rel)
    if not 0 < wanted.step <= last:
        raise ConfigurationError(f"step {wanted.step} is not within 1 to {last}, the last stored")
    if wanted in stored:
        return _load(stored[wanted])
    weights = mixing_weights(list(stored), sigma_rel=sigma_rel, step=wanted.step)
    return mixed(
        (weight, _load(path)) for weight, path in zip(weights, stored.values(), strict=True)
    )


def _load(path: Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as err:
        raise FormatError(f"{path} is damaged: {err}") from err
    return tensors
