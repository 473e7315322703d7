"""Whether components belong together: a pipeline of mixed variants would make noise, not sound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from pavas_sdk.errors import ConfigurationError, WeightsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["check_components_fit", "check_weights_complete"]

# (slot, config name) that must equal (slot, config name), and what the number is.
_EQUAL = (
    (("transformer", "latent_dim"), ("vae", "latent_channels"), "channels of a latent"),
    (("vae", "mel_bins"), ("vocoder", "mel_bins"), "mel bins"),
    (("vae", "sample_rate_hz"), (None, "sample_rate_hz"), "samples per second"),
    (("vae", "hop_length"), (None, "hop_length"), "samples per mel frame"),
    (("vocoder", "sample_rate_hz"), (None, "sample_rate_hz"), "samples per second"),
    (("vocoder", "hop_length"), (None, "hop_length"), "samples per mel frame"),
)


def check_components_fit(pipe: Any) -> None:
    """Compare the numbers that two components must share, where both name them.

    Args:
        pipe: A pipeline with its components and settings; its own settings are slot None.

    Raises:
        ConfigurationError: Numbers differ: all are named.
    """
    problems = []
    for first, second, meaning in _EQUAL:
        values = [_number(pipe, *place) for place in (first, second)]
        if None not in values and values[0] != values[1]:
            problems.append(
                f"{_words(*first)} is {values[0]}, {_words(*second)} is {values[1]} ({meaning})"
            )
    if problems:
        raise ConfigurationError(
            f"components of different variants: {'; '.join(problems)}. Take all components from "
            "one released model, or convert its files again: pavas models convert"
        )


def check_weights_complete(
    folder: Path, parts: Mapping[str, Any], *, skip: Iterable[str] = ()
) -> None:
    """Compare the names in the weights files of a saved pipeline with those of its networks.

    diffusers starts what a file lacks at random, and only logs it.

    Args:
        folder: The saved pipeline.
        parts: Components that were loaded from it, by slot.
        skip: Slots whose weights came from elsewhere.

    Raises:
        WeightsError: Tensors are missing or unknown: all are listed, of all components.
    """
    lines: list[str] = []
    for slot, part in parts.items():
        files = sorted((folder / slot).glob("*.safetensors"))
        # Quantised weights are stored under other names, which their own loader checks.
        if slot in skip or not files or getattr(part, "hf_quantizer", None) is not None:
            continue
        stored, expected = _stored_names(files), set(part.state_dict())
        lines += [f"  {slot}: missing {name}" for name in sorted(expected - stored)]
        lines += [f"  {slot}: unexpected {name}" for name in sorted(stored - expected)]
    if lines:
        slots = sorted({line.split(":")[0].strip() for line in lines})
        raise WeightsError(
            f"the weights in {folder} do not belong to its {', '.join(slots)} "
            f"({len(lines)} differences):\n"
            + "\n".join(lines)
            + "\nThey are of another variant or "
            "incomplete: save, download or convert the pipeline again"
        )


def _stored_names(files: Iterable[Path]) -> set[str]:
    names: set[str] = set()
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                names |= set(opened.keys())
        except SafetensorError as err:
            raise WeightsError(f"{file} is damaged or was cut short ({err})") from err
    return names


def _number(pipe: Any, slot: str | None, name: str) -> Any:
    part = pipe if slot is None else getattr(pipe, slot, None)
    config = getattr(part, "config", None)
    return None if config is None else config.get(name)


def _words(slot: str | None, name: str) -> str:
    return f"the pipeline's {name}" if slot is None else f"{slot}.{name}"
