"""Checkpoints: all that a run needs to go on to the bit, as safetensors and JSON, never pickle."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pavas_sdk.data.documents import read_document
from pavas_sdk.data.file_modes import as_the_umask_says
from pavas_sdk.errors import FormatError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from pavas_sdk.training.training_run import TrainingRun

__all__ = ["CHECKPOINT_NAME", "has_checkpoint", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_NAME = "checkpoint"
FORMAT = "pavas.training-checkpoint"
FORMAT_VERSION = 1
_MOMENTS = ("step", "exp_avg", "exp_avg_sq")


def save_checkpoint(folder: Path, run: TrainingRun, facts: Mapping[str, Any]) -> None:
    """Write ``folder/checkpoint``; an interrupt leaves the old one or the new one, whole.

    Any number of processes may go on from it: positions and draws depend on the step alone.

    Args:
        folder: Of the run.
        run: Between two steps. Only the first process may call this.
        facts: Kept beside, as plain values.

    Raises:
        OutputError: It cannot be written.
    """
    target = Path(folder) / CHECKPOINT_NAME
    fresh, old = target.with_name("checkpoint.new"), _before(target)
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _save(run.trainable, fresh / "weights.safetensors")
        _save(_moments(run), fresh / "optimizer.safetensors")
        for average in run.averages:
            _save(average.values, fresh / f"average-{average.sigma_rel:g}.safetensors")
        document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "step": run.step,
            "skipped": run.skipped,
            "updates": [average.updates for average in run.averages],
            "config": run.config.to_json(),
            **facts,
        }
        (fresh / "run.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, SafetensorError) as err:
        shutil.rmtree(fresh, ignore_errors=True)  # half of it would fill the disk
        raise OutputError(
            f"cannot write the checkpoint {target}: {err}; free some room and go on with --resume"
        ) from err


def load_checkpoint(folder: Path, run: TrainingRun) -> dict[str, Any]:
    """Put a checkpoint into a run that was made with the same numbers.

    Args:
        folder: Of the run.
        run: Fresh, with the same network and configuration.

    Returns:
        The document with the facts that were kept.

    Raises:
        FormatError: There is none, it is damaged or newer, or of another network or configuration.
    """
    place = _present(Path(folder) / CHECKPOINT_NAME)
    document = read_document(
        place / "run.json", format_name=FORMAT, newest=FORMAT_VERSION, what="training checkpoint"
    )
    # through JSON, in which a tuple is a list
    here = json.loads(json.dumps(run.config.to_json()))
    if changed := _differences(document["config"], here):
        raise FormatError(
            f"the checkpoint {place} was made with other numbers: {'; '.join(changed)}. Go on with "
            "its numbers, or train anew in another folder"
        )
    _fill(run.trainable, _load(place / "weights.safetensors"), place)
    _fill_moments(run, _load(place / "optimizer.safetensors"), place)
    for average, updates in zip(run.averages, document["updates"], strict=True):
        _fill(average.values, _load(place / f"average-{average.sigma_rel:g}.safetensors"), place)
        average.updates = int(updates)
    run.step, run.skipped = int(document["step"]), int(document["skipped"])
    return document


def has_checkpoint(folder: Path) -> bool:
    """Whether a run in ``folder`` can go on: also when it was killed between the two renames."""
    place = Path(folder) / CHECKPOINT_NAME
    return place.exists() or _before(place).exists()


def _before(place: Path) -> Path:
    return place.with_name("checkpoint.old")


def _present(place: Path) -> Path:
    """The checkpoint; the one before it where an interrupt fell between the two renames."""
    old = _before(place)
    if not place.exists() and old.exists():
        old.rename(place)
    if not place.is_dir():
        raise FormatError(f"there is no checkpoint in {place.parent}; leave out --resume")
    return place


def _moments(run: TrainingRun) -> dict[str, Tensor]:
    state = run.optimizer.state
    return {
        f"{kind}/{name}": state[parameter][kind]
        for name, parameter in run.trainable.items()
        if parameter in state
        for kind in _MOMENTS
    }


def _fill_moments(run: TrainingRun, stored: dict[str, Tensor], place: Path) -> None:
    for name, parameter in run.trainable.items():
        found = {kind: stored.pop(f"{kind}/{name}", None) for kind in _MOMENTS}
        if all(value is None for value in found.values()):
            continue  # it has had no gradient yet
        if any(value is None for value in found.values()):
            raise FormatError(f"{place} is damaged: moments of {name} are missing")
        # AdamW keeps the count where the parameter is when it is fused
        run.optimizer.state[parameter] = {
            kind: value.to(parameter.device) for kind, value in found.items() if value is not None
        }
    if stored:
        raise FormatError(f"{place} belongs to another network: it has {sorted(stored)[0]}")


def _fill(tensors: Mapping[str, Tensor], stored: dict[str, Tensor], place: Path) -> None:
    if set(tensors) != set(stored):
        odd = sorted(set(tensors) ^ set(stored))
        raise FormatError(f"{place} belongs to another network: {len(odd)} names, as {odd[0]}")
    for name, tensor in tensors.items():
        if tensor.shape != stored[name].shape:
            raise FormatError(
                f"{place} belongs to another network: {name} is {list(stored[name].shape)}, "
                f"expected {list(tensor.shape)}"
            )
        tensor.data.copy_(stored[name])


def _save(tensors: Mapping[str, Tensor], path: Path) -> None:
    save_file({name: tensor.detach().contiguous() for name, tensor in tensors.items()}, path)
    as_the_umask_says(path)


def _load(path: Path) -> dict[str, Tensor]:
    try:
        loaded: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as err:
        raise FormatError(f"{path} is damaged or missing: {err}") from err
    return loaded


_FREE = ("micro_batch", "save_every_s", "save_every", "validate_every", "gradient_checkpointing")


def _differences(stored: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """Numbers that differ and change the result."""
    return [
        f"{name} was {stored.get(name)}, is {here.get(name)}"
        for name in sorted(set(stored) | set(here))
        if name not in _FREE and stored.get(name) != here.get(name)
    ]
